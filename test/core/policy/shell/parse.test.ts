import { describe, expect, it } from 'vitest';
import { parseShell } from '../../../../src/core/policy/shell/parse.ts';
import { planToJson, wordText, type PlanStep } from '../../../../src/core/policy/shell/plan.ts';

const steps = (text: string): readonly PlanStep[] => {
  const parsed = parseShell(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.plan.steps;
};

const words = (text: string): readonly (readonly string[])[] =>
  steps(text).flatMap(({ stages }) => stages.map((stage) => (stage.kind === 'cd' ? ['cd', stage.path] : stage.argv.map(wordText))));

const first = (text: string) => {
  const stage = steps(text)[0]?.stages[0];
  if (stage?.kind !== 'command') throw new Error('no command');
  return stage;
};

describe('a plan', () => {
  it('has a step for each pipeline, with when it is carried out', () => {
    expect(steps('a | b && c || d; e\nf').map(({ when, stages }) => [when, stages.length])).toEqual([
      ['always', 2],
      ['success', 1],
      ['failure', 1],
      ['always', 1],
      ['always', 1],
    ]);
  });

  it('holds words byte for byte', () => {
    expect(words(`x 'a b' "c\\"d" e\\ f '' g"h"'i' $'j\\tk'`)).toEqual([['x', 'a b', 'c"d', 'e f', '', 'ghi', 'j\tk']]);
  });

  it('keeps what is quoted out of a pattern', () => {
    expect(first(`x "*"a*'?'?[b-d]`).argv[1]).toEqual([
      { literal: '*a' },
      { glob: '*' },
      { literal: '?' },
      { glob: '?' },
      { glob: '[b-d]' },
    ]);
  });

  it('knows the home folder only where a word begins', () => {
    expect(first('x ~ ~/a "~" a~').argv.slice(1)).toEqual([
      [{ home: true }],
      [{ home: true }, { literal: '/a' }],
      [{ literal: '~' }],
      [{ literal: 'a~' }],
    ]);
  });

  it('lists redirections in their order', () => {
    expect(first(`x >a 2>&1 </dev/null &>>b`).redirects).toEqual([
      { fd: 1, target: { kind: 'file', path: 'a', mode: 'write' } },
      { fd: 2, target: { kind: 'fd', fd: 1 } },
      { fd: 0, target: { kind: 'null' } },
      { fd: 1, target: { kind: 'file', path: 'b', mode: 'append' } },
      { fd: 2, target: { kind: 'fd', fd: 1 } },
    ]);
  });

  it('holds the text of a here-document that is quoted', () => {
    expect(first(`cat <<'E'\n$x \`y\`\nE\n`).redirects).toEqual([{ fd: 0, target: { kind: 'data', data: '$x `y`\n' } }]);
  });

  it('writes loops out', () => {
    expect(words('for f in a "b c"; do x "$f.txt"; for g in 1 2; do y $g "${f}"; done; done')).toEqual([
      ['x', 'a.txt'],
      ['y', '1', 'a'],
      ['y', '2', 'a'],
      ['x', 'b c.txt'],
      ['y', '1', 'b c'],
      ['y', '2', 'b c'],
    ]);
  });

  it('is JSON, and says at which character a command begins', () => {
    const parsed = parseShell('a;  b');
    expect(parsed.ok && JSON.parse(planToJson(parsed.plan))).toEqual(parsed.ok && parsed.plan);
    expect(steps('a;  b').map(({ stages }) => stages[0].at)).toEqual([0, 4]);
  });
});

describe('a refusal names the construct and where it stands', () => {
  it.each([
    ['echo $(id)', 'a command substitution', 5],
    ['echo "a`id`"', 'a command substitution', 7],
    ['echo <(id)', 'a process substitution', 5],
    ['echo $x', 'a parameter expansion', 5],
    ['echo $((1))', 'an arithmetic expansion', 5],
    ['echo {a,b}', 'a brace expansion', 5],
    ['( ls )', 'a subshell', 0],
    ['{ ls; }', 'a group of commands', 0],
    ['ls; f() { ls; }', 'a function', 4],
    ['ls &', '&', 0],
    ['ls |& wc', '|&', 0],
    ['A=b ls', 'the assignment A=', 0],
    ['eval ls', 'the shell builtin eval', 0],
    ['ls\rrm', 'control character U+000D', 2],
    ['ls \u200bx', 'character U+200B outside quotes', 3],
    ["ls 'a", 'a syntax error', 3],
    ['ls [[:alpha:]]', 'a bracket pattern', 3],
    ['ls {a}\\\n>/dev/null', 'a line that goes on within a word', 6],
    ['ls ("x"', undefined, undefined],
  ])('%j', (text, construct, at) => {
    const parsed = parseShell(text);
    expect(parsed.ok).toBe(false);
    if (parsed.ok || construct === undefined) return;
    expect([parsed.construct, parsed.at]).toEqual([construct, at]);
  });
});

it('reads the worst text of the permitted length in a moment', () => {
  const length = 65_000;
  const texts = [
    '(',
    '{',
    '[',
    '$(',
    '"',
    '`',
    '\\',
    '|',
    '&',
    ';',
    '#',
    '\n',
    "'",
    'a ',
    '{a,',
    '[[',
    '<<E ',
    '$',
    '~',
    '=',
    '*',
    'a{',
    "$'",
    '/',
    ':~',
    'x=',
    '>f ',
    '!',
    '\\\n',
    'for f in a; do ',
  ].flatMap((piece) => [
    piece.repeat(length / piece.length),
    `echo ${piece.repeat(length / piece.length)}`,
    `echo "${piece.repeat(length / piece.length)}"`,
  ]);
  for (const text of texts) {
    const started = performance.now();
    parseShell(text);
    expect([text.slice(0, 20), performance.now() - started < 500]).toEqual([text.slice(0, 20), true]);
  }
});
