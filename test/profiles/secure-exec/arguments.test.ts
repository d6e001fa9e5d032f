import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArgumentRules, buildArgv, readValues } from '../../../src/core/profiles/secure-exec/arguments.ts';
import { parseTemplate } from '../../../src/core/profiles/secure-exec/template.ts';
import { CorralError } from '../../../src/ports/errors.ts';

let outer: string;
let base: string;
beforeAll(() => {
  outer = realpathSync(mkdtempSync(join(tmpdir(), 'corral-paths-')));
  base = join(outer, 'base');
  mkdirSync(join(base, 'sub', 'deep'), { recursive: true });
  mkdirSync(join(outer, 'base-two'));
  mkdirSync(join(outer, 'secret'));
  writeFileSync(join(outer, 'secret', 'key'), 'k');
  writeFileSync(join(base, 'a b.txt'), 'x');
  writeFileSync(join(base, 'sub', 'f'), 'x');
  symlinkSync('sub', join(base, 'inside'));
  symlinkSync(join(outer, 'secret'), join(base, 'out'));
  symlinkSync('../../secret/key', join(base, 'sub', 'up'));
  symlinkSync(join(outer, 'secret', 'not-yet'), join(base, 'dangling'));
  symlinkSync(join(outer, 'gone', 'further'), join(base, 'dangling-far'));
  symlinkSync('loop-b', join(base, 'loop-a'));
  symlinkSync('loop-a', join(base, 'loop-b'));
  symlinkSync('out', join(base, 'chain'));
});
afterAll(() => rmSync(outer, { recursive: true, force: true }));

const rules = (changes: Partial<ArgumentRules> = {}): ArgumentRules => ({
  validatePaths: true,
  base,
  cwd: changes.base ?? base,
  legacyValidators: false,
  ...changes,
});
const NO_BASE: Partial<ArgumentRules> = { base: undefined, cwd: '/' };

const templateOf = (source: string) => {
  const parsed = parseTemplate(`t|"${source}"`);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.template;
};

const build = (source: string, values: Record<string, unknown>, changes: Partial<ArgumentRules> = {}) => {
  const template = templateOf(source);
  return buildArgv(template, readValues(template, values), rules(changes));
};

/** The error with its code, or the argv. */
const outcome = async (source: string, values: Record<string, unknown>, changes: Partial<ArgumentRules> = {}): Promise<unknown> => {
  try {
    return (await build(source, values, changes)).slice(1);
  } catch (error) {
    if (!(error instanceof CorralError)) throw error;
    return `${String(error.details['rpcCode'])} ${error.message}`;
  }
};

describe('the arguments of a call', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['one is missing', {}, '-32602 Missing parameter: x'],
    ['one is undefined', { x: undefined }, '-32602 Missing parameter: x'],
    ['one is inherited only', Object.create({ x: 'y' }) as Record<string, unknown>, '-32602 Missing parameter: x'],
    ['one is a number', { x: 1 }, "-32602 Bad args: 'x' must be a string"],
    ['one is null', { x: null }, "-32602 Bad args: 'x' must be a string"],
    ['one is a list', { x: ['a'] }, "-32602 Bad args: 'x' must be a string"],
    ['one is not asked for', { x: 'a', y: 'b' }, "-32602 Bad args: unexpected parameter 'y'"],
  ])('%s', async (_name, values, expected) => {
    expect(await outcome('echo {x}', values)).toBe(expected);
  });

  it('arrive as they are: no shell, no expansion, no decoding', async () => {
    for (const value of [
      'hello world',
      'error',
      'redis',
      '$(id)',
      '`id`',
      'a;b|c&d',
      '*',
      '~',
      "it's",
      '"',
      '\\',
      'a\nb',
      'https://example.org//x',
      '..',
      '../x',
      '%2e%2e%2f',
      '%00',
      'Ω',
      'é',
      '{x}',
      '{y}',
      '',
      ' ',
    ])
      expect(await outcome('echo {x}', { x: value })).toEqual([value]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (value) => {
        fc.pre(!value.startsWith('-') && !value.includes('\0'));
        expect(await outcome('echo {x}', { x: value })).toEqual([value]);
      }),
    );
  });

  it('are put where their place is, and nowhere else', async () => {
    expect(await outcome('echo {first}_{last} --x={x}', { first: '{last}', last: '{first}', x: '1' })).toEqual(['{last}_{first}', '--x=1']);
  });
});

