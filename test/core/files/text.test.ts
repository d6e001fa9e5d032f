import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globToRegExp } from '../../../src/core/files/search.ts';
import { decodeText, replaceText } from '../../../src/core/files/text.ts';

describe('replaceText', () => {
  it('replaces the one occurrence, taking $ as it is', () => {
    expect(replaceText('a b c', 'b', '$& $1', false, 'f')).toEqual({ text: 'a $& $1 c', count: 1 });
  });
  it('refuses none and several', () => {
    expect(() => replaceText('a', 'b', 'c', false, 'f')).toThrow(/does not occur in f/);
    expect(() => replaceText('b b', 'b', 'c', false, 'f')).toThrow(/occurs 2 times/);
    expect(replaceText('b b', 'b', 'c', true, 'f')).toEqual({ text: 'c c', count: 2 });
  });
});

it('decodeText takes any text and no other bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const clean = Buffer.from(text.replaceAll('\0', '')).toString();
      expect(decodeText(Buffer.from(clean))).toBe(clean);
    }),
  );
  expect(decodeText(Buffer.from([0xc3, 0x28]))).toBeUndefined();
  expect(decodeText(Buffer.from('a\0b'))).toBeUndefined();
  expect(decodeText(Buffer.from('\ufeffa'))).toBe('\ufeffa');
});

describe('globToRegExp', () => {
  it.each([
    ['*.ts', 'a.ts', true],
    ['*.ts', 'a/b.ts', false],
    ['**/*.ts', 'a/b/c.ts', true],
    ['**/*.ts', 'c.ts', true],
    ['src/**', 'src/a/b', true],
    ['{a,b}.js', 'b.js', true],
    ['a?c', 'abc', true],
    ['[!a]x', 'bx', true],
    ['[!a]x', 'ax', false],
    ['a.b', 'axb', false],
    ['(x)', '(x)', true],
  ])('%s on %s: %s', (glob, path, matches) => expect(globToRegExp(glob).test(path)).toBe(matches));
  it('never throws anything but a message', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (glob) => {
        try {
          globToRegExp(glob).test('some/path');
        } catch (error) {
          expect((error as Error).message).toMatch(/is not a pattern/);
        }
      }),
    );
  });
});
