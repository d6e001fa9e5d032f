import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../src/core/policy/decide.ts';
import { allowList } from '../../../src/core/policy/rules.ts';
import { EVERYDAY, readCases, type Case } from './support/corpus.ts';
import { policyOf } from './support/policy.ts';

const textOf = ({ request }: Case): unknown => {
  const { shell, ...rest } = request as { readonly shell?: unknown };
  return Object.keys(rest).length === 0 ? shell : undefined;
};

const policies = new Map<string, Policy>();

const verdictOf = ({ allow }: Case, shell: string): string => {
  const names = [...(allow === 'everyday' ? EVERYDAY : allow), 'true'];
  const policy = policies.get(names.join(',')) ?? policyOf(allowList(names));
  policies.set(names.join(','), policy);
  return policy.decide({ shell }).verdict;
};

/** Each keeps what a shell makes of the text. */
const HARMLESS: Readonly<Record<string, (text: string) => string>> = {
  'blanks around it': (text) => ` \t${text}  `,
  'a newline behind it': (text) => `${text}\n\n`,
  'another command before it': (text) => `true\n${text}`,
  'another command behind it': (text) => `${text}\ntrue`,
  'a harmless name before it': (text) => `true; ${text}`,
  'success before it': (text) => `true && ${text}`,
  'a comment before it': (text) => `# it's a comment\n${text}`,
  'more blanks': (text) => (/['"\\\n#]/.test(text) ? text : text.replaceAll(' ', ' \t ')),
  'a name in quotes': (text) => text.replace(/^([a-z]+)(?= |$)/, "'$1'"),
  'a name in pieces': (text) => text.replace(/^([a-z])([a-z]+)(?= |$)/, "$1''$2"),
  'a name with a backslash': (text) => text.replace(/^([a-z])([a-z]+)(?= |$)/, '\\$1$2'),
};

const RESERVED = /^(?:for|cd|time|if|while|until|case|select|function|coproc|\{|!|\[\[|true)\b/;

describe.each(Object.entries(HARMLESS))('%s', (name, mutate) => {
  const cases = (file: string): readonly (readonly [Case, string])[] =>
    readCases(file).flatMap((one) => {
      const text = textOf(one);
      // A quoted reserved word is a name like any other, and a here-document ends with its delimiter.
      // An operator or a backslash at the end is finished by the line that follows, and a loop cannot depend on what stands before it.
      if (/^(?:another command behind|a newline behind|blanks)/.test(name) && /[&|\\]\s*$/.test(String(text))) return [];
      if (
        typeof text !== 'string' ||
        text.trim() === '' ||
        (/^(?:a name|success)/.test(name) && RESERVED.test(text)) ||
        text.includes('<<') ||
        text.startsWith('#')
      )
        return [];
      return [[one, text] as const];
    });
  const decided = (some: readonly (readonly [Case, string])[], verdict: string): readonly string[] =>
    some.flatMap(([one, text]) => (verdictOf(one, mutate(text)) === verdict ? [`${one.id}: ${JSON.stringify(mutate(text))}`] : []));

  it('makes no allowed text denied', () => {
    expect(cases('allow').length).toBeGreaterThan(300);
    expect(decided(cases('allow'), 'deny')).toEqual([]);
  });

  it('makes no denied text allowed', () => {
    const denied = cases('deny').filter(([, text]) => text.length < 10_000);
    expect(denied.length).toBeGreaterThan(300);
    expect(decided(denied, 'allow')).toEqual([]);
  });
});