describe('rules that hold for every value', () => {
  it.each<[string, string, string]>([
    ['65537 bytes', 'x'.repeat(65_537), "-32602 Invalid argument 'x': exceeds max length 65536"],
    ['65538 bytes in two-byte characters', 'é'.repeat(32_769), "-32602 Invalid argument 'x': exceeds max length 65536"],
    ['NUL', 'a\0b', "-32602 Invalid argument 'x': contains null byte"],
    ['--', '--', "-32602 Invalid argument 'x': '--' is not allowed"],
  ])('%s', async (_name, value, expected) => {
    expect(await outcome('echo {x}', { x: value })).toBe(expected);
    expect(await outcome('echo a{x_flag}', { x_flag: value })).toBe(expected.replace("'x'", "'x_flag'"));
  });

  it('65536 bytes pass', async () => {
    expect(await outcome('echo {x}', { x: 'x'.repeat(65_536) })).toEqual(['x'.repeat(65_536)]);
  });

  it('256 arguments pass, 257 do not, and neither does a megabyte of them', async () => {
    expect(await outcome(`echo ${'a '.repeat(256)}`, {})).toHaveLength(256);
    expect(await outcome(`echo ${'a '.repeat(257)}`, {})).toBe('-32602 Execution failed: Too many arguments (max 256)');
    const names = Array.from({ length: 17 }, (_, index) => `v${String(index)}`);
    const values = Object.fromEntries(names.map((name) => [name, 'x'.repeat(65_000)]));
    expect(await outcome(`echo ${names.map((name) => `{${name}}`).join(' ')}`, values)).toMatch(
      /^-32602 Execution failed: Arguments of \d+ bytes/,
    );
  });
});

describe('options', () => {
  const refused = "-32602 Invalid argument 'x': looks like command flag, use *_flag suffix";

  it.each(['-x', '-rf', '--help', '--x=y', '-1', '-', '---', '-\n', '-é'])('%j is refused where a word begins', async (value) => {
    expect(await outcome('ls {x}', { x: value })).toBe(refused);
    expect(await outcome('ls {x}suffix', { x: value })).toBe(refused);
  });

  it('also when an empty value before it lets it begin the word', async () => {
    expect(await outcome('ls {y}{x}', { y: '', x: '-a' })).toBe(refused);
    expect(await outcome('ls {y}{x}', { y: 'b', x: '-a' })).toEqual(['b-a']);
  });

  it('is none where the word has begun', async () => {
    expect(await outcome('ls --width={x} a{x2}', { x: '-5', x2: '-b' })).toEqual(['--width=-5', 'a-b']);
  });

  it('is none behind a -- of the template itself', async () => {
    expect(await outcome('grep -e q -- {x}', { x: '-v' })).toEqual(['-e', 'q', '--', '-v']);
    expect(await outcome('grep {x} -- y', { x: '-v' })).toBe(refused);
    expect(await outcome('grep {y_flag} {x}', { y_flag: '-n', x: '-v' })).toBe(refused);
  });

  it.each(['flag', 'opt', 'myflag', 'flag_x'])('is refused from {%s}: the name has to end in _flag or _opt', async (name) => {
    expect(await outcome(`ls {${name}}`, { [name]: '-a' })).toBe(refused.replace("'x'", `'${name}'`));
  });

  it.each(['x_flag', 'verbose_opt', 'X_FLAG'])('may be brought by %s', async (name) => {
    for (const value of ['-h', '-v', '-x', '--exec', '-', 'plain'])
      expect(await outcome(`ls {${name}}`, { [name]: value })).toEqual([value]);
  });
});

