import { toCorralError } from '../../ports/errors.ts';
import type { InputWait } from '../../ports/sandbox.ts';
import { type Tracked, unlessOver } from './tracked.ts';

/** A wait for input that is shorter may be the moment between two reads of one line. */
export const SHOWN_AFTER_MS = 100;
/** Ends a call early: the program has come to rest. */
export const STABLE_MS = 300;

/** How long it has waited: not since before the last input, which it may not have read yet. */
export const heldMs = (one: Tracked, wait: InputWait): number => Math.min(wait.forMs, performance.now() - one.lastInput);

/** Does it wait for input now, and since when? Undefined also when it has ended. */
export const inputWaitOf = async (one: Tracked): Promise<InputWait | undefined> => {
  if (one.record.status === 'finished') return undefined;
  return (await one.live.sandbox.inspect(one.record.id).catch(unlessOver))?.inputWait;
};

/** Resolves when it has waited for input without a break for so long; never when the signal aborted. It has to be watched meanwhile. */
export const onNeedsInput = (one: Tracked, stableMs: number, signal: AbortSignal): Promise<InputWait> =>
  new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let looking = false;
    let again = false;
    let over = false;

    const stop = (): void => {
      over = true;
      clearTimeout(timer);
      one.listeners.delete(onNews);
    };
    const look = async (): Promise<void> => {
      const wait = await inputWaitOf(one);
      if (over || wait === undefined) return;
      const left = stableMs - heldMs(one, wait);
      if (left > 0) return later(left);
      stop();
      resolve(wait);
    };
    /** One look at a time; what is told meanwhile is looked at afterwards. */
    const lookOnce = (): void => {
      again = looking;
      if (looking || over) return;
      looking = true;
      look()
        .catch((error: unknown) => {
          stop();
          reject(toCorralError(error));
        })
        .finally(() => {
          looking = false;
          if (again) lookOnce();
        });
    };
    const later = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(lookOnce, Math.ceil(ms));
    };
    let told = one.inputWait;
    const onNews = (): void => {
      if (one.inputWait === told) return;
      told = one.inputWait;
      if (told === undefined) clearTimeout(timer);
      else lookOnce();
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    one.listeners.add(onNews);
    lookOnce();
  });
