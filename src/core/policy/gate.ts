import type { Call } from '../operation.ts';
import type { Policy } from './decide.ts';
import type { Decision } from './types.ts';

/** Looking, stopping what one started, and forbidding more stay possible unless a rule says otherwise. Unblocking has a check of its own.
 * A template is a command that the operator wrote. */
const ALWAYS_POSSIBLE = new Set(['execution.terminate', 'execution.input', 'policy.block', 'policy.unblock']);

export interface GateOptions {
  readonly policy: Policy;
  /** Programs that may not be started just now. */
  readonly isBlocked: (program: string) => Promise<boolean>;
}

/** What the rules, and the list of blocked programs, say of a call. */
export const createGate = ({ policy, isBlocked }: GateOptions): ((call: Call) => Promise<Decision>) => {
  const blockedBy = async (decision: Decision): Promise<Decision> => {
    if (decision.verdict === 'deny') return decision;
    for (const { name } of decision.programs)
      if (await isBlocked(name))
        return { verdict: 'deny', rule: 'blocked', reason: `${name} is blocked`, caps: {}, programs: decision.programs };
    return decision;
  };

  return async ({ operation, input, context }) => {
    const subject = operation.subject?.(input as never) ?? {};
    const effect = subject.effect ?? operation.effect;
    const decision = policy.decide({ ...subject, effect, operation: operation.name, caller: context.caller.id });
    if (
      decision.rule === 'default' &&
      decision.verdict !== 'allow' &&
      (effect === 'read' || ALWAYS_POSSIBLE.has(operation.name) || operation.name.startsWith('template.'))
    )
      return { verdict: 'allow', rule: 'default', reason: 'no rule is against it', caps: {}, programs: [] };
    return blockedBy(decision);
  };
};
