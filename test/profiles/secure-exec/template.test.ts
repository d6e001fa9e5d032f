import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate, splitDefinitions } from '../../../src/core/profiles/secure-exec/template.ts';
import { splitWords } from '../../../src/core/profiles/secure-exec/words.ts';

const read = (definition: string) => {
  const parsed = parseTemplate(definition);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.template;
};

describe('a definition', () => {
  it.each([
    ['echo|"echo {message}"', { name: 'echo', source: 'echo {message}', binary: 'echo', placeholders: ['message'] }],
    ["date|'date'", { name: 'date', source: 'date', binary: 'date', placeholders: [] }],
    ['  up-time_2  |   uptime   ', { name: 'up-time_2', source: 'uptime', binary: 'uptime', placeholders: [] }],
    ['|"echo"', { name: '', source: 'echo', binary: 'echo' }],
    ['a|echo b|c', { source: 'echo b|c', words: [[{ text: 'b|c' }]] }],
    ['a|"echo {first}_{last}"', { placeholders: ['first', 'last'], words: [[{ name: 'first' }, { text: '_' }, { name: 'last' }]] }],
    ['a|"echo --x={y}.txt"', { words: [[{ text: '--x=' }, { name: 'y' }, { text: '.txt' }]] }],
    ['a|"{bin} {x}"', { binary: '{bin}', placeholders: ['x'] }],
    ['a|"{x} y {z}"', { binary: '{x}', placeholders: ['z'] }],
    ['a|"echo {1x} {} {a-b} { c }"', { placeholders: [], binary: 'echo' }],
    ['a|"echo {_x9}"', { placeholders: ['_x9'] }],
    ['a|"echo \'{x} and\' more"', { words: [[{ name: 'x' }, { text: ' and' }], [{ text: 'more' }]] }],
  ])('%s', (definition, expected) => {
    expect(read(definition)).toMatchObject(expected);
  });

  it.each([
    ['a template that ends in a quoted word of its own keeps it', 'g|grep "a b"', ['a b']],
    ['also when the outer quotes are others', `g|'grep "a b"'`, ['a b']],
    ['and when they are the same', 'g|"grep "a b""', ['a b']],
    ['a quote within a word', `g|"grep it\\'s"`, ["it's"]],
    ['an empty word', `g|"grep '' x"`, ['', 'x']],
  ])('%s', (_name, definition, words) => {
    expect(read(definition).words).toEqual(words.map((text) => [{ text }]));
  });

  it.each([
    ['echo', 'Format: name|"cmd {arg}"'],
    ['', 'Format: name|"cmd {arg}"'],
    ['a b|"echo"', 'Invalid name: a b'],
    ['a.b|"echo"', 'Invalid name: a.b'],
    ['é|"echo"', 'Invalid name: é'],
    ['a|""', 'Empty template'],
    ['a|', 'Empty template'],
    ['a|"   "', 'Empty template'],
    [`a|"'' x"`, 'Empty template'],
    [`a|"echo 'x"`, 'Failed to parse template: missing closing quote'],
    ['a|echo "x', 'Failed to parse template: missing closing quote'],
    ['a|echo x\\', 'Failed to parse template: the last character is a lone backslash'],
    ['a|"echo \0"', 'Failed to parse template: it contains NUL'],
    ['a|"echo {x} {x}"', 'Duplicate placeholder: {x}'],
    ['a|"echo {x}{x}"', 'Duplicate placeholder: {x}'],
  ])('%j is refused', (definition, problem) => {
    expect(parseTemplate(definition)).toEqual({ problem });
  });

  it('is separated from the next by ;, which nothing escapes', () => {
    expect(splitDefinitions('date|"date";uptime|"uptime"')).toEqual(['date|"date"', 'uptime|"uptime"']);
    expect(splitDefinitions('a|"echo \\;"')).toEqual(['a|"echo \\', '"']);
  });
});

describe('words', () => {
  it.each([
    ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
    ["'a b'c", ['a bc']],
    ['"a\\"b" \\"c', ['a"b', '"c']],
    ['"a\\b" \'a\\b\'', ['a\\b', 'a\\b']],
    ['a\\ b', ['a b']],
    ['a\\\nb', ['ab']],
    ['$HOME `id` $(id) *.c ~ # x', ['$HOME', '`id`', '$(id)', '*.c', '~', '#', 'x']],
    ['"" \'\'', ['', '']],
    ['', []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual({ words });
  });

  it('give back whatever was quoted', () => {
    const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
        expect(splitWords(words.map(quote).join(' '))).toEqual({ words });
      }),
    );
  });
});
