import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import { MAX_LINE_BYTES } from './line-splitter.ts';
import type { Searcher } from './searcher.ts';
import type { MatchRequest, OutputWatch } from './watch.ts';

/** Waits for a line in one stream: each look goes on where the last one stopped, at the beginning of the unfinished line. */
export interface LineMatcher {
  /** The first matching line among what has come since the last look; a line without its newline counts. */
  look(signal?: AbortSignal): Promise<string | undefined>;
}

export const createLineMatcher = (
  logs: LogStore,
  searcher: Searcher,
  ref: LogRef,
  stream: StreamName,
  pattern: string,
  from = 0,
): LineMatcher => {
  let offset = from;
  let seen = -1;
  return {
    async look(signal) {
      const size = await logs.size(ref, stream);
      if (size === seen || size <= offset) return undefined;
      const source = { paths: [await logs.path(ref, stream)], segments: Float64Array.of(0, offset, size - offset) };
      const found = await searcher.search(
        { kind: 'match', pattern, ignoreCase: false, raw: false, source },
        { signal, read: (_, at, length) => logs.read(ref, stream, at, length) },
      );
      seen = size;
      offset = Math.max(offset + found.resume, size - MAX_LINE_BYTES);
      return found.text;
    },
  };
};

/** Resolves with the next growth, or when the signal aborts. */
const createBell = (listeners: Set<() => void>, signal: AbortSignal) => {
  let rung = false;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  listeners.add(ring);
  signal.addEventListener('abort', ring);
  return {
    /** At once when it rang since the last time. */
    async wait(): Promise<void> {
      if (!rung) await new Promise<void>((resolve) => (wake = resolve));
      rung = false;
    },
    [Symbol.dispose](): void {
      listeners.delete(ring);
      signal.removeEventListener('abort', ring);
    },
  };
};

export const createOutputWatch = (logs: LogStore, searcher: Searcher): OutputWatch => {
  const matchersFor = ({ ref, pattern, stream }: MatchRequest): readonly LineMatcher[] =>
    (stream === undefined ? (['stdout', 'stderr'] as const) : [stream]).map((one) => createLineMatcher(logs, searcher, ref, one, pattern));

  const lookAtAll = async (matchers: readonly LineMatcher[], signal?: AbortSignal): Promise<string | undefined> => {
    for (const matcher of matchers) {
      const line = await matcher.look(signal);
      if (line !== undefined) return line;
    }
    return undefined;
  };

  return {
    async match(request, signal) {
      const matchers = matchersFor(request);
      using bell = createBell(request.growth.listeners, signal);
      while (!signal.aborted) {
        try {
          const line = await lookAtAll(matchers, signal);
          if (line !== undefined) return line;
        } catch (error) {
          if (!signal.aborted) throw error;
          return undefined;
        }
        await bell.wait();
      }
      return undefined;
    },
    search: (request) => lookAtAll(matchersFor(request)),
  };
};
