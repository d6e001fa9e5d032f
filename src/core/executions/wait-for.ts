import type { Tracked } from './tracked.ts';

/** Waits for the end of one execution, for so long, or until the caller gives up. */
export const waitFor = async (one: Tracked, waitMs: number, signal: AbortSignal): Promise<'done' | 'time' | 'aborted'> => {
  if (one.record.status === 'finished') return 'done';
  if (waitMs <= 0) return 'time';
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await Promise.race([
      one.done.then(() => 'done' as const),
      new Promise<'time'>((resolve) => {
        timer = setTimeout(() => resolve('time'), waitMs);
      }),
      new Promise<'aborted'>((resolve) => {
        onAbort = () => resolve('aborted');
        if (signal.aborted) onAbort();
        else signal.addEventListener('abort', onAbort, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
};