describe('paths', () => {
  const outside = (path: string, root = base): string => `-32602 Path traversal detected: Path '${path}' outside base '${root}'`;

  it.each<[string, string]>([
    ['sub/f', 'sub/f'],
    ['./sub//f', 'sub/f'],
    ['sub/../sub/f', 'sub/f'],
    ['.', '.'],
    ['a b.txt', 'a b.txt'],
    ['inside/f', 'sub/f'],
    ['inside/../a b.txt', 'a b.txt'],
    ['not-there', 'not-there'],
    ['not-there/at/all', 'not-there/at/all'],
    ['not-there/../sub/f', 'sub/f'],
    ['%2e%2e/x', '%2e%2e/x'],
    ['..x', '..x'],
  ])('%s is given as the place it leads to, beneath the base', async (asked, real) => {
    expect(await outcome('cat {path}', { path: asked })).toEqual([join(base, real)]);
    expect(await outcome('cat {path}', { path: `${base}/${asked}` })).toEqual([join(base, real)]);
  });

  it.each([
    '..',
    '../secret/key',
    'sub/../../secret',
    '/etc/passwd',
    '/',
    '//etc/passwd',
    'out',
    'out/key',
    'chain/key',
    'sub/up',
    'inside/up',
    'dangling',
    'dangling/x',
    'dangling-far',
    'dangling-far/x',
    'not-there/../../secret/key',
    'inside/../../secret/key',
  ])('%s leads out and is refused', async (asked) => {
    expect(await outcome('cat {path}', { path: asked })).toBe(outside(asked));
  });

  it('a neighbour whose name begins like the base is outside', async () => {
    expect(await outcome('cat {path}', { path: `${outer}/base-two` })).toBe(outside(`${outer}/base-two`));
  });

  it('links in a ring lead nowhere', async () => {
    expect(await outcome('cat {path}', { path: 'loop-a' })).toBe(
      "-32602 Path traversal detected: Path 'loop-a' leads through too many links",
    );
  });

  it('what the kernel would not take, and nothing at all, are refused', async () => {
    expect(await outcome('cat {path}', { path: 'x'.repeat(4096) })).toBe(
      '-32602 Path traversal detected: Path of 4096 bytes, at most 4095 are possible',
    );
    expect(await outcome('cat {path}', { path: 'x'.repeat(300) })).toMatch(
      /^-32602 Path traversal detected: Path 'x{300}' cannot be examined \(ENAMETOOLONG\)$/,
    );
    expect(await outcome('cat {path}', { path: '' })).toBe("-32602 Invalid argument 'path': is empty");
  });

  it('a leading dash is no path', async () => {
    expect(await outcome('cat {path}', { path: '-n' })).toBe("-32602 Invalid argument 'path': looks like command flag, use *_flag suffix");
  });

  it.each(['path', 'file', 'dir', 'filepath', 'PATH', 'log_file', 'target_dir', 'input_path', 'filename', 'folder'])(
    '{%s} is one, with a base',
    async (name) => {
      expect(await outcome(`cat {${name}}`, { [name]: '../secret/key' })).toBe(outside('../secret/key'));
    },
  );

  it.each(['profile', 'directory_flag', 'pathology', 'files', 'message'])('{%s} is none', async (name) => {
    expect(await outcome(`cat {${name}}`, { [name]: '../secret/key' })).toEqual(['../secret/key']);
  });

  it.each<[string, Record<string, string>, (at: string) => readonly string[] | string]>([
    ['cat --out={file}', { file: 'sub/f' }, (at) => [`--out=${at}/sub/f`]],
    ['cat --out={file}', { file: '../x' }, () => outside('../x')],
    ['cc -I{dir}', { dir: 'inside' }, (at) => [`-I${at}/sub`]],
    ['dd if={file}', { file: 'sub/f' }, (at) => [`if=${at}/sub/f`]],
    ['x @{file}', { file: 'out/key' }, () => outside('out/key')],
    ['x {host}:{path}', { host: 'h', path: 'sub' }, (at) => [`h:${at}/sub`]],
    ['x {dir}/{file}', { dir: 'inside', file: 'f' }, (at) => [`${at}/sub/f`]],
    ['x {dir}/{file}', { dir: 'sub', file: '../../secret' }, () => outside('sub/../../secret')],
    ['x {file}.txt', { file: 'a b' }, (at) => [`${at}/a b.txt`]],
    ['x {name}/{file}', { name: '..', file: 'x' }, () => outside('../x')],
    ['x sub/{file}', { file: 'deep' }, (at) => [`${at}/sub/deep`]],
    ['x sub/{file}', { file: '../a' }, (at) => outside('sub/../a', `${at}/sub`)],
    ['x {a_flag}={path}', { a_flag: '--o', path: '../x' }, () => outside('../x')],
    ['x http://h/{path}', { path: 'a/b' }, () => ['http://h/a/b']],
    ['x http://h/{path}', { path: '../b' }, () => "-32602 Path traversal detected: Path '//h/../b' contains '..'"],
  ])('within a word: %s %j', async (source, values, expected) => {
    expect(await outcome(source, values)).toEqual(expected(base));
  });

  it('a folder that the template names is the base of what stands behind it, wherever it lies', async () => {
    expect(await outcome(`cat ${outer}/secret/{file}`, { file: 'key' })).toEqual([`${outer}/secret/key`]);
    expect(await outcome(`cat ${outer}/secret/{file}`, { file: '../base/sub/f' })).toBe(
      outside(`${outer}/secret/../base/sub/f`, `${outer}/secret`),
    );
    expect(await outcome(`cat ${outer}/secret/{file}`, { file: 'key' }, NO_BASE)).toEqual([`${outer}/secret/key`]);
  });

  it('without a base: absolute ones only, without ..', async () => {
    for (const asked of ['x', './x', '../x', 'sub/f'])
      expect(await outcome('cat {path}', { path: asked }, NO_BASE)).toBe(
        '-32602 Path traversal detected: Relative paths forbidden without --base-path',
      );
    expect(await outcome('cat {path}', { path: '/etc/../etc/passwd' }, NO_BASE)).toBe(
      "-32602 Path traversal detected: Path '/etc/../etc/passwd' contains '..'",
    );
    expect(await outcome('cat {path}', { path: `${base}/inside/f` }, NO_BASE)).toEqual([`${base}/sub/f`]);
    expect(await outcome('cat {log_file}', { log_file: 'x' }, NO_BASE)).toEqual(['x']);
  });

  it('--no-validate-paths leaves them as they are', async () => {
    for (const asked of ['../secret/key', 'x', '/etc/passwd', 'out/key'])
      expect(await outcome('cat {path}', { path: asked }, { validatePaths: false })).toEqual([asked]);
  });

  it('nothing that is put together from pieces leads out', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '',
      'sub',
      'inside',
      'out',
      'dangling',
      'dangling-far',
      'chain',
      'up',
      'f',
      'deep',
      'new',
      '/',
      'loop-a',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const asked = pieces.join('/');
        fc.pre(asked !== '');
        const result = await outcome('cat {path}', { path: asked });
        if (!Array.isArray(result)) return;
        const [path] = result as string[];
        expect(path === base || path?.startsWith(`${base}/`)).toBe(true);
        // As the kernel sees it, as far as it is there: the place has no link in it.
        let there = path ?? '';
        for (;;) {
          try {
            expect(realpathSync(there)).toBe(there);
            return;
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
            there = join(there, '..');
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('--legacy-validators', () => {
  const LEGACY: Partial<ArgumentRules> = { legacyValidators: true };

  it.each<[string, string, string]>([
    ['x', 'a -exec b', "contains dangerous command pattern '-exec'"],
    ['x_flag', '-v', "contains dangerous command pattern '-v'"],
    ['x_flag', '--eval=1', "contains dangerous command pattern '--eval'"],
    ['x', '%2e%2e%2f', 'contains encoded path traversal characters'],
    ['x', '%252e%252e%252f', 'contains encoded path traversal characters'],
    ['x', 'a\nb', 'contains dangerous characters'],
    ['x', 'a%0ab', 'contains dangerous characters'],
    ['x', 'a\u202eb', 'contains dangerous characters'],
    ['x', 'a/../b', 'contains dangerous characters'],
    ['x', 'https://x', 'contains dangerous characters'],
    ['x', '~root', 'starts with dangerous character'],
    ['x', ';id', 'starts with dangerous character'],
    ['x', 'hello;rm', 'contains dangerous shell metacharacters'],
    ['x', 'a$(id)', 'contains dangerous shell metacharacters'],
    ['x', "it's; rm", 'contains dangerous shell metacharacters'],
    ['x', 'a\u037eb', 'contains dangerous shell metacharacters'],
    ['pattern', 'a\u037eb', 'contains dangerous shell metacharacters'],
    ['pattern', '(a', 'unbalanced brackets/parentheses in regex'],
    ['pattern', 'a]', 'unbalanced brackets/parentheses in regex'],
    ['pattern', 'a;b', 'contains dangerous shell metacharacters'],
  ])('{%s} %j', async (name, value, what) => {
    expect(await outcome(`echo {${name}}`, { [name]: value }, LEGACY)).toBe(`-32602 Invalid argument '${name}': ${what}`);
    expect(await outcome(`echo -- {${name}}`, { [name]: value })).toEqual(['--', value]);
  });

  it.each<[string, string]>([
    ['x', 'hello world'],
    ['x', 'error'],
    ['x', 'redis'],
    ['x', "a 'b;c' d"],
    ['x_flag', '-h'],
    ['pattern', '(a|b)\\.c'],
    ['x', '100%'],
  ])('{%s} %j passes', async (name, value) => {
    expect(await outcome(`echo {${name}}`, { [name]: value }, LEGACY)).toEqual([value]);
  });

  it('does not give up what protects', async () => {
    expect(await outcome('echo {x}', { x: '-z' }, LEGACY)).toBe("-32602 Invalid argument 'x': looks like command flag, use *_flag suffix");
    expect(await outcome('echo {path}', { path: 'out' }, LEGACY)).toMatch(/outside base/);
  });
});
