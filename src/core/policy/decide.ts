import { createContainment } from './containment.ts';
import { judge, type Judgement, type JudgeDeps } from './judge.ts';
import { readyRule, requestMismatch, type ReadyRule, type Subject } from './match.ts';
import { ownPrograms } from './programs/own.ts';
import { literalArg, type Arg } from './programs/program.ts';
import { ALIASES, createClasses, type ClassOf } from './programs/table.ts';
import { COMMAND, readRequest, refuseEnvironment } from './request.ts';
import type { FileFacts, Resolver } from './resolve.ts';
import type { Rule, Rules } from './rules.ts';
import { parseShell } from './shell/parse.ts';
import { isLiteral, wordText, type PlanCommand, type PlanStep, type Redirect, type ShellPlan, type Word } from './shell/plan.ts';
import { createPlaces, type Places } from './places.ts';
import { printable } from './text.ts';
import type { Caps, Decision, PolicyRequest, ProgramUse, Verdict } from './types.ts';
import { isStricter, narrowCaps } from './verdict.ts';

/** What the engine knows of the world. It asks nothing else, and starts nothing. */
export interface PolicyFacts {
  readonly resolver: Resolver;
  /** The files that commands would see; absent where they cannot be looked at from here, and then paths are judged by their text. */
  readonly files?: FileFacts | undefined;
  /** The workspaces and whatever else commands may touch. The first is where a relative cwd begins. */
  readonly roots: readonly string[];
  /** What `~` stands for. */
  readonly home: string;
  /** What a request that names no sandbox would run in. */
  readonly driver: string;
  readonly network: string;
}

export interface Policy {
  readonly rules: Rules;
  readonly facts: PolicyFacts;
  readonly classOf: ClassOf;
  /** Pure and synchronous; never throws. Anything that is not understood is denied. */
  decide(request: unknown): Decision;
  /** What the rules are compared with; for explanations. */
  subjectOf(request: PolicyRequest): Subject | { readonly reason: string };
  readonly ready: readonly ReadyRule[];
}

const decision = (verdict: Verdict, rule: string, reason: string, rest: Partial<Decision> = {}): Decision => ({
  verdict,
  rule,
  reason: printable(reason),
  caps: {},
  programs: [],
  ...rest,
});

const argOf = (word: Word, home: string): Arg => {
  const parts = word.map((part) => ('home' in part ? { literal: home } : part));
  const text = wordText(parts);
  if (isLiteral(parts)) return literalArg(text);
  const glob = parts.findIndex((part) => 'glob' in part);
  return { text, fixed: false, head: wordText(parts.slice(0, glob)) };
};

/** Collects what the commands of one request come to. */
interface Total {
  verdict: Verdict;
  rule: string;
  reason: string;
  caps: Caps;
  readonly programs: ProgramUse[];
}

