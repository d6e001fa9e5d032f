import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFlags } from '../../src/faces/cli/flags.ts';
import { mayNameProfile, readProfileArguments } from '../../src/faces/cli/profile-arguments.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { loadProfile, PROFILES } from '../../src/core/profiles/index.ts';
import { openPlace, type Place } from '../faces/cli/support/program.ts';

const FLAGS = createFlags();
const read = (argv: readonly string[], env: Record<string, string> = {}, claimed: readonly string[] = []) =>
  readProfileArguments(argv, env, FLAGS, (_, option) => claimed.includes(option));

describe('the arguments', () => {
  it.each<[string, readonly string[], unknown]>([
    [
      'belong to the profile',
      ['--profile', 'a', 'http', '--port', '1'],
      { profiles: [{ name: 'a', argv: ['http', '--port', '1'] }], flags: {} },
    ],
    ['may come first', ['http', '--profile=a', '--port', '1'], { profiles: [{ name: 'a', argv: ['http', '--port', '1'] }] }],
    [
      "of Corral are Corral's, wherever they stand",
      ['--driver', 'bubblewrap', '--profile', 'a', 'x', '--keep', '--workspace=/w', '--no-unsafe-root', '--config', 'f'],
      {
        profiles: [{ name: 'a', argv: ['x'] }],
        flags: { driver: 'bubblewrap', keep: true, workspaces: ['/w'], unsafeRoot: false },
        configFile: 'f',
      },
    ],
    [
      'after -- are not looked at',
      ['--profile', 'a', '--', '--driver', 'x', '--profile', 'b'],
      { profiles: [{ name: 'a', argv: ['--driver', 'x', '--profile', 'b'] }], flags: {} },
    ],
    [
      'go to the profile before them',
      ['--profile', 'a', '-x', '--profile', 'b', '-y'],
      {
        profiles: [
          { name: 'a', argv: ['-x'] },
          { name: 'b', argv: ['-y'] },
        ],
      },
    ],
    [
      'say that it is served over HTTP',
      ['serve', '--profile', 'a', '--bind', '127.0.0.1:1'],
      { profiles: [{ name: 'a', argv: [] }], overHttp: true, flags: { bind: '127.0.0.1:1' } },
    ],
    [
      '--help and --version are for the profile',
      ['--profile', 'a', '--help', '--version'],
      { profiles: [{ name: 'a', argv: ['--help', '--version'] }] },
    ],
  ])('%s', (_, argv, expected) => {
    expect(read(argv)).toMatchObject(expected as object);
  });

  it('that a profile claims are its own', () => {
    expect(read(['--profile', 'a', '--bind', 'x', '--driver', 'host'], {}, ['bind'])).toMatchObject({
      profiles: [{ name: 'a', argv: ['--bind', 'x'] }],
      flags: { driver: 'host' },
    });
  });

  it('may leave the name to CORRAL_PROFILE', () => {
    expect(read(['http'], { CORRAL_PROFILE: 'a' })).toMatchObject({ profiles: [{ name: 'a', argv: ['http'] }] });
    expect(read([], { CORRAL_PROFILE: 'a, b' })).toMatchObject({ profiles: [{ name: 'a' }, { name: 'b' }] });
    expect(read(['--profile', 'c'], { CORRAL_PROFILE: 'a' })).toMatchObject({ profiles: [{ name: 'c' }] });
  });

  it.each([['run', '--profile', 'x'], ['ps'], ['--driver', 'host', 'run', '--', 'aws', '--profile', 'x']])(
    'of a command are left alone: %s %s',
    (...argv) => {
      expect(read(argv, { CORRAL_PROFILE: 'a' })).toBeUndefined();
    },
  );

  it('are wrong without a name, or when nobody knows whose they are', () => {
    expect(() => read(['--profile'])).toThrow('--profile needs a value.');
    expect(() => read(['x', '--profile', 'a', '--profile', 'b'])).toThrow('It is not clear which profile "x" is for.');
  });

  it('cost nothing where no profile is named', () => {
    expect(mayNameProfile(['/some/where', '--driver', 'host'], {})).toBe(false);
    expect(mayNameProfile(['--profile=a'], {})).toBe(true);
    expect(mayNameProfile([], { CORRAL_PROFILE: 'a' })).toBe(true);
  });
});

