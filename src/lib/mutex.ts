/** Gives the lock back. Calling it twice does nothing more. */
export type Unlock = () => void;

/** One holder at a time, in the order of asking. */
export interface Mutex {
  lock(): Promise<Unlock>;
  /** The lock when nobody holds it, at once; otherwise undefined. */
  tryLock(): Unlock | undefined;
}

export const createMutex = (): Mutex => {
  const waiting: ((unlock: Unlock) => void)[] = [];
  let held = false;

  const makeUnlock = (): Unlock => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = waiting.shift();
      if (next === undefined) held = false;
      else next(makeUnlock());
    };
  };
  const tryLock = (): Unlock | undefined => {
    if (held) return undefined;
    held = true;
    return makeUnlock();
  };
  return {
    tryLock,
    async lock() {
      return tryLock() ?? (await new Promise<Unlock>((resolve) => waiting.push(resolve)));
    },
  };
};
