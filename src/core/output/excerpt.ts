import type { LogRef, LogStore } from '../../ports/logs.ts';
import { fittingLength } from '../../lib/utf8.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import { formatCursor } from './cursor.ts';
import { countNewlines, cutBack, cutFront } from './cut.ts';
import type { ExcerptSource, Shown } from './presenter.ts';
import { render } from './render.ts';

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

const whole = (source: StreamSource, bytes: Uint8Array): Shown => {
  const { text, binary } = render(bytes);
  return {
    text,
    bytes: source.bytes,
    lines: lineCount(countNewlines(bytes), bytes.at(-1)),
    ...(source.growing && { nextCursor: cursorAt(source.stream, source.bytes) }),
    ...(binary && { binary }),
  };
};

/** Head and tail of one stream in at most `budget` bytes of text (and a line between them that says what is left out). */
export const excerptStream = async (source: StreamSource, budget: number): Promise<Shown> => {
  if (source.bytes <= budget) {
    const bytes = await source.read(0, source.bytes);
    if (fittingLength(bytes, Math.max(budget, SMALL)) === bytes.length) return whole(source, bytes);
  }
  const headRoom = Math.floor(budget * HEAD_SHARE);
  const tailRoom = budget - headRoom;
  const tailFrom = Math.max(0, source.bytes - tailRoom);
  const [front, back] = await Promise.all([source.read(0, headRoom), source.read(tailFrom, tailRoom)]);
  const head = front.subarray(0, cutFront(front, headRoom, 'more'));
  const tail = back.subarray(Math.max(cutBack(back, tailRoom, tailFrom === 0), head.length - tailFrom));
  const left = source.bytes - head.length - tail.length;
  const cursor = cursorAt(source.stream, head.length);
  const newlinesLeft = source.newlines === undefined ? undefined : source.newlines - countNewlines(head) - countNewlines(tail);
  const lines = newlinesLeft === undefined || newlinesLeft < 1 ? '' : ` (${number(newlinesLeft)} lines)`;
  const marker = `… ${number(left)} bytes${lines} left out; read_output with cursor "${cursor}" shows them …`;
  const shown = [render(head), render(tail)] as const;
  return {
    text: `${shown[0].text}${shown[0].text.endsWith('\n') ? '' : '\n'}${marker}\n${shown[1].text}`,
    bytes: source.bytes,
    lines: source.newlines === undefined ? undefined : lineCount(source.newlines, tail.at(-1)),
    truncated: true,
    nextCursor: cursor,
    ...(shown.some(({ binary }) => binary) && { binary: true }),
  };
};

/** Both streams within the budget; an empty one is undefined. */
export const excerpt = async (
  logs: LogStore,
  source: ExcerptSource,
  budgetBytes: number,
): Promise<{ readonly stdout: Shown | undefined; readonly stderr: Shown | undefined }> => {
  const { record, exit } = source;
  const ref: LogRef = { sandbox: record.sandbox, execution: record.id };
  const sizes = { stdout: source.stdoutBytes, stderr: source.stderrBytes };
  const room = share(sizes.stdout, sizes.stderr, budgetBytes);
  const one = async (stream: StreamName): Promise<Shown | undefined> => {
    const bytes = sizes[stream];
    if (bytes === 0) return undefined;
    const inline = exit?.inline?.[stream];
    const counted = exit === undefined ? record[stream]?.newlines : exit[stream].bytes === bytes ? exit[stream].newlines : undefined;
    return await excerptStream(
      {
        stream,
        bytes,
        newlines: counted,
        growing: exit === undefined && record.stdout === undefined,
        read: async (offset, length) =>
          inline?.length === bytes ? inline.subarray(offset, offset + length) : await logs.read(ref, stream, offset, length),
      },
      room[stream],
    );
  };
  const [stdout, stderr] = await Promise.all([one('stdout'), one('stderr')]);
  return { stdout, stderr };
};