describe('the configuration', () => {
  const load = (
    env: Record<string, string>,
    flags: Record<string, unknown>,
    under: Record<string, unknown>,
    over: Record<string, unknown> = {},
  ) => loadConfig({ env: { XDG_CONFIG_HOME: '/nowhere', ...env }, cwd: '/', flags, profile: { under, over } });

  it("is Corral's, with what a profile takes for granted beneath it and what its flags say above", async () => {
    expect(await load({}, {}, { driver: 'host' })).toMatchObject({ config: { driver: 'host' }, sources: { driver: 'profile' } });
    expect(await load({ CORRAL_DRIVER: 'bubblewrap' }, {}, { driver: 'host' })).toMatchObject({
      config: { driver: 'bubblewrap' },
      sources: { driver: 'environment' },
    });
    expect(await load({ CORRAL_BIND: '127.0.0.1:1' }, {}, {}, { bind: '127.0.0.1:2' })).toMatchObject({
      config: { bind: '127.0.0.1:2' },
      sources: { bind: 'profile' },
    });
    expect(await load({}, { bind: '127.0.0.1:3' }, {}, { bind: '127.0.0.1:2' })).toMatchObject({
      config: { bind: '127.0.0.1:3' },
      sources: { bind: 'flag' },
    });
  });
});

describe('every profile', () => {
  it.each([...PROFILES.keys()])('%s says of itself what the list says of it', async (name) => {
    expect(await loadProfile(name)).toMatchObject({ name, summary: PROFILES.get(name)?.summary });
  });
});

describe('the program', () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place?.[Symbol.dispose]());

  const initialize = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`;
  const listTools = `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' })}\n`;

  it.each<[readonly string[], number, RegExp]>([
    [['--profile', 'nobody'], 2, /There is no profile "nobody"\.\nhint: There are: exec, shell-server, /],
    [['--profile', 'shell-server', '--profile', 'shell-server'], 2, /The profile shell-server was chosen twice\./],
    [['--profile', 'shell-server', '--version'], 0, /^mcp-shell-server \d/],
    [['--profile', 'shell-server', '--driver', 'magic'], 2, /driver \(from flag\)/],
    [['--help'], 0, /Profiles:[\s\S]*--profile shell-server +argv commands/],
  ])('%j', async (args, code, text) => {
    const ended = await place.run(args);
    expect(ended.stdout + ended.stderr).toMatch(text);
    expect(ended.code).toBe(code);
  });

  it('serves several side by side', async () => {
    const { stdout, code } = await place.run(['--profile', 'shell-server', '--profile', 'secure-exec', '--cmd', 'hello|"echo {x}"'], {
      input: initialize + listTools,
      env: { ALLOW_COMMANDS: 'ls' },
    });
    const [first = '', second = ''] = stdout.split('\n');
    expect(JSON.parse(first)).toMatchObject({ result: { serverInfo: { name: 'corral' } } });
    expect((JSON.parse(second) as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['shell_execute', 'hello']),
    );
    expect(code).toBe(0);
  });

  it('refuses two tools of one name, and says whose', async () => {
    const { stderr, code } = await place.run([
      '--profile',
      'shell-server',
      '--profile',
      'secure-exec',
      '--cmd',
      'shell_execute|"echo {x}"',
    ]);
    expect(stderr).toContain('The profiles shell-server and secure-exec both have a tool "shell_execute".');
    expect(code).toBe(2);
  });

  it('takes the name from the environment', async () => {
    const { stdout } = await place.run([], { input: initialize, env: { CORRAL_PROFILE: 'shell-server' } });
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ result: { serverInfo: { name: 'mcp-shell-server' } } });
  });
});
