import { type Command, Option } from 'commander';
import { flagOf, variableOf } from '../../core/config/schema.ts';
import type { Flag, FlagValues } from './flags.ts';
import type { ServerArguments } from './stdio-arguments.ts';

const append = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

const optionsOf = (flag: Flag): readonly Option[] => {
  const { key, name, kind, value } = flag;
  if (kind === 'boolean') return [new Option(`--${name}`), new Option(`--no-${name}`)];
  if (kind === 'text') return [new Option(`--${name} <${value}>`)];
  return [name, flagOf(key)].map((spelling) => new Option(`--${spelling} <${value}>`).argParser(append));
};

/** Every option of the configuration, on one command. Hidden: a list of thirty would bury what the command is about. */
export const addConfigOptions = (command: Command, flags: readonly Flag[]): void => {
  command.addOption(new Option('--config <FILE>').hideHelp());
  for (const flag of flags) for (const option of optionsOf(flag)) command.addOption(option.hideHelp());
};

/** What was given of the configuration, before and after the name of the command; the later wins. */
export const readConfigOptions = (command: Command, flags: readonly Flag[]): Omit<ServerArguments, 'folders'> => {
  const chain: Command[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) chain.unshift(one);
  const values: FlagValues = {};
  let configFile: string | undefined;
  for (const one of chain) {
    const given: Readonly<Record<string, unknown>> = one.opts();
    configFile = (given['config'] as string | undefined) ?? configFile;
    for (const { key, name, kind } of flags) {
      const attribute = new Option(`--${name}`).attributeName();
      const value = kind === 'list' && attribute !== key ? joined(given[attribute], given[key]) : given[attribute];
      if (value !== undefined) values[key] = value;
    }
  }
  return { configFile, flags: values };
};

const joined = (one: unknown, other: unknown): readonly string[] | undefined =>
  one === undefined && other === undefined
    ? undefined
    : [...((one as string[] | undefined) ?? []), ...((other as string[] | undefined) ?? [])];

/** For help and the reference. */
export const variableFor = (flag: Flag): string => variableOf(flag.key);
