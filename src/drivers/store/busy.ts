import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy } from './sqlite-error.ts';

/** A write of another server takes a few milliseconds; one that holds the file this long is stuck. */
const PATIENCE_MS = 5_000;
const MAX_PAUSE_MS = 20;

/** Does it, again and again while another process holds the file, waiting in timers so that the event loop goes on. */
export const retryWhileBusy = async <T>(work: () => T, signal?: AbortSignal): Promise<T> => {
  const deadline = performance.now() + PATIENCE_MS;
  for (let pause = 1; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await sleep(pause * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
  }
};
