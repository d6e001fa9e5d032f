import { describe, expect, it } from 'vitest';
import { createContainment } from '../../../src/core/policy/containment.ts';
import { loadTemplate } from '../../../src/core/policy/templates.ts';
import type { TemplateInput } from '../../../src/core/policy/templates/schema.ts';
import { ROOT, WORKSPACE } from './support/policy.ts';

const containment = createContainment([ROOT], WORKSPACE);

const render = (template: TemplateInput, values: unknown): readonly string[] | string => {
  const rendered = loadTemplate('t', template).render(values, containment, ROOT);
  return 'reason' in rendered ? rendered.reason : rendered.argv;
};

const one = (param: NonNullable<TemplateInput['params']>[string], word = '{x}', before: readonly string[] = []): TemplateInput => ({
  argv: ['prog', ...before, word],
  params: { x: param },
});

describe('a template is refused at load', () => {
  it.each<readonly [string, TemplateInput, RegExp]>([
    ['a place where the program is named', { argv: ['{x}'], params: { x: { type: 'string' } } }, /where the program is named/],
    ['a place in the name of the program', { argv: ['pre{x}'], params: { x: { type: 'string' } } }, /where the program is named/],
    [
      'a place where a wrapper finds its command',
      { argv: ['timeout', '5', '{x}'], params: { x: { type: 'string' } } },
      /where the program is named/,
    ],
    ['a place in shell text', { argv: ['sh', '-c', 'echo {x}'], params: { x: { type: 'string' } } }, /in code that sh runs/],
    [
      'a place in shell text behind a wrapper',
      { argv: ['env', 'bash', '-lc', 'echo {x}'], params: { x: { type: 'string' } } },
      /in code that bash runs/,
    ],
    ['a place in code', { argv: ['python3', '-c', '{x}'], params: { x: { type: 'string' } } }, /in code/],
    ['a place in attached code', { argv: ['node', '--eval={x}'], params: { x: { type: 'string' } } }, /in code/],
    ['a place twice', { argv: ['ls', '{x}', '{x}'], params: { x: { type: 'string' } } }, /stands twice/],
    ['a parameter that is not used', { argv: ['ls'], params: { x: { type: 'string' } } }, /x is not used/],
    ['a place without a parameter', { argv: ['ls', '{x}'] }, /\{x\} has no parameter/],
    ['a list within a word', { argv: ['ls', 'a{x}'], params: { x: { type: 'list', items: { type: 'string' } } } }, /a word of its own/],
    ['a pattern that takes for ever', one({ type: 'string', pattern: '(a+)+b' }), /pattern of x is refused/],
    ['a pattern with three endless repetitions', one({ type: 'string', pattern: 'a*a*a*b' }), /no end/],
    ['a look-ahead', one({ type: 'string', pattern: '(?=a)' }), /pattern of x/],
    ['bounds that exclude each other', one({ type: 'integer', min: 2, max: 1 }), /min is above max/],
    ['a default that is no value', one({ type: 'enum', values: ['a'], default: 'b' }), /none of its values/],
    ['no program', { argv: [''] }, /name of the program is empty/],
    ['an unknown type', one({ type: 'any' } as never), /params\.x/],
    ['an unknown key', { argv: ['ls'], nope: 1 } as never, /nope/],
  ])('%s', (_name, template, told) => {
    expect(() => loadTemplate('t', template)).toThrow(told);
  });

  it('not for a place behind code, where it is an argument', () => {
    expect(render({ argv: ['sh', '-c', 'echo "$1"', 'sh', '{x}'], params: { x: { type: 'string' } } }, { x: '$(id)' })).toEqual([
      'sh',
      '-c',
      'echo "$1"',
      'sh',
      '$(id)',
    ]);
  });
});

