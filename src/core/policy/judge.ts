import { POLICY_LIMITS } from './limits.ts';
import { programMismatch, type Candidate, type ReadyRule } from './match.ts';
import { printsNamesBeneath } from './programs/find.ts';
import type { Arg, CheckContext, Objection, ProgramClass } from './programs/program.ts';
import type { ClassOf } from './programs/table.ts';
import { replacedWord } from './programs/wrappers.ts';
import type { Resolver } from './resolve.ts';
import type { Rule } from './rules.ts';
import type { Hardening, ProgramUse, Verdict } from './types.ts';

/** What the judgement of one command came to. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly rule: string;
  readonly reason: string;
  /** The rules that had a say: their caps hold. */
  readonly rules: readonly Rule[];
  readonly programs: readonly ProgramUse[];
  /** Index of the argument that was objected to. */
  readonly at: number;
  /** Indices of words whose matches have to lie beneath the roots. */
  readonly inside: readonly number[];
  readonly insert: { readonly at: number; readonly words: readonly string[] } | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export interface JudgeDeps {
  readonly classOf: ClassOf;
  readonly resolver: Resolver;
  /** Those whose conditions on the request hold, in order. */
  readonly rules: readonly ReadyRule[];
  readonly fallback: Verdict;
  readonly outside: (path: string) => string | undefined;
  /** Shell text: an unknown program is not taken there. */
  readonly fromShell: boolean;
}

const grants = (rule: Rule, name: string): boolean => rule.unsafe === true || (rule.unsafe?.includes(name) ?? false);

/** A link such as `awk` leads to a program with a name of its own, and that one may be known as unsafe. */
const classify = (name: string, path: string | undefined, classOf: ClassOf): ProgramClass | undefined => {
  const known = classOf(name);
  if (known !== undefined || path === undefined) return known;
  const target = classOf(path.slice(path.lastIndexOf('/') + 1));
  return target?.kind === 'unsafe' ? target : undefined;
};

