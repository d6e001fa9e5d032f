import { setImmediate } from 'node:timers/promises';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import { fitted } from './summaries/shown.ts';
import type { Summarise } from './summaries/summariser.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import { formatCursor } from './cursor.ts';
import { countNewlines } from './cut.ts';
import { back, everything, front, type Part, type Piece, pieceOf, windowOf } from './parts.ts';
import type { Excerpt, ExcerptSource, Shown } from './presenter.ts';

/** The end says more than the beginning: errors and summaries stand there. */
const HEAD_SHARE = 0.4;

/** Shown whole even where escapes make it longer than its share. */
const SMALL = 1_024;

/** Bytes for each stream out of what both may take: what one does not need, the other has. */
export const share = (stdout: number, stderr: number, budget: number): { readonly stdout: number; readonly stderr: number } => {
  const half = Math.floor(budget / 2);
  if (stdout + stderr <= budget) return { stdout, stderr };
  if (stdout <= half) return { stdout, stderr: budget - stdout };
  if (stderr <= half) return { stdout: budget - stderr, stderr };
  return { stdout: half, stderr: budget - half };
};

const number = (value: number): string => value.toLocaleString('en-US');

export interface StreamSource {
  readonly stream: StreamName;
  readonly bytes: number;
  /** Of the whole stream; undefined while it is not known. */
  readonly newlines: number | undefined;
  /** More may come. */
  readonly growing: boolean;
  read(offset: number, length: number): Promise<Uint8Array>;
}

const lineCount = (newlines: number, last: number | undefined): number => newlines + (last === undefined || last === 0x0a ? 0 : 1);

const cursorAt = (stream: StreamName, offset: number): string => formatCursor(stream, { stdout: offset, stderr: offset });

/** What the output itself has at least, beside a summary. */
const SUMMARISED_LEAST = 2_048;

/** Bytes that are read of a stream that repeats itself; 4 MiB is what a log gives at once. */
const MAX_READ = 256 * 1024;

const NEWLINE = 0x0a;

const whole = (source: StreamSource, { bytes, stretches }: Piece, { text, folded, binary }: Part): Shown => ({
  text,
  bytes: source.bytes,
  lines: lineCount(countNewlines(bytes), bytes.at(-1)),
  ...(source.growing && { nextCursor: cursorAt(source.stream, source.bytes) }),
  ...(binary && { binary }),
  ...(stretches.length > 0 && folded > 0 && { folded }),
});

interface Ends {
  readonly head: Part;
  readonly tail: Part;
  /** Newlines in what is shown. */
  readonly newlines: number;
  readonly last: number | undefined;
}

/** Head and tail of a stream that was read whole. */
const endsOf = (piece: Piece, budget: number): Ends => {
  const head = front(piece, Math.floor(budget * HEAD_SHARE));
  const bytes = piece.bytes.subarray(head.bytes);
  let at = 0;
  const first = piece.stretches.findIndex((stretch) => (at += stretch.bytes) > head.bytes);
  const atLine = head.bytes === 0 || piece.bytes[head.bytes - 1] === NEWLINE;
  // A line that is shown in part cannot be shown as a whole: it is left to the cut.
  const stretches = first === -1 ? [] : piece.stretches.slice(first + (atLine && !head.cut ? 0 : 1));
  const tail = back({ ...piece, bytes, stretches }, budget - head.size, atLine);
  const hidden = countNewlines(bytes.subarray(0, bytes.length - tail.bytes));
  return { head, tail, newlines: countNewlines(piece.bytes) - hidden, last: piece.bytes.at(-1) };
};

/** Head and tail of a stream of which only both ends were read: neither shows a line that it has not seen whole, unless it has no other. */
const endsOfWindows = async (early: Uint8Array, late: Uint8Array, budget: number, raw: boolean): Promise<Ends> => {
  const lineEnd = early.lastIndexOf(NEWLINE) + 1;
  const head = front({ ...(await pieceOf(early.subarray(0, lineEnd), raw)), bytes: early }, Math.floor(budget * HEAD_SHARE));
  await setImmediate();
  const lineStart = late.indexOf(NEWLINE) + 1;
  const tail = back({ ...(await pieceOf(late.subarray(lineStart), raw)), bytes: late }, budget - head.size, false);
  const newlines = countNewlines(early.subarray(0, head.bytes)) + countNewlines(late.subarray(late.length - tail.bytes));
  return { head, tail, newlines, last: late.at(-1) };
};

