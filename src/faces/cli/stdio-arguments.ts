import { parseArgs } from 'node:util';
import { COMMANDS } from './commands.ts';
import type { Flag, FlagValues } from './flags.ts';

export interface ServerArguments {
  readonly folders: readonly string[];
  readonly configFile: string | undefined;
  readonly flags: FlagValues;
}

const CONFIG_FILE = 'config';

/**
 * Reads the arguments of plain `corral [options] [DIR...]`, which starts with every session of a client and so loads no command line
 * library. Undefined for everything else, mistakes included: the library tells those better.
 */
export const readStdioArguments = (argv: readonly string[], flags: readonly Flag[]): ServerArguments | undefined => {
  const options = Object.fromEntries(
    flags.map(({ name, kind }) => [
      name,
      { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const), multiple: kind === 'list' },
    ]),
  );
  try {
    const parsed = parseArgs({
      args: [...argv],
      options: { ...options, [CONFIG_FILE]: { type: 'string' } },
      allowPositionals: true,
      allowNegative: true,
      strict: true,
    });
    const { positionals } = parsed;
    const values: Readonly<Record<string, unknown>> = parsed.values;
    const first = positionals[0];
    if (argv.includes('--') || (first !== undefined && COMMANDS.has(first))) return undefined;
    return {
      folders: positionals,
      configFile: values[CONFIG_FILE] as string | undefined,
      flags: Object.fromEntries(flags.flatMap(({ key, name }) => (values[name] === undefined ? [] : [[key, values[name]]]))),
    };
  } catch {
    return undefined;
  }
};