/** Decides one command and, through wrappers, what it starts. `feeds` are the words of the command whose output it reads. */
export const judge = (words: readonly Arg[], feeds: readonly Arg[] | undefined, deps: JudgeDeps): Judgement => {
  const programs: ProgramUse[] = [];
  const rules: Rule[] = [];
  const inside: number[] = [];
  let insert: Judgement['insert'];
  let env: Hardening['env'] = {};
  let verdict: Verdict = 'allow';
  let decided = { rule: 'default', reason: '' };

  const end = (found: Verdict, rule: string, reason: string, at: number): Judgement => ({
    verdict: found,
    rule,
    reason,
    rules,
    programs,
    at,
    inside,
    insert,
    env,
  });

  const check = (
    known: ProgramClass | undefined,
    name: string,
    rule: Rule,
    args: readonly Arg[],
    offset: number,
  ): Objection | undefined => {
    const context: CheckContext = { outside: deps.outside, contain: (index) => inside.push(index + offset) };
    if (grants(rule, name)) return undefined;
    if (known === undefined)
      return deps.fromShell
        ? {
            construct: name,
            reason: `${name} has no option list, so shell text may not start it: give it as argv, or list its options under "programs"`,
            at: -1,
          }
        : undefined;
    if (known.kind === 'listed') return known.check(args, context);
    if (known.kind === 'wrapper') return undefined;
    if (known.harmless !== undefined && known.harmless(args, context) === undefined) return undefined;
    return {
      construct: name,
      reason: `${name} needs a grant: ${known.why}, so allowing its name allows everything; list it under "unsafe" of the rule to accept that`,
      at: -1,
    };
  };

  let start = 0;
  /** The options of an xargs whose target comes next. */
  let pending: readonly Arg[] | undefined;
  for (let depth = 0; ; depth += 1) {
    const first = words[start];
    if (first === undefined) break;
    if (depth > POLICY_LIMITS.wrappers) return end('deny', 'grammar', 'so many wrappers around a command are not accepted', start);
    if (!first.fixed) return end('deny', 'grammar', 'the name of the program is a pattern', start);
    const name = first.text.includes('/') ? deps.resolver.nameOf(first.text) : first.text;
    if (name === undefined)
      return end('deny', 'default', `${first.text} is not where a trusted folder has this program: give its bare name`, start);
    const found = deps.resolver.resolve(name);
    if (found.kind === 'untrusted') return end('deny', 'default', `${name} is not trusted: ${found.reason}`, start);
    const path = found.kind === 'found' ? found.path : undefined;
    const known = classify(name, path, deps.classOf);
    const args = words.slice(start + 1);
    const candidate: Candidate = { name, kind: known?.kind ?? 'unknown', args };
    const matched = deps.rules.find((ready) => programMismatch(ready, candidate) === undefined)?.rule;
    const hardening = known?.kind === 'listed' ? known.hardening : undefined;
    programs.push({
      name,
      ...(path !== undefined && { path }),
      argv: words.slice(start).map(({ text }) => text),
      rule: matched?.id ?? 'default',
      ...(hardening !== undefined && { hardening }),
    });
    if (matched === undefined) {
      if (deps.fallback === 'deny') return end('deny', 'default', `no rule allows ${name}`, start);
      verdict = deps.fallback;
      decided = { rule: 'default', reason: `no rule is about ${name}` };
      break;
    }
    rules.push(matched);
    if (matched.effect === 'deny') return end('deny', matched.id, matched.reason ?? `the rule ${matched.id} denies ${name}`, start);
    const unseen = pending === undefined || grants(matched, name) ? undefined : appendedTo(pending, name, known, feeds);
    pending = undefined;
    if (unseen !== undefined && 'reason' in unseen) return end('deny', matched.id, unseen.reason, start);
    if (unseen?.arg !== undefined) args.push(unseen.arg);
    const objection = check(known, name, matched, args, start + 1);
    if (objection !== undefined && matched.effect === 'allow')
      return end(
        'deny',
        matched.id,
        objection.reason.startsWith(name) ? objection.reason : `${name}: ${objection.reason}`,
        start + 1 + objection.at,
      );
    if (matched.effect === 'ask' && verdict === 'allow') {
      verdict = 'ask';
      decided = {
        rule: matched.id,
        reason: matched.reason ?? (objection === undefined ? `the rule ${matched.id} asks before ${name}` : `${name}: ${objection.reason}`),
      };
    } else if (verdict === 'allow') decided = { rule: matched.id, reason: matched.reason ?? `the rule ${matched.id} allows ${name}` };
    if (hardening !== undefined) {
      insert = { at: start + 1, words: hardening.insert };
      env = { ...env, ...hardening.env };
    }
    if (known?.kind !== 'wrapper') break;
    const inner = known.unwrap(args, { outside: deps.outside, contain: () => undefined });
    if ('reason' in inner) return end('deny', matched.id, inner.reason, start + 1 + inner.at);
    if (inner.start === undefined) break;
    const next = start + 1 + inner.start;
    if (inner.appended) pending = words.slice(start + 1, next);
    start = next;
  }
  return end(verdict, decided.rule, decided.reason, 0);
};

/** What xargs adds is data that nobody has seen: harmless to a program that takes anything, or when it is known how each item begins. */
const appendedTo = (
  options: readonly Arg[],
  name: string,
  known: ProgramClass | undefined,
  feeds: readonly Arg[] | undefined,
): { readonly arg: Arg | undefined } | { readonly reason: string } => {
  if (known?.kind === 'listed' && known.takesAnything === true) return { arg: undefined };
  const byNul = options.some(({ text }) => /^-[rtx]*0[0rtx]*$/.test(text) || text === '--null');
  const fromFind = feeds?.[0]?.text === 'find' && printsNamesBeneath(feeds.slice(1));
  if (byNul && fromFind && replacedWord(options) === undefined && known?.kind === 'listed')
    return { arg: { text: './*', fixed: false, head: './' } };
  return {
    reason: `xargs gives ${name} arguments that nobody has seen; use find ... -print0 | xargs -0 ${name}, or give the files by name`,
  };
};
