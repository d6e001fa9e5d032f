import type { LogRun } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';

/** A run is extended for so long: its bytes arrived between its time and this much later. */
export const RUN_MS = 250;

/** One stream's runs by where they end. */
interface StreamTimes {
  readonly ends: readonly number[];
  readonly atMs: readonly number[];
}

const timesOf = (runs: readonly LogRun[], stream: StreamName): StreamTimes => {
  const ends: number[] = [];
  const atMs: number[] = [];
  let end = 0;
  for (const run of runs) {
    if (run.stream !== stream) continue;
    end += run.bytes;
    ends.push(end);
    atMs.push(run.atMs);
  }
  return { ends, atMs };
};

/** How many of the ascending numbers are at most `value`. */
const countUpTo = (ascending: readonly number[], value: number): number => {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** When what was printed, by the order index. Times in ms since the start of the execution. */
export interface LogClock {
  /**
   * When the byte at this offset arrived: to 250 ms, never later than it did. What is behind all that is recorded came no earlier than the last
   * that is, and no earlier than `unrecordedMs`.
   */
  at(stream: StreamName, offset: number): number;
  /** How many bytes of the stream are recorded with their times. */
  recorded(stream: StreamName): number;
  /** Where the bytes begin that may have arrived at `ms` or later: nothing that did is left out. */
  since(stream: StreamName, size: number, ms: number): number;
  /** Where the bytes end that arrived at `ms` at the latest, by their time. */
  until(stream: StreamName, size: number, ms: number): number;
}

/** `unrecordedMs`: of one that runs, the latest run is written down 250 ms after it began at the latest. */
export const createLogClock = (runs: readonly LogRun[], unrecordedMs = 0): LogClock => {
  const times = { stdout: timesOf(runs, 'stdout'), stderr: timesOf(runs, 'stderr') };
  return {
    at: (stream, offset) => {
      const { ends, atMs } = times[stream];
      const found = atMs[countUpTo(ends, offset)];
      return found ?? Math.max(atMs.at(-1) ?? 0, runs.length === 0 ? 0 : unrecordedMs);
    },
    recorded: (stream) => times[stream].ends.at(-1) ?? 0,
    since: (stream, size, ms) => {
      const { ends, atMs } = times[stream];
      // Without an index all of it is from one run that began within 250 ms of the start.
      if (ends.length === 0) return ms < 2 * RUN_MS ? 0 : size;
      const over = atMs.findIndex((at, index) => Math.min(at + RUN_MS, atMs[index + 1] ?? Infinity) > ms);
      // What is not recorded yet is new.
      return Math.min(size, over === -1 ? (ends.at(-1) ?? 0) : over === 0 ? 0 : (ends[over - 1] ?? 0));
    },
    until: (stream, size, ms) => {
      const { ends, atMs } = times[stream];
      if (ends.length === 0) return ms < 0 ? 0 : size;
      const count = countUpTo(atMs, ms);
      return count === ends.length ? size : Math.min(size, ends[count - 1] ?? 0);
    },
  };
};
