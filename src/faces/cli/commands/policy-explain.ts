import { explain, type Explanation } from '../../../core/policy/explain.ts';
import { printable } from '../../../core/policy/text.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { policyOf, type RulesOptions } from './policy-rules.ts';

export interface ExplainOptions extends RulesOptions {
  readonly shell?: boolean;
  readonly json?: boolean;
}

const render = ({ decision, programs, changes }: Explanation): string => {
  const lines = [`${decision.verdict}: ${decision.reason}`, `rule: ${decision.rule}`];
  if (Object.keys(decision.caps).length > 0) lines.push(`caps: ${JSON.stringify(decision.caps)}`);
  for (const { program, class: kind, steps } of programs) {
    lines.push(
      '',
      `${printable(program.argv.join(' '))}`,
      `  program: ${printable(program.name)} (${kind}), ${program.path ?? 'not installed in a trusted folder'}`,
    );
    for (const { rule, effect, mismatch } of steps)
      lines.push(`  ${rule}: ${mismatch === undefined ? `matches, ${effect}` : `does not match (${mismatch})`}`);
    if (steps.every(({ mismatch }) => mismatch !== undefined)) lines.push('  no rule matches');
    if (program.hardening !== undefined) lines.push(`  given as well: ${program.hardening.insert.join(' ')}`);
  }
  if (changes.length > 0) lines.push('', 'What would change it:', ...changes.map((change) => `  ${change}`));
  return `${lines.join('\n')}\n`;
};

/** `corral policy explain`: fails when the command would not be allowed, so that a script can ask. */
export const runPolicyExplain = (
  context: CliContext,
  args: ServerArguments,
  operands: readonly string[],
  options: ExplainOptions,
): number => {
  const policy = policyOf(context, args, options);
  const [only = ''] = operands;
  const isText = options.shell === true || (operands.length === 1 && /[\s;|&<>()$`'"\\*?]/.test(only));
  const found = explain(policy, isText ? { shell: operands.join(' ') } : { argv: operands });
  process.stdout.write(options.json === true ? `${JSON.stringify(found)}\n` : render(found));
  return found.decision.verdict === 'allow' ? EXIT.ok : EXIT.failure;
};
