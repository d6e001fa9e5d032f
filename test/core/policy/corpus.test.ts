import { describe, expect, it } from 'vitest';
import { createLineCheck } from '../../../src/core/policy/check-line.ts';
import { allowList } from '../../../src/core/policy/rules.ts';
import { EVERYDAY, readCases, type Case } from './support/corpus.ts';
import { policyOf } from './support/policy.ts';

/** A case that takes longer has found something that does not scale. */
const MOST_MS = 1000;

const policies = new Map<string, ReturnType<typeof createLineCheck>>();

const checkOf = (names: Case['allow'], unsafe: boolean): ReturnType<typeof createLineCheck> => {
  const list = names === 'everyday' ? EVERYDAY : names;
  const key = `${list.join(',')} ${String(unsafe)}`;
  const known = policies.get(key) ?? createLineCheck(policyOf(allowList(list, unsafe ? list : [])), false);
  policies.set(key, known);
  return known;
};

const decide = ({ allow, request }: Case, unsafe = false): { readonly verdict: string; readonly reason: string } => {
  const started = performance.now();
  const answer = checkOf(allow, unsafe)(JSON.stringify(request));
  expect(performance.now() - started).toBeLessThan(MOST_MS);
  return answer;
};

const wrong = (cases: readonly Case[]): readonly string[] =>
  cases.flatMap((one) => {
    const { verdict, reason } = decide(one);
    return verdict === one.verdict ? [] : [`${one.id}: ${JSON.stringify(one.request).slice(0, 200)}: ${verdict}: ${reason}`];
  });

const byClass = (cases: readonly Case[]): readonly (readonly [string, readonly Case[]])[] => {
  const groups = new Map<string, Case[]>();
  for (const one of cases) groups.set(one.class, [...(groups.get(one.class) ?? []), one]);
  return [...groups];
};

describe('cases that have to be allowed', () => {
  it.each(byClass(readCases('allow')))('%s', (_name, cases) => {
    expect(wrong(cases)).toEqual([]);
  });
});

describe('cases that have to be denied', () => {
  it.each(byClass(readCases('deny')))('%s', (_name, cases) => {
    expect(wrong(cases)).toEqual([]);
  });
});

describe('programs that run code or write, allowed by name alone', () => {
  const cases = readCases('guarded');

  it('are denied', () => {
    expect(wrong(cases)).toEqual([]);
  });

  it('pass when they are marked unsafe', () => {
    expect(
      cases.filter((one) => decide(one, true).verdict !== 'allow').map(({ id, request }) => `${id} ${JSON.stringify(request)}`),
    ).toEqual([]);
  });
});

it('the whole corpus is there', () => {
  const count = (name: string): number => readCases(name).length;
  expect(count('allow') + count('deny') + count('guarded')).toBeGreaterThan(1300);
});
