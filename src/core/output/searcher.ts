import type { Worker } from 'node:worker_threads';
import { createMutex } from '../../lib/mutex.ts';
import { CorralError } from '../../ports/errors.ts';
import { compilePattern } from './pattern.ts';
import { callSearch, searchCancelled, type SearchOptions, type SearchTimes } from './search-call.ts';
import type { SearchJob, SearchResults } from './search-protocol.ts';
import { startSearchWorker } from './worker-program.ts';

/** Searches in a thread of its own, one after the other; started with the first. Throws CorralError only. */
export interface Searcher extends AsyncDisposable {
  search<K extends keyof SearchResults>(job: Extract<SearchJob, { kind: K }>, options?: SearchOptions): Promise<SearchResults[K]>;
}

const MAX_WAITING = 1_000;

export const createSearcher = ({ stallMs = 2_000, totalMs = 20_000 }: Partial<SearchTimes> = {}): Searcher => {
  const turn = createMutex();
  let worker: Worker | undefined;
  let waiting = 0;
  let disposed = false;

  const refuseWhenDisposed = (): void => {
    if (disposed)
      throw new CorralError('unavailable', 'The server is ending; nothing is searched any more.', { hint: 'Start the server again.' });
  };

  const forget = (one: Worker): void => {
    if (worker === one) worker = undefined;
  };

  /** The thread does not keep the process alive; the caller's own timers do while it is asked. */
  const thread = async (): Promise<Worker> => {
    if (worker !== undefined) return worker;
    const made = await startSearchWorker();
    made.unref();
    // One that dies with nothing to do is replaced with the next search.
    made.on('error', () => forget(made));
    made.once('exit', () => forget(made));
    worker = made;
    return made;
  };

  return {
    async search<K extends keyof SearchResults>(
      job: Extract<SearchJob, { kind: K }>,
      options: SearchOptions = {},
    ): Promise<SearchResults[K]> {
      if ('pattern' in job) compilePattern(job.pattern, job.ignoreCase);
      refuseWhenDisposed();
      if (waiting >= MAX_WAITING)
        throw new CorralError('limit_exceeded', `${waiting} searches wait already.`, { hint: 'Call again later.' });
      waiting += 1;
      const unlock = await turn.lock();
      try {
        refuseWhenDisposed();
        const isAborted = (): boolean => options.signal?.aborted === true;
        if (isAborted()) throw searchCancelled();
        const one = await thread();
        if (isAborted()) throw searchCancelled();
        return (await callSearch(one, job, options, { stallMs, totalMs }, () => forget(one))) as SearchResults[K];
      } finally {
        waiting -= 1;
        unlock();
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      await worker?.terminate();
    },
  };
};
