import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProfilePlan } from '../../../src/core/profiles/profile.ts';
import { OPTIONS, readOptions } from '../../../src/core/profiles/secure-exec/options.ts';
import { secureExec } from '../../../src/core/profiles/secure-exec/profile.ts';
import { readSettings, type Settings } from '../../../src/core/profiles/secure-exec/settings.ts';

type Env = Readonly<Record<string, string>>;

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'corral-secure-')));
  mkdirSync(join(folder, 'bin'));
  for (const name of ['tool', 'RM', 'Sudo']) writeFileSync(join(folder, 'bin', name), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(folder, 'bin', 'data'), 'no program', { mode: 0o644 });
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('/bin/sh', join(folder, 'bin', 'innocent'));
  mkdirSync(join(folder, 'bin', 'subfolder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const prepare = (argv: readonly string[], env: Env = {}): Promise<ProfilePlan> =>
  secureExec.prepare({ argv, env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, ...env }, cwd: folder, version: '1.2.3' });

const ended = async (argv: readonly string[], env: Env = {}) => {
  const plan = await prepare(argv, env);
  if (plan.kind !== 'exit') throw new Error('it would serve');
  return plan;
};

const settingsOf = (argv: readonly string[], env: Env = {}): Settings => {
  const read = readOptions(argv, env);
  if (!('given' in read)) throw new Error(JSON.stringify(read));
  return readSettings(read.given);
};

const CMD = ['--cmd', 'echo|"echo {x}"'];

describe('every option: flag before variable before default', () => {
  const table: readonly [keyof Settings, readonly string[], string, string, unknown, unknown, unknown][] = [
    ['blacklist', ['-B', 'a,B'], 'MCP_EXEC_DANGEROUS', 'c', new Set(['a', 'b']), new Set(['c']), expect.any(Set)],
    ['blacklist', ['--blacklist=a'], 'MCP_EXEC_DANGEROUS', 'c', new Set(['a']), new Set(['c']), expect.any(Set)],
    ['allowDangerous', ['-D'], 'MCP_EXEC_ALLOW_DANGEROUS', 'false', true, false, false],
    ['allowDangerous', ['--allow-dangerous'], 'MCP_EXEC_ALLOW_DANGEROUS', 'false', true, false, false],
    ['validatePaths', ['--no-validate-paths'], 'MCP_EXEC_NO_VALIDATE_PATHS', 'false', false, true, true],
    ['allowMissing', ['--allow-missing-binaries'], 'MCP_EXEC_ALLOW_MISSING_BINARIES', 'false', true, false, false],
    ['basePath', ['--base-path', '/a'], 'MCP_EXEC_BASE_PATH', '/b', '/a', '/b', undefined],
    [
      'sensitiveKeys',
      ['--sensitive-keys', 'Pin, x'],
      'MCP_EXEC_SENSITIVE_KEYS',
      'y',
      ['pin', 'x'],
      ['y'],
      ['password', 'token', 'secret', 'key', 'auth', 'credential'],
    ],
    ['timeoutSeconds', ['--cmd-timeout', '7'], 'MCP_EXEC_CMD_TIMEOUT_SECS', '8', 7, 8, 30],
    ['logLevel', ['--log-level', 'trace'], 'MCP_EXEC_LOG_LEVEL', 'warn', 'debug', 'warn', undefined],
    ['dryRun', ['-d'], 'MCP_EXEC_DRY_RUN', 'false', true, false, false],
    ['dryRun', ['--dry-run'], 'MCP_EXEC_DRY_RUN', 'false', true, false, false],
    ['transport', ['-t', 'streamable-http'], 'MCP_EXEC_TRANSPORT', 'stdio', 'http', 'stdio', 'stdio'],
    ['transport', ['--transport=stdio'], 'MCP_EXEC_TRANSPORT', 'streamable-http', 'stdio', 'http', 'stdio'],
    ['bind', ['-b', '127.0.0.1:1'], 'MCP_EXEC_BIND', '[::1]:2', '127.0.0.1:1', '[::1]:2', undefined],
    ['bind', ['-b127.0.0.1:1'], 'MCP_EXEC_BIND', '[::1]:2', '127.0.0.1:1', '[::1]:2', undefined],
    ['authToken', ['--auth-token', 'a'], 'MCP_EXEC_AUTH_TOKEN', 'b', 'a', 'b', undefined],
    ['stateful', ['-s'], 'MCP_EXEC_STATEFUL', 'false', true, false, false],
    ['rps', ['--rate-limit-rps', '1'], 'MCP_EXEC_RATE_LIMIT_RPS', '2', 1, 2, 10],
    ['burst', ['--rate-limit-burst', '1'], 'MCP_EXEC_RATE_LIMIT_BURST', '2', 1, 2, 20],
    ['maxConcurrent', ['--max-concurrent', '1'], 'MCP_EXEC_MAX_CONCURRENT', '2', 1, 2, 50],
    ['circuitThreshold', ['--circuit-threshold', '1'], 'MCP_EXEC_CIRCUIT_THRESHOLD', '2', 1, 2, 10],
    ['circuitSeconds', ['--circuit-timeout', '1'], 'MCP_EXEC_CIRCUIT_TIMEOUT_SECS', '2', 1, 2, 60],
    ['legacyValidators', ['--legacy-validators'], 'MCP_EXEC_LEGACY_VALIDATORS', 'false', true, false, false],
  ];

  it.each(table)('%s', (key, flag, variable, value, byFlag, byVariable, byDefault) => {
    expect(settingsOf([...flag], { [variable]: value })[key]).toEqual(byFlag);
    expect(settingsOf([], { [variable]: value })[key]).toEqual(byVariable);
    expect(settingsOf([])[key]).toEqual(byDefault);
    expect(settingsOf([], { [variable]: '' })[key]).toEqual(byDefault);
  });

  it('names every one in this table', () => {
    const here = new Set([...table.map(([, , variable]) => variable), 'MCP_EXEC_COMMANDS']);
    expect(OPTIONS.map(({ variable }) => variable).filter((variable) => !here.has(variable))).toEqual([]);
  });

  it('takes several commands, by flags and by ;, and the flags before the variable', () => {
    const names = (argv: readonly string[], env: Env = {}) => settingsOf(argv, env).templates.map(({ name }) => name);
    expect(names(['-c', 'a|"x"', '--cmd', 'b|"x";c|"x"'])).toEqual(['a', 'b', 'c']);
    expect(names([], { MCP_EXEC_COMMANDS: 'd|"x";e|"x"' })).toEqual(['d', 'e']);
    expect(names(['-c', 'a|"x"'], { MCP_EXEC_COMMANDS: 'd|"x"' })).toEqual(['a']);
  });

  it('lets the last definition of a name hold', () => {
    const { templates, redefined } = settingsOf(['-c', 'a|"x 1";b|"x"', '-c', 'a|"x 2"']);
    expect(templates.map(({ name, source }) => [name, source])).toEqual([
      ['b', 'x'],
      ['a', 'x 2'],
    ]);
    expect(redefined).toEqual(['a']);
  });

  it('takes switches together', () => {
    expect(settingsOf(['-sDd'])).toMatchObject({ stateful: true, allowDangerous: true, dryRun: true });
    expect(settingsOf(['-sb', '127.0.0.1:1'])).toMatchObject({ stateful: true, bind: '127.0.0.1:1' });
  });

  it('counts some fifty binaries as dangerous', () => {
    const { blacklist } = settingsOf([]);
    expect(blacklist.size).toBe(47);
    for (const name of ['rm', 'sudo', 'bash', 'python3', 'git', 'find', 'env', 'rsh']) expect(blacklist).toContain(name);
  });
});

describe('mistakes on the command line end with 2', () => {
  const prompt = "\n\nFor more information, try '--help'.\n";
  it.each([
    [['--cmd', 'echo'], `error: invalid value 'echo' for '--cmd <NAME|"TEMPLATE">': Format: name|"cmd {arg}"${prompt}`],
    [['--cmd', 'a b|"x"'], `error: invalid value 'a b|"x"' for '--cmd <NAME|"TEMPLATE">': Invalid name: a b${prompt}`],
    [['--cmd', 'a|""'], `error: invalid value 'a|""' for '--cmd <NAME|"TEMPLATE">': Empty template${prompt}`],
    [['--cmd', 'a|"x {y}{y}"'], `error: invalid value 'a|"x {y}{y}"' for '--cmd <NAME|"TEMPLATE">': Duplicate placeholder: {y}${prompt}`],
    [['--cmd', 'a|"x";'], `error: invalid value '' for '--cmd <NAME|"TEMPLATE">': Format: name|"cmd {arg}"${prompt}`],
    [
      ['--cmd', "a|x 'y"],
      `error: invalid value 'a|x 'y' for '--cmd <NAME|"TEMPLATE">': Failed to parse template: missing closing quote${prompt}`,
    ],
    [['--nonsense'], `error: unexpected argument '--nonsense' found\n\nUsage: mcp-secure-exec [OPTIONS]${prompt}`],
    [['-x'], `error: unexpected argument '-x' found\n\nUsage: mcp-secure-exec [OPTIONS]${prompt}`],
    [['word'], `error: unexpected argument 'word' found\n\nUsage: mcp-secure-exec [OPTIONS]${prompt}`],
    [['--cmd'], `error: a value is required for '--cmd <NAME|"TEMPLATE">' but none was supplied${prompt}`],
    [['--cmd-timeout', 'x'], `error: invalid value 'x' for '--cmd-timeout <CMD_TIMEOUT_SECS>': invalid digit found in string${prompt}`],
    [['--cmd-timeout', '-1'], `error: invalid value '-1' for '--cmd-timeout <CMD_TIMEOUT_SECS>': invalid digit found in string${prompt}`],
    [
      ['--max-concurrent', '99999999999'],
      `error: invalid value '99999999999' for '--max-concurrent <MAX_CONCURRENT>': number too large to fit in target type${prompt}`,
    ],
    [
      ['--log-level', 'loud'],
      `error: invalid value 'loud' for '--log-level <LOG_LEVEL>': [possible values: info, debug, trace, warn, error]${prompt}`,
    ],
    [['-t', 'sse'], `error: invalid value 'sse' for '--transport <TRANSPORT>': [possible values: stdio, streamable-http]${prompt}`],
    [['--bind', 'localhost'], `error: invalid value 'localhost' for '--bind <BIND>': invalid socket address syntax${prompt}`],
    [['--bind', '1.2.3.4:99999'], `error: invalid value '1.2.3.4:99999' for '--bind <BIND>': invalid socket address syntax${prompt}`],
    [
      ['--stateful=yes'],
      `error: unexpected value 'yes' for '--stateful' found; no more were expected\n\nUsage: mcp-secure-exec [OPTIONS]${prompt}`,
    ],
    [
      ['--base-path', 'a', '--base-path', 'b'],
      `error: the argument '--base-path <BASE_PATH>' cannot be used multiple times\n\nUsage: mcp-secure-exec [OPTIONS]${prompt}`,
    ],
  ])('%j', async (argv, stderr) => {
    expect(await ended(argv)).toEqual({ kind: 'exit', code: 2, stdout: '', stderr });
  });

  it('in variables too: true and false are the only words for yes and no', async () => {
    expect(await ended(CMD, { MCP_EXEC_DRY_RUN: 'yes' })).toMatchObject({
      code: 2,
      stderr: `error: invalid value 'yes' for '--dry-run': [possible values: true, false]${prompt}`,
    });
    expect(await ended([], { MCP_EXEC_COMMANDS: 'x' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Format: name|"cmd {arg}"'),
    });
  });
});

describe('a server that cannot start ends with 1', () => {
  it.each<[string, readonly string[], string]>([
    ['no commands', [], `No commands. Use: --cmd 'name|"cmd {arg}"'\n`],
    [
      'a binary that is not there',
      ['--cmd', 'n|"nosuchthing {x}"'],
      "FATAL: Binary 'nosuchthing' not found in PATH for command 'n'. Use --allow-missing-binaries",
    ],
    [
      'a file that is no program',
      ['--cmd', 'n|"data"'],
      "FATAL: Binary 'data' not found in PATH for command 'n'. Use --allow-missing-binaries",
    ],
    [
      'a folder of that name',
      ['--cmd', 'n|"subfolder"'],
      "FATAL: Binary 'subfolder' not found in PATH for command 'n'. Use --allow-missing-binaries",
    ],
    ['a templated binary', ['--cmd', 'n|"{x}"'], "FATAL: Binary '{x}' not found in PATH for command 'n'. Use --allow-missing-binaries"],
    ['a forbidden binary', ['--cmd', 'n|"bash {x}"'], "FATAL: SECURITY: Blacklisted binary 'bash' detected in command 'n'.\n"],
    ['a forbidden binary in capitals', ['--cmd', 'n|"RM {x}"'], "FATAL: SECURITY: Blacklisted binary 'RM' detected in command 'n'.\n"],
    [
      'a forbidden binary in mixed case',
      ['--cmd', 'n|"Sudo {x}"'],
      "FATAL: SECURITY: Blacklisted binary 'Sudo' detected in command 'n'.\n",
    ],
    ['a forbidden binary by its path', ['--cmd', 'n|"/bin/sh {x}"'], "FATAL: SECURITY: Blacklisted binary 'sh' detected in command 'n'.\n"],
    [
      'a forbidden binary behind a link',
      ['--cmd', 'n|"innocent {x}"', '-B', 'dash,bash,busybox'],
      "FATAL: SECURITY: Blacklisted binary 'innocent' detected in command 'n'.\n",
    ],
    [
      'a forbidden binary that is missing',
      ['--cmd', 'n|"mkfs"', '--allow-missing-binaries'],
      "FATAL: SECURITY: Blacklisted binary 'mkfs' detected in command 'n'.\n",
    ],
    [
      'one of the operator',
      ['--cmd', 'n|"tool"', '--blacklist', 'TOOL'],
      "FATAL: SECURITY: Blacklisted binary 'tool' detected in command 'n'.\n",
    ],
    ['no rate', [...CMD, '--rate-limit-rps', '0'], 'FATAL: Invalid configuration: Invalid rate limit\n'],
    ['no burst', [...CMD, '--rate-limit-burst', '0'], 'FATAL: Invalid configuration: Invalid rate limit\n'],
    ['no room', [...CMD, '--max-concurrent', '0'], 'FATAL: Invalid configuration: Invalid concurrency limit\n'],
    ['a breaker of nothing', [...CMD, '--circuit-threshold', '0'], 'FATAL: Invalid configuration: Invalid circuit breaker\n'],
    ['a breaker for no time', [...CMD, '--circuit-timeout', '0'], 'FATAL: Invalid configuration: Invalid circuit breaker\n'],
    ['no time', [...CMD, '--cmd-timeout', '0'], 'FATAL: Invalid configuration: Invalid command timeout\n'],
    [
      'a base that is not there',
      [...CMD, '--base-path', 'nowhere'],
      "FATAL: Invalid configuration: Invalid base path 'nowhere': no such directory\n",
    ],
    ['a base that is a file', [...CMD, '--base-path', 'file'], "FATAL: Invalid configuration: Invalid base path 'file': not a directory\n"],
  ])('%s', async (_name, argv, beginning) => {
    const plan = await ended(argv);
    expect(plan).toMatchObject({ code: 1, stdout: '' });
    expect(plan.stderr.startsWith(beginning)).toBe(true);
  });

  it.each([
    ['a forbidden binary, allowed', ['--cmd', 'n|"bash {x}"', '--allow-dangerous']],
    ['a missing binary, allowed', ['--cmd', 'n|"nosuchthing"', '--allow-missing-binaries']],
    ['a list of the operator takes the place of the other', ['--cmd', 'n|"find {x}"', '-B', 'x']],
    ['a relative path to a program', ['--cmd', 'n|"bin/tool"']],
  ])('serves %s', async (_name, argv) => {
    expect((await prepare(argv)).kind).toBe('serve');
  });
});

describe('texts for the terminal', () => {
  it('help names every flag, variable and default, and ends with 0', async () => {
    for (const flag of ['-h', '--help']) {
      const { code, stdout, stderr } = await ended([flag]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: mcp-secure-exec \[OPTIONS\]\n\nOptions:\n {2}-c, --cmd <NAME\|"TEMPLATE">\n/);
      for (const option of OPTIONS)
        for (const part of [`--${option.name}`, option.variable, ...('fallback' in option ? [`[default: ${option.fallback}]`] : [])])
          expect(stdout).toContain(part);
      expect(stdout).toContain('[possible values: info, debug, trace, warn, error]');
    }
  });

  it('the version', async () => {
    for (const flag of ['-V', '--version'])
      expect(await ended([flag])).toEqual({ kind: 'exit', code: 0, stdout: 'mcp-secure-exec 1.2.3\n', stderr: '' });
  });

  it('a dry run prints each tool, what is wrong with it, and ends with 0', async () => {
    const argv = ['--cmd', 'a|"tool {x} -n {y}";b|"nosuchthing"', '--cmd', 'c|"bash"', '--dry-run'];
    expect(await ended(argv)).toEqual({
      kind: 'exit',
      code: 0,
      stderr: '',
      stdout: [
        'Dry-run: 3 tools',
        'Tool: a',
        'Template: tool {x} -n {y}',
        'Binary: tool',
        'Placeholders: ["x", "y"]',
        '  OK',
        'Tool: b',
        'Template: nosuchthing',
        'Binary: nosuchthing',
        'Placeholders: []',
        "  Error: Binary 'nosuchthing' not found in PATH for command 'b'. Use --allow-missing-binaries to start without it.",
        'Tool: c',
        'Template: bash',
        'Binary: bash',
        'Placeholders: []',
        "  Error: SECURITY: Blacklisted binary 'bash' detected in command 'c'. Use --allow-dangerous to run it all the same, or --blacklist with a list of your own.",
        '',
      ].join('\n'),
    });
    expect(await ended([], { MCP_EXEC_DRY_RUN: 'true', MCP_EXEC_COMMANDS: 'test|"tool {arg}"' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('  OK\n'),
    });
    expect(await ended([...CMD, '-d', '--rate-limit-rps', '0'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('  Error: Invalid configuration: Invalid rate limit'),
    });
    const many = ['-d', '--cmd', `m|"tool ${'x '.repeat(257)}"`];
    expect(await ended(many)).toMatchObject({ code: 0, stdout: expect.stringContaining('  Error: Too many arguments (max 256)') });
  });
});

describe('what is served', () => {
  const serving = async (argv: readonly string[], env: Env = {}) => {
    const plan = await prepare(argv, env);
    if (plan.kind !== 'serve') throw new Error(plan.stderr);
    return plan;
  };

  it('is told apart from Corral and runs on the host unless it is told otherwise', async () => {
    expect(await serving(['--cmd', 'a|"tool";b|"tool"'])).toMatchObject({
      transport: 'stdio',
      config: {},
      defaults: { driver: 'host', logLevel: 'info', maxExecutions: 256 },
      info: { name: 'mcp-secure-exec', version: '1.2.3' },
      instructions: 'mcp-secure-exec: 2 command templates with security',
      http: { paths: ['*'], health: 'OK', guardedHealth: true, bareUnauthorized: true, stateless: true },
    });
  });

  it('takes what was said for Corral itself', async () => {
    const plan = await serving([
      ...CMD,
      '-s',
      '-t',
      'streamable-http',
      '-b',
      '127.0.0.1:1',
      '--auth-token',
      'abc',
      '--log-level',
      'trace',
      '--base-path',
      '.',
      '--max-concurrent',
      '1000',
    ]);
    expect(plan).toMatchObject({
      transport: 'http',
      config: { bind: '127.0.0.1:1', logLevel: 'debug' },
      defaults: { workspaces: [folder], maxExecutions: 1000 },
      http: { token: 'abc', stateless: false },
    });
  });
});
