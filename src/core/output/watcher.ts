import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import { MAX_LINE_BYTES } from './line-splitter.ts';
import type { Searcher } from './searcher.ts';
import type { Growth, Match, Matching, MatchRequest, OutputWatch } from './watch.ts';

/** Waits for a line in one stream: each look goes on where the last one stopped, at the beginning of the unfinished line. */
export interface LineMatcher {
  /** The first matching line among what has come since the last look; a line without its newline counts. `grown`: the size as told, if it was. */
  look(signal?: AbortSignal, grown?: number): Promise<string | undefined>;
  /** Bytes that need not be looked at again. */
  offset(): number;
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
    async look(signal, grown) {
      if (grown !== undefined && grown <= seen) return undefined;
      const size = await logs.size(ref, stream);
      if (size === seen || size <= offset) {
        seen = size;
        return undefined;
      }
      const source = { paths: [await logs.path(ref, stream)], segments: Float64Array.of(0, offset, size - offset) };
      const found = await searcher.search(
        { kind: 'match', pattern, ignoreCase: false, raw: false, source },
        { signal, read: (_, at, length) => logs.read(ref, stream, at, length) },
      );
      seen = size;
      offset = found.end === undefined ? Math.max(offset + found.resume, size - MAX_LINE_BYTES) : offset + found.end;
      return found.text;
    },
    offset: () => offset,
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

/** A search that several wait for. */
interface SharedMatching extends Matching {
  readonly stop: AbortController;
  users: number;
}

export const createOutputWatch = (logs: LogStore, searcher: Searcher): OutputWatch => {
  const shared = new Map<string, SharedMatching>();

  const matchersFor = ({ ref, pattern, stream, from }: MatchRequest) => {
    const streams = stream === undefined ? (['stdout', 'stderr'] as const) : [stream];
    const matchers = streams.map((name) => ({ name, matcher: createLineMatcher(logs, searcher, ref, name, pattern, from?.[name]) }));
    const offsetOf = (name: StreamName): number => matchers.find((one) => one.name === name)?.matcher.offset() ?? from?.[name] ?? 0;
    return {
      async look(signal?: AbortSignal, grown?: Growth): Promise<Match | undefined> {
        for (const { name, matcher } of matchers) {
          const line = await matcher.look(signal, name === 'stdout' ? grown?.stdoutBytes : grown?.stderrBytes);
          if (line !== undefined) return { line, stream: name };
        }
        return undefined;
      },
      scanned: () => ({ stdout: offsetOf('stdout'), stderr: offsetOf('stderr') }),
    };
  };

  const begin = (request: Parameters<OutputWatch['match']>[0], key: string): SharedMatching => {
    const matchers = matchersFor(request);
    const stop = new AbortController();
    const { signal } = stop;
    const run = async (): Promise<Match | undefined> => {
      using bell = createBell(request.growth.listeners, signal);
      while (!signal.aborted) {
        try {
          const match = await matchers.look(signal, request.growth);
          if (match !== undefined) return match;
        } catch (error) {
          if (!signal.aborted) throw error;
          return undefined;
        }
        await bell.wait();
      }
      return undefined;
    };
    const one: SharedMatching = {
      stop,
      users: 0,
      scanned: matchers.scanned,
      match: run().finally(() => {
        if (shared.get(key) === one) shared.delete(key);
      }),
    };
    shared.set(key, one);
    return one;
  };

  return {
    match(request, signal) {
      const { ref, pattern, stream, from } = request;
      const key = JSON.stringify([ref.sandbox, ref.execution, stream, from?.stdout ?? 0, from?.stderr ?? 0, pattern]);
      const one = shared.get(key) ?? begin(request, key);
      one.users += 1;
      const leave = (): void => {
        one.users -= 1;
        if (one.users > 0) return;
        if (shared.get(key) === one) shared.delete(key);
        one.stop.abort();
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      const left = new Promise<undefined>((resolve) => {
        if (signal.aborted) resolve(undefined);
        else signal.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      return { match: Promise.race([one.match, left]), scanned: one.scanned };
    },
    async search(request) {
      const matchers = matchersFor(request);
      const match = await matchers.look();
      return { match, scanned: matchers.scanned() };
    },
  };
};
