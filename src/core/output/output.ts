import type { LogStore } from '../../ports/logs.ts';
import { excerpt } from './excerpt.ts';
import { readPage } from './page.ts';
import type { Presenter } from './presenter.ts';
import type { SearchTimes } from './search-call.ts';
import { createSearcher } from './searcher.ts';
import type { TextSearch } from './text-search.ts';
import type { OutputWatch } from './watch.ts';
import { createOutputWatch } from './watcher.ts';

export interface OutputOptions {
  readonly logs: LogStore;
  readonly searchTimes?: Partial<SearchTimes>;
}

/** Everything that turns kept output into answers. Owns the search thread, which starts with the first search. */
export interface Output extends AsyncDisposable {
  readonly presenter: Presenter;
  readonly watch: OutputWatch;
  readonly textSearch: TextSearch;
}

export const createOutput = ({ logs, searchTimes }: OutputOptions): Output => {
  const searcher = createSearcher(searchTimes);
  return {
    presenter: {
      excerpt: (source, budgetBytes, raw) => excerpt(logs, source, budgetBytes, raw),
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
    [Symbol.asyncDispose]: () => searcher[Symbol.asyncDispose](),
  };
};
