import { describe, expect, it } from 'vitest';
import { OUTCOME_KINDS } from '../../../src/ports/sandbox.ts';
import { exitCodeOf, outcomeWords } from '../../../src/faces/cli/outcome.ts';
import { createStyle, printable, wantsColour } from '../../../src/faces/cli/style.ts';
import { nearest } from '../../../src/faces/cli/suggest.ts';
import { ago, shortDuration, table } from '../../../src/faces/cli/table.ts';

describe('tables', () => {
  it('line up, without spaces at the end', () => {
    expect(
      table([
        ['A', 'LONG', 'C'],
        ['aaaa', 'b', 'c'],
        ['a', 'b', ''],
      ]),
    ).toBe('A     LONG  C\naaaa  b     c\na     b\n');
  });

  it('are cut to the width of a terminal, and only then', () => {
    expect(table([['a', 'b'.repeat(20)]], 10)).toBe(`a  ${'b'.repeat(6)}…\n`);
    expect(table([['a', 'b'.repeat(20)]])).toHaveLength(24);
  });

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1000, '1.0s'],
    [59_000, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [90_000_000, '1d'],
  ])('%d ms are %s', (ms, words) => {
    expect(shortDuration(ms)).toBe(words);
  });

  it('a clock that went backwards is no time ago', () => {
    expect(ago(2000, 1000)).toBe('0ms ago');
  });
});

describe('what others wrote', () => {
  it('cannot move the cursor, colour the screen or turn the text around', () => {
    expect(printable('a\u001B[2Jb\nc\u202Ed\u009Be')).toBe('a\\x1b[2Jb c\\x202ed\\x9be');
    expect(printable('naïve 名前')).toBe('naïve 名前');
  });
});

describe('colour', () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{}, {}, false],
  ])('on %j with %j: %s', (stream, env, wanted) => {
    expect(wantsColour(stream, env)).toBe(wanted);
    expect(createStyle(wanted).red('x') === 'x').toBe(!wanted);
  });
});

describe('suggestions', () => {
  it.each([
    ['sreve', 'serve'],
    ['serv', 'serve'],
    ['docter', 'doctor'],
    ['zebra', undefined],
    ['x'.repeat(10_000), undefined],
  ])('%s -> %s', (word, meant) => {
    expect(nearest(word, ['serve', 'doctor', 'ps'])).toBe(meant);
  });
});

describe('exit codes', () => {
  it.each([
    [{ kind: 'exited', code: 42 }, undefined, 42],
    [{ kind: 'signalled', signal: 'SIGSEGV' }, undefined, 139],
    [{ kind: 'timed_out', signal: 'SIGKILL' }, undefined, 124],
    [{ kind: 'cancelled', signal: 'SIGKILL' }, 'SIGINT', 130],
    [{ kind: 'cancelled', signal: 'SIGTERM' }, undefined, 143],
    [{ kind: 'memory_limit', signal: 'SIGKILL' }, undefined, 137],
    [{ kind: 'lost' }, undefined, 125],
  ] as const)('%j', (outcome, received, code) => {
    expect(exitCodeOf(outcome, received)).toBe(code);
  });

  it('no ending passes for success, and each has words', () => {
    for (const kind of OUTCOME_KINDS) {
      expect(exitCodeOf({ kind })).not.toBe(0);
      expect(outcomeWords({ kind })).not.toContain('_');
    }
  });
});
