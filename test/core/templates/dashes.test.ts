import { describe, expect, it } from 'vitest';
import { withDashes } from '../../../src/core/templates/dashes.ts';

const argv = (words: string[], params: Record<string, { type: string }> = {}): unknown => withDashes({ argv: words, params })['argv'];

describe('withDashes', () => {
  it('ends the options before what a caller fills in', () => {
    expect(argv(['cat', '{file}'])).toEqual(['cat', '--', '{file}']);
    expect(argv(['wc', '-l', '{a}', '{b}'])).toEqual(['wc', '-l', '{a}', '{b}']);
    expect(argv(['sort', 'fixed', '{a}'])).toEqual(['sort', 'fixed', '--', '{a}']);
  });
  it.each([
    ['a program that prints it', ['echo', '{text}']],
    ['the value of an option', ['head', '-n', '{count}', '{file}']],
    ['an option that follows', ['ls', '{dir}', '-l']],
    ['one that is there', ['cat', '--', '{file}']],
    ['nothing filled in', ['cat', 'file', '{{a}}']],
    ['a program it does not know', ['frob', '{file}']],
  ])('leaves alone %s', (_, words) => expect(argv(words)).toEqual(words));
  it('leaves a flag in front of it an option', () => {
    expect(argv(['ls', '{dir}', '{long}'], { long: { type: 'flag' } })).toEqual(['ls', '{dir}', '{long}']);
  });
  it('leaves what is no template to the loader', () => {
    for (const spec of [{}, { argv: 'cat' }, { argv: [1] }, { argv: [] }]) expect(withDashes(spec)).toBe(spec);
  });
});
