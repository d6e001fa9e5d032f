import type { LogRef, LogRun, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Offsets } from './cursor.ts';
import { nextLine, newlineOf } from './line-edges.ts';
import { createLogClock, type LogClock, RUN_MS } from './log-clock.ts';
import type { PageRequest } from './presenter.ts';

/** A stretch of one stream. */
export interface Segment {
  readonly stream: StreamName;
  readonly offset: number;
  readonly length: number;
}

/** What a request is about, as one row of bytes: stretches of the streams in the order in which they are to be read. */
export interface View {
  readonly segments: readonly Segment[];
  readonly length: number;
  /** Whole streams that it is taken from. */
  readonly sizes: Offsets;
  /** Knows times only where the request is about them. */
  readonly clock: LogClock;
}

export type ViewRequest = Pick<PageRequest, 'stream' | 'sinceMs' | 'untilMs' | 'elapsedMs' | 'stamp' | 'codec'> & {
  readonly start: Offsets;
};

/** The recorded runs, then what has not been recorded yet: stdout first, as late as the last run. */
const allRuns = function* (runs: readonly LogRun[], sizes: Offsets): Iterable<LogRun & { readonly offset: number }> {
  const at = { stdout: 0, stderr: 0 };
  let last = 0;
  for (const { stream, bytes, atMs } of runs) {
    const offset = at[stream];
    const here = Math.min(bytes, sizes[stream] - offset);
    last = atMs;
    if (here > 0) yield { stream, bytes: here, atMs, offset };
    at[stream] += Math.max(0, here);
  }
  for (const stream of ['stdout', 'stderr'] as const)
    if (sizes[stream] > at[stream]) yield { stream, bytes: sizes[stream] - at[stream], atMs: last, offset: at[stream] };
};

/** Appends, as one with the last where it continues it. */
const append = (segments: Segment[], next: Segment): void => {
  const last = segments.at(-1);
  if (last?.stream === next.stream && last.offset + last.length === next.offset)
    segments[segments.length - 1] = { ...last, length: last.length + next.length };
  else segments.push(next);
};

/** Of each stream, from where to where. */
type Ranges = Readonly<Record<StreamName, { readonly from: number; readonly to: number }>>;

const select = (runs: readonly LogRun[], sizes: Offsets, stream: ViewRequest['stream'], ranges: Ranges): Segment[] => {
  const segments: Segment[] = [];
  for (const run of allRuns(runs, sizes)) {
    if (stream !== 'both' && run.stream !== stream) continue;
    const { from, to } = ranges[run.stream];
    const offset = Math.max(run.offset, from);
    const length = Math.min(run.offset + run.bytes, to) - offset;
    if (length > 0) append(segments, { stream: run.stream, offset, length });
  }
  return segments;
};

/** A line that is longer than this is cut where the time says, not where it ends. */
const MAX_LINE_BYTES = 1024 * 1024;

/** The first line that begins at `offset` or later: a time falls into a line, and lines are shown whole. */
const wholeLine = async (logs: LogStore, ref: LogRef, stream: StreamName, offset: number, size: number, newline: Uint8Array) => {
  if (offset <= 0 || offset >= size) return offset;
  const from = Math.max(0, offset - newline.length);
  const bytes = await logs.read(ref, stream, from, MAX_LINE_BYTES);
  const next = nextLine(bytes, newline, 0, from);
  return next === -1 ? (bytes.length < MAX_LINE_BYTES ? size : offset) : from + next;
};

export const openView = async (logs: LogStore, ref: LogRef, request: ViewRequest): Promise<View> => {
  const { stream, start, sinceMs, untilMs, stamp, codec } = request;
  const [stdout, stderr] = await Promise.all([logs.size(ref, 'stdout'), logs.size(ref, 'stderr')]);
  const sizes = { stdout, stderr };
  const isTimed = sinceMs !== undefined || untilMs !== undefined;
  const needsOrder = isTimed || stamp !== undefined || (stream === 'both' && stdout > 0 && stderr > 0);
  const runs = needsOrder ? await logs.order(ref) : [];
  const clock = createLogClock(runs, Math.max(0, (request.elapsedMs ?? 0) - RUN_MS));
  const newline = newlineOf(codec);
  const rangeOf = async (name: StreamName) => {
    const size = sizes[name];
    const edge = (offset: number) => wholeLine(logs, ref, name, offset, size, newline);
    const from = sinceMs === undefined ? 0 : await edge(clock.since(name, size, sinceMs));
    const to = untilMs === undefined ? size : await edge(clock.until(name, size, untilMs));
    return { from: Math.max(from, start[name]), to };
  };
  const ranges = { stdout: await rangeOf('stdout'), stderr: await rangeOf('stderr') };
  const segments = select(runs, sizes, stream, ranges);
  return { segments, length: segments.reduce((sum, { length }) => sum + length, 0), sizes, clock };
};

/** The part of the segments that covers `length` bytes from `from`. */
export const slice = (segments: readonly Segment[], from: number, length: number): Segment[] => {
  const part: Segment[] = [];
  let at = 0;
  for (const segment of segments) {
    const begin = Math.max(from, at);
    const end = Math.min(from + length, at + segment.length);
    if (end > begin) part.push({ stream: segment.stream, offset: segment.offset + begin - at, length: end - begin });
    at += segment.length;
    if (at >= from + length) break;
  }
  return part;
};

/** How far the streams have been read after `count` bytes of the view; a stream not met stays at `start`. */
export const offsetsAfter = (view: View, count: number, start: Offsets): Offsets => {
  const after = { ...start };
  for (const { stream, offset, length } of slice(view.segments, 0, count)) after[stream] = offset + length;
  return after;
};

/** At most 4 MiB. One read for each stream: its stretches follow one another without a gap. */
export const readView = async (logs: LogStore, ref: LogRef, view: View, from: number, length: number): Promise<Uint8Array> => {
  const wanted = slice(view.segments, from, length);
  const readStream = async (stream: StreamName) => {
    const own = wanted.filter((segment) => segment.stream === stream);
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return { first: 0, bytes: new Uint8Array() };
    return { first: first.offset, bytes: await logs.read(ref, stream, first.offset, last.offset + last.length - first.offset) };
  };
  const [stdout, stderr] = await Promise.all([readStream('stdout'), readStream('stderr')]);
  const read = { stdout, stderr };
  const [only] = wanted;
  if (wanted.length === 1 && only !== undefined) return read[only.stream].bytes;
  return Buffer.concat(
    wanted.map(({ stream, offset, length: count }) =>
      read[stream].bytes.subarray(offset - read[stream].first, offset - read[stream].first + count),
    ),
  );
};