/** Head and tail as they were found, and a line between them that says what is left out. */
const joined = (source: StreamSource, { head, tail, newlines, last }: Ends): Shown => {
  const left = source.bytes - head.bytes - tail.bytes;
  const cursor = cursorAt(source.stream, head.bytes);
  const newlinesLeft = source.newlines === undefined ? undefined : source.newlines - newlines;
  const lines = newlinesLeft === undefined || newlinesLeft < 1 ? '' : ` (${number(newlinesLeft)} lines)`;
  const marker = `… ${number(left)} bytes${lines} left out; read_output with cursor "${cursor}" shows them …\n`;
  const folded = head.folded + tail.folded;
  return {
    text: `${head.text}${head.text === '' || head.text.endsWith('\n') ? '' : '\n'}${marker}${tail.text}`,
    bytes: source.bytes,
    lines: source.newlines === undefined ? undefined : lineCount(source.newlines, last),
    truncated: true,
    nextCursor: cursor,
    ...((head.binary || tail.binary) && { binary: true }),
    ...(folded > 0 && { folded }),
  };
};

/**
 * One stream in at most `budget` bytes of text: all of it, or head and tail. Where what was read says so little that half of the budget is left,
 * twice as much is read, up to a bound.
 */
export const excerptStream = async (source: StreamSource, budget: number, raw = false): Promise<Shown> => {
  const most = raw ? budget : Math.max(windowOf(budget), MAX_READ);
  for (let window = raw ? budget : windowOf(budget); ; window *= 2) {
    if (source.bytes <= Math.max(window, SMALL)) {
      const piece = await pieceOf(await source.read(0, source.bytes), raw);
      const shown = everything(piece, source.bytes <= budget ? Math.max(budget, SMALL) : budget);
      return shown === undefined ? joined(source, endsOf(piece, budget)) : whole(source, piece, shown);
    }
    const headWindow = Math.floor(window * HEAD_SHARE);
    const tailWindow = window - headWindow;
    const [early, late] = await Promise.all([source.read(0, headWindow), source.read(source.bytes - tailWindow, tailWindow)]);
    const ends = await endsOfWindows(early, late, budget, raw);
    if (ends.head.size + ends.tail.size > budget / 2 || window * 2 > most) return joined(source, ends);
  }
};

/** Beside a summary, the output itself needs less room. */
const withSummary = (budget: number): number => Math.min(budget, Math.max(SUMMARISED_LEAST, Math.floor(budget / 8)));

/** Both streams within the budget; an empty one is undefined. `summarise`: of what is not asked for raw. */
export const excerpt = async (
  logs: LogStore,
  source: ExcerptSource,
  budgetBytes: number,
  { raw = false, summarise }: { readonly raw?: boolean | undefined; readonly summarise?: Summarise | undefined } = {},
): Promise<Excerpt> => {
  const { record, exit } = source;
  const ref: LogRef = { sandbox: record.sandbox, execution: record.id };
  const sizes = { stdout: source.stdoutBytes, stderr: source.stderrBytes };
  const inlineOf = (stream: StreamName): Uint8Array | undefined =>
    exit?.inline?.[stream].length === sizes[stream] ? exit.inline[stream] : undefined;
  const read = async (stream: StreamName, offset: number, length: number): Promise<Uint8Array> =>
    inlineOf(stream)?.subarray(offset, offset + length) ?? (await logs.read(ref, stream, offset, length));
  const { outcome, title } = record;
  const summary =
    summarise === undefined || raw || outcome?.kind !== 'exited' || outcome.code === undefined || title === undefined
      ? undefined
      : await summarise({
          command: title,
          code: outcome.code,
          stdoutBytes: sizes.stdout,
          stderrBytes: sizes.stderr,
          path: async (stream) => (inlineOf(stream) === undefined ? await logs.path(ref, stream) : undefined),
          read,
        });
  const room = share(sizes.stdout, sizes.stderr, summary === undefined ? budgetBytes : withSummary(budgetBytes));
  const one = async (stream: StreamName): Promise<Shown | undefined> => {
    const bytes = sizes[stream];
    if (bytes === 0) return undefined;
    const newlines = exit === undefined ? record[stream]?.newlines : exit[stream].bytes === bytes ? exit[stream].newlines : undefined;
    const growing = exit === undefined && record.stdout === undefined;
    const of: StreamSource = { stream, bytes, newlines, growing, read: (offset, length) => read(stream, offset, length) };
    return await excerptStream(of, room[stream], raw);
  };
  const [stdout, stderr] = await Promise.all([one('stdout'), one('stderr')]);
  return { stdout, stderr, ...(summary !== undefined && { summary: fitted(summary, budgetBytes) }) };
};
