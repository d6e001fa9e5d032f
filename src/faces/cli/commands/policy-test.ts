import { resolve } from 'node:path';
import { testRules } from '../../../core/policy/examples.ts';
import { createLocalPolicy, readRulesFile } from '../../../core/policy/local.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { factsOf, workspacesOf } from './policy-rules.ts';

/** `corral policy test`: fails when the file is wrong, or an example is decided otherwise than it says. */
export const runPolicyTest = (
  context: CliContext,
  args: ServerArguments,
  options: { readonly rules: string; readonly json?: boolean },
): number => {
  const workspaces = workspacesOf(context, args);
  const path = resolve(context.cwd, options.rules);
  // The current folder counts as a workspace only for paths: people test their rules where they write them.
  const named = (args.flags.workspaces as readonly string[] | undefined)?.length ?? 0;
  const rules = readRulesFile(path, named > 0 ? workspaces : []);
  const results = testRules(createLocalPolicy({ ...factsOf(context, args), rules }));
  const failed = results.filter(({ passed }) => !passed);
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ rules: rules.rules.length, examples: results.length, failed: failed.map(({ name, request, wanted, decision }) => ({ name, request, wanted, verdict: decision.verdict, rule: decision.rule, reason: decision.reason })) })}\n`,
    );
  else {
    for (const { name, request, decision } of failed)
      process.stdout.write(`${name}: ${JSON.stringify(request)}: ${decision.verdict} by ${decision.rule}: ${decision.reason}\n`);
    process.stdout.write(`${String(rules.rules.length)} rules, ${String(results.length)} examples, ${String(failed.length)} failed\n`);
  }
  return failed.length === 0 ? EXIT.ok : EXIT.failure;
};
