import { describe, expect, it } from 'vitest';
import { allowedCommands, checkAllowed, checkVariables } from '../../../src/core/profiles/shell-server/allow-list.ts';
import { readArguments } from '../../../src/core/profiles/shell-server/arguments.ts';
import { readInstant } from '../../../src/core/profiles/shell-server/clock.ts';
import { formatTime } from '../../../src/lib/strftime.ts';
import { readCommand } from '../../../src/core/profiles/shell-server/command-line.ts';
import { codecFor, defaultEncoding } from '../../../src/core/profiles/shell-server/encoding.ts';
import { childEnvironment } from '../../../src/core/profiles/shell-server/environment.ts';
import { shellServer } from '../../../src/core/profiles/shell-server/profile.ts';
import { asShellText } from '../../../src/core/profiles/shell-server/subject.ts';

describe('the allow-list', () => {
  it('is both variables, trimmed, once each, in their order', () => {
    expect(allowedCommands({ ALLOW_COMMANDS: 'ls,  cat  , echo', ALLOWED_COMMANDS: 'git ,ls,,' })).toEqual(['ls', 'cat', 'echo', 'git']);
    expect(allowedCommands({})).toEqual([]);
  });

  it('is read anew each time', () => {
    const env: Record<string, string> = { ALLOW_COMMANDS: 'ls' };
    expect(() => checkAllowed(['cat'], env)).toThrow('Command not allowed: cat');
    env['ALLOW_COMMANDS'] = 'cat';
    expect(() => checkAllowed(['cat'], env)).not.toThrow();
  });

  it('cannot be got around with variables', () => {
    for (const name of [
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'BASH_ENV',
      'NODE_OPTIONS',
      'PYTHONPATH',
      'GIT_SSH_COMMAND',
      'PERL5OPT',
      'CORRAL_STATE_DIR',
      '',
      'A=B',
    ])
      expect(() => checkVariables({ [name]: 'x' }), name).toThrow(/^(Environment variable not allowed|Invalid environment variable)/);
    expect(() => checkVariables({ NODE_ENV: 'development', PATH: '/x', MY_ENV: '1' })).not.toThrow();
  });
});

describe('a command', () => {
  it('is read into stages, with what is redirected', () => {
    expect(readCommand([' sort ', '<', 'in', ' a ', '|', 'uniq', '-c', '>>', 'out'])).toEqual([
      { argv: ['sort', ' a '], redirects: [{ kind: 'read', path: 'in' }] },
      { argv: ['uniq', '-c'], redirects: [{ kind: 'append', path: 'out' }] },
    ]);
  });

  it('is one stage when operators are parts of words', () => {
    expect(readCommand(['echo', 'a|b', ';x', '>y', ' | ', '&&&'])).toEqual([
      { argv: ['echo', 'a|b', ';x', '>y', ' | ', '&&&'], redirects: [] },
    ]);
  });

  it('is told to rules as text that quotes every word', () => {
    expect(asShellText(readCommand(['echo', "it's", '$HOME', '|', 'tee', '>', 'a b']))).toBe(`'echo' 'it'\\''s' '$HOME' | 'tee' > 'a b'`);
  });
});

describe('time', () => {
  const at = new Date(2023, 4, 6, 14, 3, 27, 45);
  it.each([
    ['%Y-%m-%d %H:%M:%S.%f', '2023-05-06 14:03:27.045000'],
    ['%y/%j %I:%M %p', '23/126 02:03 PM'],
    ['%a %A %b %B %e', 'Sat Saturday May May  6'],
    ['%F %T %D %R', '2023-05-06 14:03:27 05/06/23 14:03'],
    ['100%% %q %', '100% %q %'],
  ])('%s', (format, text) => {
    expect(formatTime(format, at)).toBe(text);
  });

  it.each<[string, number]>([
    ['2021-01-01T00:00:00Z', Date.UTC(2021, 0, 1)],
    ['2021-01-01T00:00:00+02:00', Date.UTC(2020, 11, 31, 22)],
    ['2021-01-01 00:00-0330', Date.UTC(2021, 0, 1, 3, 30)],
    ['2021-01-01T00:00:00.123456+00:00', Date.UTC(2021, 0, 1, 0, 0, 0, 123)],
    ['20210101T000000Z', Date.UTC(2021, 0, 1)],
    ['2021-01-01', new Date(2021, 0, 1).getTime()],
    ['2021-01-01T12:30', new Date(2021, 0, 1, 12, 30).getTime()],
    ['2021-01-01T12:30:15,5', new Date(2021, 0, 1, 12, 30, 15, 500).getTime()],
  ])('%s is a moment', (text, ms) => {
    expect(readInstant('since', text)).toBe(ms);
  });

  it.each(['', 'now', '2021', '2021-13-01', '2021-02-29', '2021-01-01T25:00', '2021-01-01T00:60', '2021-01-01Z', 5, null])(
    '%j is none',
    (value) => {
      expect(() => readInstant('until', value)).toThrow("'until' must be a valid ISO format datetime string (e.g. '2021-01-01T00:00:00')");
    },
  );
});

