import { SECRET_KEYS } from '../../core/config/schema.ts';
import { variableFor } from './config-options.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import type { Flag } from './flags.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { printable } from './style.ts';
import { table } from './table.ts';

const shown = (value: unknown, secret: boolean): unknown => (value === undefined ? null : secret ? '(set)' : value);

const words = (value: unknown): string => {
  if (value === null || (Array.isArray(value) && value.length === 0)) return '-';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/** `corral config show`: what holds, and why. Secrets are told to be set, not what they are. */
export const runConfigShow = async (
  context: CliContext,
  args: ServerArguments,
  flags: readonly Flag[],
  options: { readonly json?: boolean },
): Promise<number> => {
  const { config, sources, file } = await loadSettings(context, args);
  const rows = flags.map((flag) => ({
    option: flag.key,
    flag: `--${flag.name}`,
    variable: variableFor(flag),
    value: shown(config[flag.key], SECRET_KEYS.has(flag.key)),
    source: sources[flag.key] ?? 'default',
    description: flag.description,
  }));
  if (options.json === true) process.stdout.write(`${JSON.stringify({ file: file ?? null, options: rows })}\n`);
  else {
    process.stdout.write(`Configuration file: ${file ?? 'none'}\n\n`);
    process.stdout.write(
      table([
        ['OPTION', 'VALUE', 'FROM', 'DESCRIPTION'],
        ...rows.map(({ flag, value, source, description }) => [flag, printable(words(value)), source, description]),
      ]),
    );
  }
  return EXIT.ok;
};
