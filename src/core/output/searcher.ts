import type { Worker } from 'node:worker_threads';
import { CorralError } from '../../ports/errors.ts';
import { compilePattern } from './pattern.ts';
import { callSearch, searchCancelled, type SearchOptions, type SearchTimes } from './search-call.ts';
import type { SearchJob, SearchResults } from './search-protocol.ts';
import { startSearchWorker } from './worker-program.ts';

/** Searches in threads of its own, in the order of the calls; started with the first. Throws CorralError only. */
export interface Searcher extends AsyncDisposable {
  search<K extends keyof SearchResults>(job: Extract<SearchJob, { kind: K }>, options?: SearchOptions): Promise<SearchResults[K]>;
}

const MAX_WAITING = 1_000;

/** While one is stuck in its pattern, until its time is up, the others go on in the second. One that is idle is enough. */
const THREADS = 2;

export const createSearcher = ({ stallMs = 2_000, totalMs = 20_000 }: Partial<SearchTimes> = {}): Searcher => {
  const threads = new Set<Worker>();
  const idle = new Set<Worker>();
  const queue: (() => void)[] = [];
  let busy = 0;
  let disposed = false;

  const refuseWhenDisposed = (): void => {
    if (disposed)
      throw new CorralError('unavailable', 'The server is ending; nothing is searched any more.', { hint: 'Start the server again.' });
  };

  const forget = (one: Worker): void => {
    threads.delete(one);
    idle.delete(one);
  };

  /** The thread does not keep the process alive; the caller's own timers do while it is asked. */
  const thread = async (): Promise<Worker> => {
    const [free] = idle;
    if (free !== undefined) {
      idle.delete(free);
      return free;
    }
    const made = await startSearchWorker();
    made.unref();
    // One that dies with nothing to do is replaced with the next search.
    made.on('error', () => forget(made));
    made.once('exit', () => forget(made));
    threads.add(made);
    return made;
  };

  const giveBack = async (one: Worker): Promise<void> => {
    if (!threads.has(one)) return;
    if (idle.size === 0) idle.add(one);
    else {
      forget(one);
      await one.terminate();
    }
  };

  const turn = async (): Promise<Disposable> => {
    if (busy === THREADS) await new Promise<void>((resolve) => queue.push(resolve));
    else busy += 1;
    return {
      [Symbol.dispose]: () => {
        const next = queue.shift();
        if (next === undefined) busy -= 1;
        else next();
      },
    };
  };

  return {
    async search<K extends keyof SearchResults>(
      job: Extract<SearchJob, { kind: K }>,
      options: SearchOptions = {},
    ): Promise<SearchResults[K]> {
      if ('pattern' in job) compilePattern(job.pattern, job.ignoreCase);
      refuseWhenDisposed();
      if (queue.length >= MAX_WAITING)
        throw new CorralError('limit_exceeded', `${queue.length} searches wait already.`, { hint: 'Call again later.' });
      using _ = await turn();
      refuseWhenDisposed();
      const refuseWhenAborted = (): void => {
        if (options.signal?.aborted === true) throw searchCancelled();
      };
      refuseWhenAborted();
      const one = await thread();
      try {
        refuseWhenAborted();
        return (await callSearch(one, job, options, { stallMs, totalMs }, () => forget(one))) as SearchResults[K];
      } finally {
        await giveBack(one);
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      await Promise.all([...threads].map((one) => one.terminate()));
    },
  };
};
