import { createLineCheck, type CheckAnswer } from '../../../core/policy/check-line.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { linesOf } from './policy-lines.ts';
import { policyOf, type RulesOptions } from './policy-rules.ts';

export interface CheckOptions extends RulesOptions {
  readonly json?: boolean;
  readonly plan?: boolean;
}

/** Longer than the longest request that could be allowed. */
const LINE_BYTES = 8 * 1024 * 1024;

const write = (text: string): Promise<void> =>
  new Promise((resolve, reject) =>
    process.stdout.write(text, (error) => (error === undefined || error === null ? resolve() : reject(error))),
  );

const words = ({ verdict, rule, reason }: CheckAnswer): string => `${verdict}  ${rule}  ${reason}`;

/** `corral policy check`: one verdict a line for one request a line, in their order, each as soon as it is known. */
export const runPolicyCheck = async (context: CliContext, args: ServerArguments, options: CheckOptions): Promise<number> => {
  const check = createLineCheck(policyOf(context, args, options), options.plan === true);
  for await (const line of linesOf(process.stdin, LINE_BYTES)) {
    const answer: CheckAnswer = 'reason' in line ? { verdict: 'deny', rule: 'invalid', reason: line.reason } : check(line.text);
    await write(`${options.json === true ? JSON.stringify(answer) : words(answer)}\n`);
  }
  return EXIT.ok;
};
