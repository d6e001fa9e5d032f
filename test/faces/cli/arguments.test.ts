import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/core/config/load.ts';
import { COMMANDS } from '../../../src/faces/cli/commands.ts';
import { addConfigOptions, readConfigOptions } from '../../../src/faces/cli/config-options.ts';
import { createFlags } from '../../../src/faces/cli/flags.ts';
import { readStdioArguments } from '../../../src/faces/cli/stdio-arguments.ts';

const FLAGS = createFlags();
const SAMPLES: Readonly<Record<string, string>> = {
  driver: 'host',
  network: 'host',
  toolchains: 'none',
  bwrapPath: '/x',
  bind: 'localhost:1',
  authToken: 'sixteen-letters-x',
  logLevel: 'info',
  stateDir: '/s',
};

const byLibrary = (argv: readonly string[]) => {
  const command = new Command().argument('[DIR...]').exitOverride();
  addConfigOptions(command, FLAGS);
  command.parse([...argv], { from: 'user' });
  return { folders: command.args, ...readConfigOptions(command, FLAGS) };
};

describe('the two readers of arguments', () => {
  it.each(FLAGS.map((flag) => [flag.name, flag] as const))('read --%s alike, as the schema wants it', async (_name, flag) => {
    const value = SAMPLES[flag.key] ?? '100';
    const argv =
      flag.kind === 'boolean'
        ? [`--${flag.name}`]
        : flag.kind === 'list'
          ? [`--${flag.name}`, '/a', `--${flag.name}=/b`]
          : [
              `--${flag.name}`,
              flag.key === 'waitSeconds' || flag.key === 'graceSeconds'
                ? '9'
                : flag.key === 'answerBytes' || flag.key === 'outputBytes'
                  ? '5000'
                  : flag.key === 'logQuotaBytes'
                    ? '2000000'
                    : value,
            ];
    const lean = readStdioArguments([...argv, 'dir', '--config', 'f'], FLAGS);
    expect(lean).toEqual(byLibrary([...argv, 'dir', '--config', 'f']));
    const { config, sources } = await loadConfig({ flags: lean?.flags ?? {}, env: { XDG_CONFIG_HOME: '/nowhere' }, cwd: '/' });
    expect(sources[flag.key]).toBe('flag');
    expect(config[flag.key]).toEqual(
      flag.kind === 'boolean'
        ? true
        : flag.kind === 'list'
          ? ['/a', '/b']
          : typeof config[flag.key] === 'number'
            ? Number(argv[1])
            : argv[1],
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
