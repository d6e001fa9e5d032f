import type { LogRef, LogStore } from '../../../ports/logs.ts';
import type { StreamName } from '../../../ports/sandbox.ts';
import { createLogClock } from '../../output/log-clock.ts';
import type { Look } from '../../executions/types.ts';
import type { Codec } from './encoding.ts';
import { SHOWN_BYTES } from './output.ts';

export interface LogLine {
  readonly text: string;
  /** When its beginning was printed, in ms since the epoch. */
  readonly atMs: number;
}

export interface LogRequest {
  readonly look: Look;
  readonly stream: StreamName;
  readonly codec: Codec;
  /** Last lines only. */
  readonly tail?: number | undefined;
  /** First lines only, of what is left. */
  readonly limit?: number | undefined;
  /** In ms since the epoch, both inclusive. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface LogLines {
  readonly lines: readonly LogLine[];
  /** There was more before, or between: the answer shows the latest that fits. */
  readonly leftOut: boolean;
}

const NEWLINE = 0x0a;
/** Of one stream in one answer. */
const MOST_LINES = 10_000;

interface Piece {
  readonly text: string;
  readonly offset: number;
}

/** Lines with the offsets at which they begin. */
const linesOf = (bytes: Uint8Array, base: number, codec: Codec): readonly Piece[] => {
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, at);
    const end = found === -1 ? bytes.length : found;
    pieces.push({ text: codec.decode(bytes.subarray(at, end)), offset: base + at });
    at = end + 1;
  }
  return pieces;
};

/** The same where a line's end is more than one byte: offsets are reckoned from the text. */
const wideLinesOf = (bytes: Uint8Array, base: number, codec: Codec): readonly Piece[] => {
  const pieces: Piece[] = [];
  let offset = base;
  for (const text of codec.decode(bytes).split('\n')) {
    pieces.push({ text, offset });
    offset += codec.encode(`${text}\n`).length;
  }
  return pieces.at(-1)?.text === '' ? pieces.slice(0, -1) : pieces;
};

/** Where the last `count` lines begin; a newline at the very end belongs to the last of them. */
const startOfLast = (bytes: Uint8Array, count: number): number => {
  let start = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  for (let seen = 0; seen < count; seen += 1) {
    const newline = start === 0 ? -1 : bytes.lastIndexOf(NEWLINE, start - 1);
    if (newline === -1) return 0;
    start = newline;
  }
  return start + 1;
};

/** The latest lines of one stream that fit into an answer, within the times asked for. A line without its end is a line. */
export const readLines = async (logs: LogStore, request: LogRequest): Promise<LogLines> => {
  const { look, stream, codec, tail = MOST_LINES, sinceMs = -Infinity, untilMs = Infinity } = request;
  const { record, exit } = look;
  const { startedMs } = record;
  const ref: LogRef = { sandbox: record.sandbox, execution: record.id };
  const size = stream === 'stdout' ? look.stdoutBytes : look.stderrBytes;
  const inline = exit?.inline?.[stream];
  const clock = createLogClock(size === 0 ? [] : await logs.order(ref));
  const end = untilMs === Infinity ? size : clock.until(stream, size, untilMs - startedMs);
  const begin = Math.max(0, end - SHOWN_BYTES);
  const bytes =
    inline?.length === size
      ? inline.subarray(begin, end)
      : end > begin
        ? await logs.read(ref, stream, begin, end - begin)
        : new Uint8Array();
  // A window that begins inside a line shows whole lines only, unless there is none.
  const whole = begin > 0 && codec.unit === 1 ? bytes.indexOf(NEWLINE) + 1 : 0;
  const wanted = Math.min(tail, MOST_LINES);
  const from = codec.unit === 1 ? Math.max(whole, startOfLast(bytes, wanted)) : whole;
  const found = (codec.unit === 1 ? linesOf : wideLinesOf)(bytes.subarray(from), begin + from, codec)
    .map(({ text, offset }) => ({ text: text.replace(/\r$/, ''), atMs: startedMs + clock.at(stream, offset) }))
    .slice(-wanted);
  const lines = found.filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs);
  const more = begin + from > 0 && (found[0]?.atMs ?? 0) >= sinceMs;
  return { lines: lines.slice(0, request.limit), leftOut: more && (request.tail === undefined || lines.length < request.tail) };
};
