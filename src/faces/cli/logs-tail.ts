import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Positions } from './output-copier.ts';

interface Segment {
  readonly stream: StreamName;
  readonly from: number;
  readonly to: number;
}

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** The output as pieces in the order of arrival, up to these sizes. */
const segmentsOf = async (logs: LogStore, ref: LogRef, streams: readonly StreamName[], sizes: Positions): Promise<readonly Segment[]> => {
  const at: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  const segments: Segment[] = [];
  const push = (stream: StreamName, to: number): void => {
    if (!streams.includes(stream) || to <= at[stream]) return;
    segments.push({ stream, from: at[stream], to });
    at[stream] = to;
  };
  const told: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  for (const run of streams.length > 1 ? await logs.order(ref) : []) {
    told[run.stream] += run.bytes;
    push(run.stream, Math.min(told[run.stream], sizes[run.stream]));
  }
  for (const stream of streams) push(stream, sizes[stream]);
  return segments;
};

/** Where the last `lines` lines begin, in each stream. Reads backwards, and no more than it must. */
export const tailPositions = async (
  logs: LogStore,
  ref: LogRef,
  streams: readonly StreamName[],
  sizes: Positions,
  lines: number,
): Promise<Positions> => {
  const start: Record<StreamName, number> = { ...sizes };
  if (lines === 0) return start;
  let left = lines;
  let last = true;
  for (const { stream, from, to } of (await segmentsOf(logs, ref, streams, sizes)).toReversed()) {
    for (let end = to; end > from;) {
      const begin = Math.max(from, end - CHUNK_BYTES);
      const data = await logs.read(ref, stream, begin, end - begin);
      for (let index = data.length - 1; index >= 0; index -= 1) {
        // The newline at the very end closes the last line, it does not begin another.
        if (data[index] === NEWLINE && !last) {
          left -= 1;
          if (left === 0) return { ...start, [stream]: begin + index + 1 };
        }
        last = false;
      }
      start[stream] = begin;
      end = begin;
    }
  }
  return start;
};