describe('a value', () => {
  it.each<readonly [string, TemplateInput, unknown, readonly string[] | RegExp]>([
    ['is one word whatever it holds', one({ type: 'string' }), 'a b; $(id) "x"', ['prog', 'a b; $(id) "x"']],
    ['stands within a word', one({ type: 'string' }, '--name={x}'), '-y', ['prog', '--name=-y']],
    ['with a dash would be an option', one({ type: 'string' }), '-rf', /begins with a dash/],
    ['with a dash behind -- is none', one({ type: 'string' }, '{x}', ['--']), '-rf', ['prog', '--', '-rf']],
    ['with a newline', one({ type: 'string' }), 'a\nb', /control character U\+000A/],
    ['with a newline that is meant', one({ type: 'string', multiline: true }), 'a\nb', ['prog', 'a\nb']],
    ['with NUL', one({ type: 'string', multiline: true }), 'a\0b', /U\+0000/],
    ['that does not show', one({ type: 'string' }), 'a\u200bb', /U\+200B/],
    ['not in normal form', one({ type: 'string' }), 'e\u0301', /normal form/],
    ['half a character', one({ type: 'string' }), '\ud800', /surrogate/],
    ['of a megabyte', one({ type: 'string' }), 'x'.repeat(1_048_576), /longer than 4096/],
    ['that is empty', one({ type: 'string' }), '', /is empty/],
    ['that may be empty', one({ type: 'string', minLength: 0 }), '', ['prog', '']],
    ['that is a list', one({ type: 'string' }), ['a'], /is no text/],
    ['that is missing', one({ type: 'string' }), undefined, /is missing/],
    ['that is null', one({ type: 'string' }), null, /is missing/],
    ['by default', one({ type: 'string', default: 'd' }), undefined, ['prog', 'd']],
    ['that has to match', one({ type: 'string', pattern: '[a-z]+-\\d{2}' }), 'ab-12', ['prog', 'ab-12']],
    ['that does not match as a whole', one({ type: 'string', pattern: '[a-z]+' }), 'ab1', /does not match/],
    ['that is a number', one({ type: 'integer', min: 1, max: 9 }), 5, ['prog', '5']],
    ['that is a number as text', one({ type: 'integer' }), '5', /no whole number/],
    ['that is a fraction', one({ type: 'integer' }), 1.5, /no whole number/],
    ['that is below zero', one({ type: 'integer' }), -1, /lies outside/],
    ['that may be below zero', one({ type: 'integer', min: -5 }), -1, ['prog', '-1']],
    ['too large', one({ type: 'integer' }), 1e21, /no whole number/],
    ['one of several', one({ type: 'enum', values: ['--all', 'x'] }), '--all', ['prog', '--all']],
    ['none of several', one({ type: 'enum', values: ['x'] }), 'x\n', /is none of/],
    ['a pattern for the program', one({ type: 'regex' }), '^(a|b)$', ['prog', '^(a|b)$']],
    ['a flag that is set', one({ type: 'flag', value: '--force' }), true, ['prog', '--force']],
    ['a flag that is not', one({ type: 'flag', value: '--force' }), undefined, ['prog']],
    ['a flag that is text', one({ type: 'flag', value: '--force' }), 'true', /neither true nor false/],
    ['a list', one({ type: 'list', items: { type: 'relpath' } }), ['a', 'src'], ['prog', 'a', 'src']],
    ['a list with an option', one({ type: 'list', items: { type: 'string' } }), ['a', '-x'], /begins with a dash/],
    ['a list that is too long', one({ type: 'list', items: { type: 'string' }, maxItems: 1 }), ['a', 'b'], /has not between/],
    ['an empty list', one({ type: 'list', items: { type: 'string' } }), [], /has not between/],
    ['a path', one({ type: 'path' }), 'src/x', ['prog', `${ROOT}/src/x`]],
    ['a relative path', one({ type: 'relpath' }), './src/./x', ['prog', 'src/x']],
    ['a path that leaves', one({ type: 'path' }), '../x', /leads through \.\./],
    ['a path that leaves through a link', one({ type: 'path' }), 'link-out/shadow', /outside the workspace/],
    ['an encoded path', one({ type: 'path' }), '%2e%2e/x', /encoded dot/],
    ['an absolute path where a relative one belongs', one({ type: 'relpath' }), `${ROOT}/a`, /is an absolute path/],
    ['an absolute path beneath the root', one({ type: 'path' }), `${ROOT}/a`, ['prog', `${ROOT}/a`]],
    ['a path elsewhere', one({ type: 'path' }), '/etc/shadow', /outside the workspace/],
  ])('%s', (_name, template, value, wanted) => {
    const result = render(template, value === undefined ? {} : { x: value });
    if (wanted instanceof RegExp) expect(result).toMatch(wanted);
    else expect(result).toEqual(wanted);
  });

  it('that nobody asked for is refused', () => {
    expect(render({ argv: ['ls'] }, { y: 1 })).toMatch(/y is no parameter/);
    expect(render({ argv: ['ls'] }, [])).toMatch(/no map/);
    expect(render({ argv: ['ls'] }, JSON.parse('{"__proto__":1}'))).toMatch(/is no parameter/);
  });

  it('leaves doubled braces as braces', () => {
    expect(render({ argv: ['jq', '{{a}}', '{x}'], params: { x: { type: 'string' } } }, { x: 'f' })).toEqual(['jq', '{a}', 'f']);
  });
});
