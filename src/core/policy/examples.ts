import { CorralError } from '../../ports/errors.ts';
import type { Policy } from './decide.ts';
import type { Example } from './rules.ts';
import { VERDICTS, type Decision, type Verdict } from './types.ts';

export interface ExampleResult {
  /** `examples.deny[2]` */
  readonly name: string;
  readonly request: unknown;
  readonly wanted: Verdict;
  readonly decision: Decision;
  readonly passed: boolean;
}

const requestOf = (example: Example): unknown =>
  typeof example === 'string' ? { shell: example } : Array.isArray(example) ? { argv: example } : example;

/** Decides every example of the rules. */
export const testRules = (policy: Policy): readonly ExampleResult[] =>
  VERDICTS.flatMap((wanted) =>
    policy.rules.examples[wanted].map((example, index) => {
      const request = requestOf(example);
      const decision = policy.decide(request);
      return { name: `examples.${wanted}[${String(index)}]`, request, wanted, decision, passed: decision.verdict === wanted };
    }),
  );

/** Throws at the first example that is decided otherwise than it says. */
export const requireExamples = (policy: Policy, name: string): void => {
  const failed = testRules(policy).find(({ passed }) => !passed);
  if (failed === undefined) return;
  const { decision } = failed;
  throw new CorralError(
    'invalid_input',
    `${name}: ${failed.name} ${JSON.stringify(failed.request)}: ${decision.verdict} by ${decision.rule} (${decision.reason})`,
    {
      hint: 'Correct the rules or the example; `corral policy explain` shows which rule decides what.',
    },
  );
};
