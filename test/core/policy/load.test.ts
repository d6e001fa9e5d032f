import { describe, expect, it } from 'vitest';
import { requireExamples, testRules } from '../../../src/core/policy/examples.ts';
import { readRules, refuseWorkspaceRules } from '../../../src/core/policy/load.ts';
import { policyOf } from './support/policy.ts';

const GOOD = `
rules:
  - id: no-push
    match: { program: [git], argv: [push] }
    effect: deny
    reason: pushing is for people
  - id: reading
    match: { program: [ls, cat, git] }
    effect: allow
    caps: { timeoutSeconds: 10 }
examples:
  allow: ["ls | cat", [git, log]]
  deny: ["git push origin main", { argv: [rm] }]
`;

describe('a rules file', () => {
  it('is read, and its examples hold', () => {
    const policy = policyOf(readRules(GOOD, 'r.yaml'));
    expect(testRules(policy).map(({ passed }) => passed)).toEqual([true, true, true, true]);
    expect(policy.decide({ argv: ['git', 'push'] })).toMatchObject({ verdict: 'deny', rule: 'no-push', reason: 'pushing is for people' });
    expect(policy.decide({ argv: ['ls'] })).toMatchObject({ verdict: 'allow', rule: 'reading', caps: { timeoutSeconds: 10 } });
  });

  it('may be JSON', () => {
    expect(readRules('{"rules":[{"id":"a","effect":"deny"}]}', 'r.json').rules[0]?.id).toBe('a');
  });

  const rule = (text: string): string => `rules:\n  - ${text.replaceAll('\n', '\n    ')}\n`;
  it.each([
    ['a key that is not known', rule('id: a\neffect: deny\nefect: x'), /^r\.yaml:4:\d+: rules\[0\]\.efect: the key "efect" is not known/],
    ['a match that is not known', rule('id: a\neffect: deny\nmatch: { progam: [ls] }'), /rules\[0\]\.match\.progam: the key "progam"/],
    ['an effect that is none', rule('id: a\neffect: permit'), /^r\.yaml:3:13: rules\[0\]\.effect:/],
    ['a program with a path', rule('id: a\neffect: allow\nmatch: { program: [/bin/ls] }'), /bare name of a program/],
    ['a class that is none', rule('id: a\neffect: deny\nmatch: { class: [dangerous] }'), /rules\[0\]\.match\.class\[0\]/],
    ['an id that is a word of the engine', rule('id: default\neffect: deny'), /is a word of the engine/],
    ['no YAML', 'rules: [', /^r\.yaml: /],
    ['a key twice', 'rules: []\nrules: []', /unique/],
    ['an alias', 'rules: &a []\nexamples: { allow: *a }', /anchors and aliases/],
    [
      'an id twice',
      `${rule('id: a\neffect: deny\nmatch: {program: [x]}')}  - { id: a, effect: allow }`,
      /^r\.yaml:\d+:\d+: the id "a" is used twice/,
    ],
    [
      'a contradiction',
      `${rule('id: a\neffect: deny\nmatch: {program: [x]}')}  - { id: b, effect: allow, match: {program: [x]} }`,
      /the rule "b" contradicts "a"/,
    ],
    [
      'an unreachable rule',
      `${rule('id: a\neffect: allow\nmatch: {program: [x, y]}')}  - { id: b, effect: deny, match: {program: [x], argv: [z]} }`,
      /the rule "b" is never reached: "a"/,
    ],
    [
      'an unreachable rule behind one for everything',
      `${rule('id: a\neffect: deny')}  - { id: b, effect: allow, match: {program: [x]} }`,
      /never reached/,
    ],
    ['a real shell on the host', rule('id: a\neffect: allow\nshell: real\nmatch: {driver: [host]}'), /real shell on the host/],
    ['a real shell with conditions on programs', rule('id: a\neffect: allow\nshell: real\nmatch: {program: [ls]}'), /is not read/],
    [
      'a grant for a program that is not matched',
      rule('id: a\neffect: allow\nunsafe: [node]\nmatch: {program: [ls]}'),
      /grants node, which it does not match/,
    ],
    ['a denial that grants', rule('id: a\neffect: deny\nunsafe: true'), /denies and grants/],
    ['a relative folder', rule('id: a\neffect: deny\nmatch: {cwd: [src]}'), /no plain absolute path/],
    ['a list instead of a map', '[]', /r\.yaml/],
    ['nothing', '', /r\.yaml/],
  ])('is refused with %s', (_name, text, told) => {
    expect(() => readRules(text, 'r.yaml')).toThrow(told);
  });

  it('keeps a narrower rule before a wider one, whatever they say', () => {
    expect(
      readRules(`${rule('id: a\neffect: deny\nmatch: {program: [x], argv: [z]}')}  - { id: b, effect: allow, match: {program: [x]} }`, 'r')
        .rules,
    ).toHaveLength(2);
  });

  it('stops the start at an example that is decided otherwise', () => {
    const policy = policyOf(readRules(`${rule('id: a\neffect: allow\nmatch: {program: [ls]}')}examples: { deny: [ls] }`, 'r.yaml'));
    expect(() => requireExamples(policy, 'r.yaml')).toThrow(/r\.yaml: examples\.deny\[0\] \{"shell":"ls"\}: allow by a/);
  });

  it('is not read from a workspace', () => {
    expect(() => refuseWorkspaceRules('/w/rules.yaml', ['/w'])).toThrow(/could rewrite the rules/);
    expect(() => refuseWorkspaceRules('/etc/corral/rules.yaml', ['/w'])).not.toThrow();
    expect(() => refuseWorkspaceRules('/workspace/rules.yaml', ['/w'])).not.toThrow();
  });
});
