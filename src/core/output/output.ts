import { CorralError } from '../../ports/errors.ts';
import type { LogStore } from '../../ports/logs.ts';
import { excerpt } from './excerpt.ts';
import { readPage } from './page.ts';
import type { Presenter } from './presenter.ts';
import type { SearchTimes } from './search-call.ts';
import { createSearcher } from './searcher.ts';
import { createSummarise } from './summaries/summariser.ts';
import type { TextSearch } from './text-search.ts';
import type { OutputWatch } from './watch.ts';
import { createOutputWatch } from './watcher.ts';

/** The bytes, or the first so many of a file. */
export type HashSource = { readonly path: string; readonly bytes: number } | { readonly data: Uint8Array };

export interface OutputOptions {
  readonly logs: LogStore;
  readonly searchTimes?: Partial<SearchTimes>;
  /** Answers summarise long output of known tools. */
  readonly summaries?: boolean;
}

/** An answer does not wait longer for what is only an extra. */
const SUMMARY_TIMES: SearchTimes = { stallMs: 1_500, totalMs: 1_500 };

/** Everything that turns kept output into answers. Owns two threads, for searches and for summaries, which start with the first of each. */
export interface Output extends AsyncDisposable {
  readonly presenter: Presenter;
  readonly watch: OutputWatch;
  readonly textSearch: TextSearch;
  /** SHA-256, in hex, of whole streams; undefined when they are not as long as that any more, or it takes too long. */
  hash(source: HashSource, signal: AbortSignal): Promise<string | undefined>;
}

export const createOutput = ({ logs, searchTimes, summaries = true }: OutputOptions): Output => {
  const searcher = createSearcher(searchTimes);
  const summarySearcher = createSearcher(SUMMARY_TIMES);
  const summarise = summaries ? createSummarise(summarySearcher) : undefined;
  return {
    presenter: {
      excerpt: (source, budgetBytes, raw) => excerpt(logs, source, budgetBytes, { raw, summarise }),
      page: (ref, request, signal) => readPage(logs, searcher, ref, request, signal),
    },
    watch: createOutputWatch(logs, searcher),
    textSearch: {
      async search(data, pattern, { ignoreCase, max, signal }) {
        const limits = { context: 0, max, maxBytes: Infinity, firstLine: 1 };
        const found = await searcher.search({ kind: 'grep', pattern, ignoreCase, raw: true, source: { data }, ...limits }, { signal });
        return found.lines.map(({ line, text }) => ({ line, text }));
      },
    },
    hash: async (source, signal) => {
      const wanted = 'data' in source ? source.data.length : source.bytes;
      const where = 'data' in source ? source : { paths: [source.path], segments: Float64Array.of(0, 0, source.bytes) };
      try {
        const { bytes, sha256 } = await searcher.search({ kind: 'hash', source: where }, { signal });
        return bytes === wanted ? sha256 : undefined;
      } catch (error) {
        // Too slow, or gone meanwhile: there is none to tell. The call itself may have ended, too.
        if (error instanceof CorralError && error.code === 'cancelled') throw error;
        return undefined;
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([searcher[Symbol.asyncDispose](), summarySearcher[Symbol.asyncDispose]()]);
    },
  };
};
