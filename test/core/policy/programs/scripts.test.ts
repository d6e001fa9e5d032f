import { describe, expect, it } from 'vitest';
import { refuseAwkScript } from '../../../../src/core/policy/programs/awk.ts';
import { refuseJqFilter } from '../../../../src/core/policy/programs/jq.ts';
import { optionList } from '../../../../src/core/policy/programs/options.ts';
import { literalArg } from '../../../../src/core/policy/programs/program.ts';
import { refuseSedScript } from '../../../../src/core/policy/programs/sed.ts';
import { compilePattern } from '../../../../src/core/policy/templates/pattern.ts';

/** Pieces that make a reader go back: repeated to the permitted length they must not take time by the square. */
const PIECES = [
  '/',
  '[',
  's/',
  '\\',
  '"',
  '#',
  '\n',
  ';',
  '{',
  '(',
  '. ',
  '[^',
  '[:',
  'a ',
  '|',
  '\\(',
  '"\\(',
  '1e',
  '#;',
  '++',
  '@',
  'length ',
  '[]',
  '/[',
  ') /',
  'p;',
  ':a;',
];
const MOST_MS = 500;

describe.each([
  ['sed', refuseSedScript],
  ['awk', refuseAwkScript],
  ['jq', refuseJqFilter],
] as const)('%s', (_name, refuse) => {
  it('is read in a moment, whatever it holds', () => {
    for (const piece of PIECES)
      for (const before of ['', '/', '"', '{print ']) {
        const started = performance.now();
        refuse(before + piece.repeat(32_000 / piece.length));
        expect([piece, performance.now() - started < MOST_MS]).toEqual([piece, true]);
      }
  });

  it('is refused when it is too long to read', () => {
    expect(refuse('p'.repeat(40_000))).toMatch(/is longer than/);
  });
});

describe('an option list', () => {
  const check = optionList({
    short: 'abo:k?',
    long: 'all output= color=? files-with-matches !file !other',
    abbreviates: true,
    digits: true,
    operands: { first: ['text'], rest: 'read' },
  });
  const refused = (...args: readonly string[]): string | undefined =>
    check(args.map(literalArg), { outside: (path) => (path.startsWith('/') ? 'outside' : undefined), contain: () => undefined })?.construct;

  it.each([
    [['-ab']],
    [['-abo', 'x']],
    [['-abox']],
    [['-o', '-z']],
    [['-kx']],
    [['-k']],
    [['--all']],
    [['--al']],
    [['--output', '-z']],
    [['--output=x']],
    [['--color']],
    [['--color=x']],
    [['-12']],
    [['p', 'a', '--all']],
    [['--', '-z', 'a']],
    [['-']],
    [['--files-w']],
  ])('takes %j', (args) => {
    expect(refused(...args)).toBeUndefined();
  });

  it.each([
    [['-z'], 'option -z'],
    [['-az'], 'option -z'],
    [['--file'], 'option --file'],
    [['--file=x'], 'option --file'],
    [['--fil'], 'option --fil'],
    [['--ot'], 'option --ot'],
    [['--o'], 'option --o'],
    [['--nope'], 'option --nope'],
    [['--all=x'], 'option --all'],
    [['-o'], 'option -o'],
    [['--output'], 'option --output'],
    [['p', '/etc/x'], 'the path /etc/x'],
    [['p', 'a', '-z'], 'option -z'],
    [['--', 'p', '/x'], 'the path /x'],
    [['--__proto__'], 'option --__proto__'],
  ])('refuses %j', (args, construct) => {
    expect(refused(...args)).toBe(construct);
  });
});

it('a pattern for values matches in linear time or is refused', () => {
  for (const source of ['[a-z]{1,9}-\\d+', 'a*b*', '\\w+\\.ts', '']) expect(compilePattern(source)).toBeInstanceOf(RegExp);
  for (const source of ['(a)', 'a|b', 'a*b*c*', '(?=a)', '\\1', '[', 'a**', 'a{1,2}{3}', '.^', '\\p{L}'])
    expect([source, typeof compilePattern(source)]).toEqual([source, 'string']);
});
