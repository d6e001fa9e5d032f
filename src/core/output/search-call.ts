import type { Worker } from 'node:worker_threads';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { FromThread, SearchJob, SearchResult, ToThread } from './search-protocol.ts';

/** Reads what has no file: index into the source's paths, offset, length. */
export type ReadBytes = (index: number, offset: number, length: number) => Promise<Uint8Array>;

export interface SearchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly read?: ReadBytes | undefined;
}

export interface SearchTimes {
  /** A chunk of a megabyte takes milliseconds: a search that is silent this long is stuck in its pattern. */
  readonly stallMs: number;
  /** Enough for gigabytes of ordinary text. */
  readonly totalMs: number;
}

export const searchCancelled = (): CorralError => new CorralError('cancelled', 'The search was cancelled.');

const stuck = (ms: number): CorralError =>
  new CorralError('invalid_input', `pattern: it took more than ${ms} ms on one piece of the text and was stopped.`, {
    hint: 'Write it without nested repetitions such as (a+)+, or search for a plain word.',
  });

const tooLong = (ms: number): CorralError =>
  new CorralError('limit_exceeded', `The search took more than ${ms} ms and was stopped.`, {
    hint: 'Search a part: pass a cursor, since or until.',
  });

const died = (cause: unknown): CorralError =>
  new CorralError('limit_exceeded', `The search thread ended: ${cause instanceof Error ? cause.message : String(cause)}.`, {
    hint: 'Use a simpler pattern or search a smaller part.',
    cause,
  });

/**
 * One job on an idle thread. A thread that is stuck, too slow, no longer wanted or dead is ended, which is the only way out of a regular
 * expression; `ended` tells.
 */
export const callSearch = (
  worker: Worker,
  job: SearchJob,
  options: SearchOptions,
  times: SearchTimes,
  ended: () => void,
): Promise<SearchResult> =>
  new Promise((resolve, reject) => {
    const { signal, read } = options;
    let silence: NodeJS.Timeout | undefined;

    const leave = (): void => {
      clearTimeout(silence);
      clearTimeout(total);
      worker.off('message', onMessage);
      worker.off('error', onDeath);
      signal?.removeEventListener('abort', onAbort);
    };
    const stop = (error: CorralError): void => {
      leave();
      ended();
      worker.terminate().then(
        () => reject(error),
        () => reject(error),
      );
    };
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => stop(stuck(times.stallMs)), times.stallMs);
    };
    const provide = async ({ index, offset, length }: { index: number; offset: number; length: number }): Promise<void> => {
      clearTimeout(silence);
      if (read === undefined) throw new CorralError('internal', 'The text to be searched has no file.');
      const bytes = await read(index, offset, length);
      heard();
      worker.postMessage({ bytes } satisfies ToThread);
    };
    const onAbort = (): void => stop(searchCancelled());
    const onDeath = (error: unknown): void => stop(died(error));
    const onMessage = (message: FromThread): void => {
      if ('alive' in message) heard();
      else if ('need' in message) provide(message.need).catch((error: unknown) => stop(toCorralError(error)));
      else {
        leave();
        if ('result' in message) resolve(message.result);
        else reject(new CorralError('internal', `The search failed: ${message.failed}`));
      }
    };
    const total = setTimeout(() => stop(tooLong(times.totalMs)), times.totalMs);
    worker.on('message', onMessage);
    worker.on('error', onDeath);
    signal?.addEventListener('abort', onAbort);
    heard();
    worker.postMessage({ job } satisfies ToThread);
  });
