import { Command } from 'commander';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/core/config/schema.ts';
import { loadConfig } from '../../../src/core/config/load.ts';
import { COMMANDS } from '../../../src/faces/cli/commands.ts';
import { addConfigOptions, readConfigOptions } from '../../../src/faces/cli/config-options.ts';
import type { Flag } from '../../../src/faces/cli/flags.ts';
import { createFlags } from '../../../src/faces/cli/flags.ts';
import { readStdioArguments } from '../../../src/faces/cli/stdio-arguments.ts';

const FLAGS = createFlags();
/** Texts of which each option takes at least one. */
const TEXTS = [
  'host',
  'none',
  'info',
  'off',
  '/some/where',
  '5',
  '100',
  '5000',
  '2000000',
  '200000000',
  'localhost:1',
  'sixteen-letters-and-more',
];

/** The value of a text as the option's schema takes it; undefined when it does not. */
const meant = ({ key }: Flag, text: string): unknown =>
  [text, Number(text)].find((value) => !Number.isNaN(value) && configSchema.shape[key].safeParse(value).success);

/** Arguments that give the option, and what they mean. */
const sampleOf = (flag: Flag): { readonly argv: readonly string[]; readonly value: unknown } => {
  const { kind, name } = flag;
  if (kind === 'boolean') return { argv: [`--${name}`], value: true };
  const text = TEXTS.find(
    (one) => meant(flag, one) !== undefined || (kind === 'list' && configSchema.shape[flag.key].safeParse([one]).success),
  );
  if (text === undefined) throw new Error(`TEXTS holds none for --${name}`);
  return kind === 'list'
    ? { argv: [`--${name}`, text, `--${name}=${text}`], value: [text, text] }
    : { argv: [`--${name}`, text], value: meant(flag, text) };
};

/** A burst is refused without its rate. */
const companions = (key: string): Record<string, string> => (key.endsWith('Burst') ? { [key.replace(/Burst$/, 'Rps')]: '5' } : {});

const byLibrary = (argv: readonly string[]) => {
  const command = new Command().argument('[DIR...]').exitOverride();
  addConfigOptions(command, FLAGS);
  command.parse([...argv], { from: 'user' });
  return { folders: command.args, ...readConfigOptions(command, FLAGS) };
};

describe('the two readers of arguments', () => {
  it.each(FLAGS.map((flag) => [flag.name, flag] as const))('read --%s alike, as the schema wants it', async (_name, flag) => {
    const { argv, value } = sampleOf(flag);
    const lean = readStdioArguments([...argv, 'dir', '--config', 'f'], FLAGS);
    expect(lean).toEqual(byLibrary([...argv, 'dir', '--config', 'f']));
    // A templates file is read with the configuration; here it is about the arguments.
    if (flag.key === 'templates') return expect(lean?.flags).toEqual({ templates: value });
    const flags = { ...companions(flag.key), ...lean?.flags };
    const { config, sources } = await loadConfig({ flags, env: { XDG_CONFIG_HOME: '/nowhere' }, cwd: '/' });
    expect(sources[flag.key]).toBe('flag');
    expect(config[flag.key]).toEqual(
      flag.key === 'workspaces'
        ? (value as string[]).map((folder) => resolve('/', folder))
        : flag.key === 'stateDir' || flag.key === 'rules'
          ? resolve('/', String(value))
          : value,
    );
  });

  it('read --no-keep alike', () => {
    expect(readStdioArguments(['--no-keep'], FLAGS)?.flags).toEqual({ keep: false });
    expect(byLibrary(['--no-keep']).flags).toEqual({ keep: false });
  });

  it('the lean one leaves to the library what it does not know for certain', () => {
    for (const argv of [
      ['--help'],
      ['--version'],
      ['-V'],
      ['--nonsense'],
      ['--driver'],
      ['a', '--', 'b'],
      ...[...COMMANDS.keys()].map((name) => [name]),
    ])
      expect(readStdioArguments(argv, FLAGS)).toBeUndefined();
    expect(readStdioArguments(['./run'], FLAGS)?.folders).toEqual(['./run']);
  });

  it('the library takes the plural of a list as well', () => {
    expect(byLibrary(['--workspaces', '/a', '--workspace', '/b']).flags).toEqual({ workspaces: ['/b', '/a'] });
  });
});
