import type { LiveSandbox } from '../sandboxes/types.ts';
import type { Executions } from '../executions/types.ts';
import { CorralError } from '../../ports/errors.ts';
import { LANGUAGES, type Language } from './table.ts';

const PROBE_MS = 10_000;

/** Which programs a sandbox has, by its PATH. Asked once per sandbox, and again for a program that was not there. */
export interface Tools {
  /** Absolute path of the best program for a language. Throws `unsupported` when there is none. */
  forLanguage(live: LiveSandbox, language: Language): Promise<string>;
  find(live: LiveSandbox, names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export const createTools = (executions: () => Executions): Tools => {
  const cache = new WeakMap<LiveSandbox, Map<string, string>>();

  const find = async (live: LiveSandbox, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const known = cache.get(live) ?? new Map<string, string>();
    cache.set(live, known);
    const wanted = names.filter((name) => !known.has(name));
    if (wanted.length > 0) {
      const script = 'for t in "$@"; do p=$(command -v "$t" 2>/dev/null) && printf "%s\\t%s\\n" "$t" "$p"; done; exit 0';
      const exit = await executions().ask(live, ['/bin/sh', '-c', script, 'sh', ...wanted], PROBE_MS);
      for (const line of Buffer.from(exit.inline?.stdout ?? [])
        .toString('utf8')
        .split('\n')) {
        const [name, path] = line.split('\t');
        if (name !== undefined && path?.startsWith('/') === true) known.set(name, path);
      }
    }
    return new Map(names.flatMap((name) => (known.has(name) ? [[name, known.get(name) ?? '']] : [])));
  };

  const everything = [...new Set(LANGUAGES.flatMap((language) => [...language.tools, ...(language.needs ?? [])]))];

  return {
    find,
    forLanguage: async (live, language) => {
      const needs = language.needs ?? [];
      // The first question asks for all languages at once: the answer is kept.
      const found = await find(live, cache.has(live) ? [...language.tools, ...needs] : everything);
      const tool = language.tools.find((name) => found.has(name));
      const missing = needs.find((name) => !found.has(name));
      if (tool === undefined || missing !== undefined)
        throw new CorralError(
          'unsupported',
          `There is no ${missing ?? language.tools.join(' or ')} in this sandbox, which ${language.name} needs.`,
          {
            hint: `Install it on the machine (describe_environment lists what works), or use another language.`,
          },
        );
      return found.get(tool) ?? tool;
    },
  };
};
