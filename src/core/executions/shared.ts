/** Work that many wait for and one does: it begins with the first of them, and is given up when the last has left. */
export interface Shared {
  /** Resolves or rejects with the work; never, when the signal aborted first. */
  join<T>(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
}

interface Running {
  readonly result: Promise<unknown>;
  readonly stop: AbortController;
  users: number;
}

export const createShared = (): Shared => {
  const running = new Map<string, Running>();

  const begin = (key: string, work: (signal: AbortSignal) => Promise<unknown>): Running => {
    const stop = new AbortController();
    const one: Running = {
      stop,
      users: 0,
      result: work(stop.signal).finally(() => {
        if (running.get(key) === one) running.delete(key);
      }),
    };
    // Whoever waits hears of it; when nobody does any more, it was given up.
    one.result.catch(() => undefined);
    running.set(key, one);
    return one;
  };

  return {
    join: <T>(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return;
        const one = running.get(key) ?? begin(key, work);
        one.users += 1;
        const leave = (): void => {
          one.users -= 1;
          if (one.users > 0) return;
          if (running.get(key) === one) running.delete(key);
          one.stop.abort();
        };
        signal.addEventListener('abort', leave, { once: true });
        const settle =
          <V>(end: (value: V) => void) =>
          (value: V): void => {
            if (signal.aborted) return;
            signal.removeEventListener('abort', leave);
            end(value);
          };
        one.result.then(
          settle((value) => resolve(value as T)),
          settle(reject),
        );
      }),
  };
};