describe('encodings', () => {
  it('come from DEFAULT_ENCODING, then the locale, then utf-8', () => {
    expect(defaultEncoding({ DEFAULT_ENCODING: ' gbk ', LANG: 'de_DE.ISO-8859-1' })).toBe('gbk');
    expect(defaultEncoding({ LC_ALL: 'ja_JP.SJIS', LANG: 'C.UTF-8' })).toBe('SJIS');
    expect(defaultEncoding({ LANG: 'C' })).toBe('utf-8');
    expect(defaultEncoding({})).toBe('utf-8');
  });

  it.each([
    'utf-8',
    'UTF8',
    'utf_8',
    'gbk',
    'cp936',
    'gb18030',
    'latin-1',
    'latin1',
    'iso-8859-1',
    'ascii',
    'shift_jis',
    'euc-jp',
    'big5',
    'cp1252',
    'utf-16',
    'utf-16le',
    'koi8-r',
  ])('%s is one', async (name) => {
    const codec = await codecFor(name);
    expect(codec.decode(codec.encode('abc'))).toBe('abc');
  });

  it.each(['klingon', 'hex', 'base64', 'binary', 'utf-7', '', 'x'.repeat(200), '__proto__'])('%j is none', async (name) => {
    await expect(codecFor(name)).rejects.toThrow(/^unknown encoding: /);
  });
});

describe('the environment of a command', () => {
  it('is what text needs and what was named, nothing else', () => {
    const env = { SHELL: '/bin/zsh', LANG: 'C.UTF-8', TZ: '', SECRET: 'x', A: '1', B: '2', MCP_SHELL_CHILD_ENV_ALLOWLIST: 'A, B ,C' };
    expect(childEnvironment(env)).toEqual({ SHELL: '/bin/zsh', LANG: 'C.UTF-8', A: '1', B: '2' });
  });
});

describe('the command line', () => {
  const read = (...argv: string[]) => readArguments({ argv, env: {}, cwd: '/', version: '9.9.9' });

  it.each<[readonly string[], unknown]>([
    [[], { transport: 'stdio', bind: undefined, path: '/mcp' }],
    [['stdio'], { transport: 'stdio', bind: undefined, path: '/mcp' }],
    [['http'], { transport: 'http', bind: '127.0.0.1:8000', path: '/mcp' }],
    [['http', '--host', '0.0.0.0', '--port=9000', '--path', '/x'], { transport: 'http', bind: '0.0.0.0:9000', path: '/x' }],
    [['http', '--host', '::1'], { transport: 'http', bind: '[::1]:8000', path: '/mcp' }],
  ])('%j', (argv, expected) => {
    expect(read(...argv)).toEqual(expected);
  });

  it.each<[readonly string[], number, RegExp]>([
    [['--version'], 0, /^mcp-shell-server 9\.9\.9\n$/],
    [['--help'], 0, /ALLOW_COMMANDS/],
    [['sse', '--port', '9'], 2, /Streamable HTTP has replaced it.*http --host 127\.0\.0\.1 --port 9.*http:\/\/127\.0\.0\.1:9\/mcp/],
    [['ftp'], 2, /invalid choice: 'ftp'/],
    [['stdio', '--port', '1'], 2, /unrecognized arguments: --port 1/],
    [['http', '--port'], 2, /--port: expected one argument/],
    [['http', '--port', '70000'], 2, /invalid port: '70000'/],
    [['http', '--path', 'mcp'], 2, /must begin with/],
  ])('%j ends at once', (argv, code, text) => {
    const plan = read(...argv);
    if (!('kind' in plan)) throw new Error('it serves');
    expect(plan.code).toBe(code);
    expect(plan.stdout + plan.stderr).toMatch(text);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ DEFAULT_ENCODING: 'klingon' }, /^DEFAULT_ENCODING names no encoding: "klingon"/],
    [{ PROCESS_RETENTION_SECONDS: 'soon' }, /^PROCESS_RETENTION_SECONDS must be a number of seconds, not "soon"/],
  ])('%j is told before anything is served', async (env, text) => {
    expect(await shellServer.prepare({ argv: [], env, cwd: '/', version: '1' })).toMatchObject({
      kind: 'exit',
      code: 2,
      stderr: expect.stringMatching(text) as string,
    });
  });
});
