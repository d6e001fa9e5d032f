import { type Command, Option } from 'commander';
import { flagOf, variableOf } from '../../core/config/schema.ts';
import type { Flag, FlagValues } from './flags.ts';
import type { ServerArguments } from './stdio-arguments.ts';

const append = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

const optionsOf = (flag: Flag): readonly Option[] => {
  const { key, name, kind, value, description, standard } = flag;
  const told = standard === undefined || kind === 'boolean' ? description : `${description} [${standard}]`;
  if (kind === 'boolean') return [new Option(`--${name}`, told), new Option(`--no-${name}`).hideHelp()];
  if (kind === 'text') return [new Option(`--${name} <${value}>`, told)];
  const plural = new Option(`--${flagOf(key)} <${value}>`).argParser(append).hideHelp();
  return [new Option(`--${name} <${value}>`, `${told} May be repeated.`).argParser(append), plural];
};

/** Every option of the configuration, on one command. Hidden where a list of thirty would bury what the command is about. */
export const addConfigOptions = (command: Command, flags: readonly Flag[], hidden: boolean): void => {
  command.addOption(new Option('--config <FILE>', `Configuration file, YAML or JSON. [~/.config/corral/config.yaml]`).hideHelp(hidden).helpGroup('Configuration:'));
  for (const flag of flags)
    for (const option of optionsOf(flag)) {
      if (hidden) option.hideHelp();
      command.addOption(option.helpGroup('Configuration:'));
    }
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
  one === undefined && other === undefined ? undefined : [...((one as string[] | undefined) ?? []), ...((other as string[] | undefined) ?? [])];

/** For help and the reference. */
export const variableFor = (flag: Flag): string => variableOf(flag.key);