/** An engine for these rules. Everything that can be made ready is made ready here. */
export const createPolicy = (rules: Rules, facts: PolicyFacts): Policy => {
  const classOf = ownPrograms(rules.programs, createClasses());
  const ready = rules.rules.map((rule) => readyRule(rule, ALIASES));
  const containment = createContainment(facts.roots, facts.files);
  const start = containment.roots[0] ?? '/';

  const subjectOf = (request: PolicyRequest): Subject | { readonly reason: string } => {
    const folder = containment.place(request.cwd ?? '.', start);
    if ('reason' in folder) return { reason: request.cwd === undefined ? 'there is no workspace' : `cwd: ${folder.reason}` };
    const paths: string[] = [];
    for (const path of request.paths ?? []) {
      const place = containment.place(path, folder.real);
      if ('reason' in place) return place;
      paths.push(place.real);
    }
    return {
      request,
      operation: request.operation ?? COMMAND,
      driver: request.sandbox?.driver ?? facts.driver,
      network: request.sandbox?.network ?? facts.network,
      caller: request.caller ?? 'local',
      cwd: folder.real,
      paths,
    };
  };

  const decideOther = (matching: readonly ReadyRule[]): Decision => {
    const first = matching.find(({ aboutPrograms }) => !aboutPrograms)?.rule;
    if (first === undefined) return decision(rules.default, 'default', 'no rule is about this operation');
    return decision(first.effect, first.id, first.reason ?? `the rule ${first.id} says ${first.effect}`, { caps: first.caps ?? {} });
  };

  const add = (total: Total, judged: Judgement): void => {
    total.programs.push(...judged.programs);
    for (const rule of judged.rules) total.caps = narrowCaps(total.caps, rule.caps);
    if (total.rule !== '' && !isStricter(judged.verdict, total.verdict)) return;
    total.verdict = judged.verdict;
    total.rule = judged.rule;
    total.reason = judged.reason;
  };

  const finish = ({ verdict, rule, reason, caps, programs }: Total, rest: Partial<Decision>): Decision =>
    decision(verdict, rule, reason, { caps, programs, ...rest });

  const newTotal = (): Total => ({ verdict: 'allow', rule: '', reason: '', caps: {}, programs: [] });

  const decideArgv = (argv: readonly string[], deps: Omit<JudgeDeps, 'outside' | 'fromShell'>, cwd: string): Decision => {
    const judged = judge(argv.map(literalArg), undefined, {
      ...deps,
      outside: (path) => containment.refuseRead(path, cwd),
      fromShell: false,
    });
    const total = newTotal();
    add(total, judged);
    return finish(total, judged.verdict === 'allow' ? {} : { at: judged.at });
  };

  const decideShell = (text: string, deps: Omit<JudgeDeps, 'outside' | 'fromShell'>, cwd: string): Decision => {
    const parsed = parseShell(text);
    if (!parsed.ok) return decision('deny', 'grammar', parsed.reason, { at: parsed.at });
    const total = newTotal();
    const places = createPlaces(containment, cwd);
    const steps: PlanStep[] = [];
    for (const step of parsed.plan.steps) {
      const [only] = step.stages;
      if (only.kind === 'cd') {
        const reason = places.change(only.path, step.when);
        if (reason !== undefined) return decision('deny', 'workspace', `cd: ${reason}`, { at: only.at, programs: total.programs });
        steps.push(step);
        continue;
      }
      const judgedStep = judgeStep(step, step.stages as readonly PlanCommand[], deps, places, total);
      if ('verdict' in judgedStep) return judgedStep;
      steps.push(judgedStep.step);
      places.after(step.when);
    }
    if (total.rule === '') {
      total.rule = 'grammar';
      total.reason = 'it starts no program';
    }
    return finish(total, total.verdict === 'allow' || total.verdict === 'ask' ? { plan: { version: 1, steps } satisfies ShellPlan } : {});
  };

  const judgeStep = (
    step: PlanStep,
    stages: readonly PlanCommand[],
    deps: Omit<JudgeDeps, 'outside' | 'fromShell'>,
    places: Places,
    total: Total,
  ): { readonly step: PlanStep } | Decision => {
    const outside = (path: string): string | undefined => places.refuse(step.when, (from) => containment.refuseRead(path, from));
    if (step.timed) {
      const timer = deps.rules.find(
        ({ programs, rule }) => programs?.has('time') === true || (programs === undefined && rule.effect === 'allow'),
      )?.rule;
      if (timer?.effect !== 'allow')
        return decision('deny', timer?.id ?? 'default', 'no rule allows time', { at: stages[0]?.at ?? 0, programs: total.programs });
    }
    let feeds: readonly Arg[] | undefined;
    const decided: PlanCommand[] = [];
    for (const command of stages) {
      const words = command.argv.map((word) => argOf(word, facts.home));
      const judged = judge(words, feeds, { ...deps, outside, fromShell: true });
      add(total, judged);
      if (judged.verdict === 'deny') return finish(total, { at: command.at });
      const refused = refuseRedirects(command.redirects, judged.rules, step, places);
      if (refused !== undefined) return decision('deny', 'redirection', refused, { at: command.at, programs: total.programs });
      const path = judged.programs[0]?.path;
      const { insert, inside } = judged;
      decided.push({
        ...command,
        env: { ...command.env, ...judged.env },
        ...(path !== undefined && { path }),
        ...(insert !== undefined && { insert }),
        ...(inside.length > 0 && { inside: [...new Set(inside)].filter((index) => index < words.length) }),
      });
      feeds = words;
    }
    return { step: { ...step, stages: decided } };
  };

  const refuseRedirects = (
    redirects: readonly Redirect[],
    deciding: readonly Rule[],
    step: PlanStep,
    places: Places,
  ): string | undefined => {
    for (const { target } of redirects) {
      if (target.kind !== 'file') continue;
      const { path, mode } = target;
      const granted =
        deciding.every(({ redirects: grant }) => grant === 'workspace' || (grant === 'read' && mode === 'read')) && deciding.length > 0;
      if (!granted) return `a redirection ${mode === 'read' ? 'from' : 'to'} the file ${path} is not granted; /dev/null and >&1, >&2 are`;
      const reason = places.refuse(step.when, (from) =>
        mode === 'read' ? containment.refuseRead(path, from) : containment.refuseWrite(path, from),
      );
      if (reason !== undefined) return reason;
    }
    return undefined;
  };

  /** The first rule that can decide text without reading it, unless one before it is about programs. */
  const unread = (matching: readonly ReadyRule[], driver: string): Decision | undefined => {
    const [first] = matching;
    if (first === undefined || first.aboutPrograms) return undefined;
    const { rule } = first;
    const reason = rule.reason ?? `the rule ${rule.id} says ${rule.effect}`;
    if (rule.effect === 'deny') return decision('deny', rule.id, reason);
    if (rule.shell !== 'real') return undefined;
    if (driver === 'host') return decision('deny', rule.id, 'a real shell is started in a sandbox only, and this would run on the host');
    return decision(rule.effect, rule.id, reason, { caps: rule.caps ?? {}, realShell: true });
  };

  const decideRequest = (value: unknown): Decision => {
    const read = readRequest(value);
    if ('reason' in read) return decision('deny', 'invalid', read.reason);
    const { request } = read;
    const driver = request.sandbox?.driver ?? facts.driver;
    const environment = refuseEnvironment(request.env, driver === 'host');
    if (environment !== undefined) return decision('deny', 'environment', environment);
    const subject = subjectOf(request);
    if ('reason' in subject) return decision('deny', 'workspace', subject.reason);
    const matching = ready.filter((rule) => requestMismatch(rule, subject) === undefined);
    if (subject.operation !== COMMAND) return decideOther(matching);
    const deps = { classOf, resolver: facts.resolver, rules: matching, fallback: rules.default };
    const cwd = subject.cwd ?? start;
    if (request.argv !== undefined) return decideArgv(request.argv, deps, cwd);
    return unread(matching, driver) ?? decideShell(request.shell ?? '', deps, cwd);
  };

  return {
    rules,
    facts,
    classOf,
    ready,
    subjectOf,
    decide: (value) => {
      try {
        return decideRequest(value);
      } catch (error) {
        return decision('deny', 'internal', `the policy failed, so it denies: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
};
