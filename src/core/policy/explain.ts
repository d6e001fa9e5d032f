import type { Policy } from './decide.ts';
import { programMismatch, requestMismatch, type Candidate } from './match.ts';
import { literalArg } from './programs/program.ts';
import { readRequest } from './request.ts';
import type { Decision, ProgramUse } from './types.ts';

export interface RuleStep {
  readonly rule: string;
  readonly effect: string;
  /** The condition that did not hold; undefined for the rule that matched. */
  readonly mismatch: string | undefined;
}

export interface ProgramExplanation {
  readonly program: ProgramUse;
  readonly class: string;
  /** In order, up to the first that matched. */
  readonly steps: readonly RuleStep[];
}

export interface Explanation {
  readonly decision: Decision;
  readonly programs: readonly ProgramExplanation[];
  /** What would make it another verdict. */
  readonly changes: readonly string[];
}

const CHANGES: Readonly<Record<string, string>> = {
  invalid: 'Send a request of the documented form.',
  grammar: 'Write it in the grammar, give it as argv, or run it in a sandbox under a rule with shell: real.',
  environment: 'Leave env out, or set it in the rules of the server.',
  workspace: 'Name a folder beneath a workspace, or make that folder a workspace.',
  redirection: 'Print to standard output, or give the rule redirects: read or redirects: workspace.',
  internal: 'Report it: the policy has a defect.',
};

const changesFor = (policy: Policy, decision: Decision): readonly string[] => {
  if (decision.verdict === 'allow') return [`A deny rule before ${JSON.stringify(decision.rule)} would refuse it.`];
  const known = CHANGES[decision.rule];
  if (known !== undefined) return [known];
  const last = decision.programs.at(-1);
  const name = last?.name ?? '';
  if (decision.rule === 'default')
    return last === undefined
      ? ['A rule that matches this operation would decide it.']
      : [`A rule with match.program [${name}] and effect allow would decide it.`];
  const rule = policy.rules.rules.find(({ id }) => id === decision.rule);
  if (rule?.effect === 'ask') return ['Somebody has to approve it; a rule with effect allow before this one would not ask.'];
  if (rule?.effect === 'deny') return [`An allow rule before ${JSON.stringify(decision.rule)} would let it pass.`];
  return [
    ...(policy.classOf(name)?.kind === 'unsafe' ? [] : [`Leave out what is refused, or give it in a spelling that is on the list.`]),
    `unsafe: [${name}] in the rule ${JSON.stringify(decision.rule)} would let ${name} do anything; then only the sandbox holds it.`,
  ];
};

/** Which rule decided, why the others did not, and what would change the verdict. */
export const explain = (policy: Policy, value: unknown): Explanation => {
  const decision = policy.decide(value);
  const read = readRequest(value);
  const subject = 'reason' in read ? undefined : policy.subjectOf(read.request);
  const changes = changesFor(policy, decision);
  if (subject === undefined || 'reason' in subject) return { decision, programs: [], changes };
  const programs = decision.programs.map((program): ProgramExplanation => {
    const kind: Candidate['kind'] = policy.classOf(program.name)?.kind ?? 'unknown';
    const candidate = { name: program.name, kind, args: program.argv.slice(1).map(literalArg) };
    const steps: RuleStep[] = [];
    for (const ready of policy.ready) {
      const mismatch = requestMismatch(ready, subject) ?? programMismatch(ready, candidate);
      steps.push({ rule: ready.rule.id, effect: ready.rule.effect, mismatch });
      if (mismatch === undefined) break;
    }
    return { program, class: kind, steps };
  });
  return { decision, programs, changes };
};
