import type { Command } from 'commander';
import { CorralError } from '../../../ports/errors.ts';
import type { CliContext } from '../context.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import type { BlockChange } from './policy-block.ts';
import type { CheckOptions } from './policy-check.ts';
import type { ExplainOptions } from './policy-explain.ts';

export interface PolicyCommandsDeps {
  readonly context: CliContext;
  /** Makes a command on its parent, with the options of the configuration. */
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly configOf: (command: Command) => ServerArguments;
  readonly done: (code: number) => void;
}

const ALLOW = '--allow <NAMES>';
const UNSAFE = '--allow-unsafe <NAMES>';

const EXAMPLES = `
Examples:
  echo '{"shell":"ls | wc -l"}' | corral policy check --allow ls,wc --json
  corral policy explain --allow find -- find . -delete
  corral policy test --rules rules.yaml
`;

/** Brings the configuration's own --rules to the front: here it is what the command is about. */
const aboutRules = (command: Command, description: string): Command => {
  const option = command.options.find(({ long }) => long === '--rules');
  if (option !== undefined) {
    option.flags = '--rules <FILE>';
    option.description = description;
    option.hidden = false;
  }
  return command;
};

const required = (rules: string | undefined): string => {
  if (rules !== undefined) return rules;
  throw new CorralError('invalid_input', 'No rules file is named.', { hint: 'Name it with --rules FILE.' });
};

/** `corral policy`: what would be decided, why, and what other rules would change. Nothing is started. */
export const addPolicyCommands = (policy: Command, { context, add, configOf, done }: PolicyCommandsDeps): void => {
  const withRules = (command: Command): Command =>
    aboutRules(command, 'a rules file, YAML or JSON')
      .option(ALLOW, 'in place of rules: the programs that may run, separated by commas')
      .option(UNSAFE, 'of these whatever they are given, even where that runs other code');
  withRules(add(policy, 'check', 'decide requests from standard input, one JSON object a line'))
    .option('--json', 'answer with one JSON object a line')
    .option('--plan', 'with --json: what would be executed of shell text')
    .addHelpText('after', EXAMPLES)
    .action(async (options: CheckOptions, command: Command) => {
      const { runPolicyCheck } = await import('./policy-check.ts');
      done(await runPolicyCheck(context, configOf(command), options));
    });
  withRules(add(policy, 'explain', 'which rule decides a command, why, and what would change it'))
    .usage("[options] -- PROGRAM [ARGUMENT...]\n       corral policy explain [options] 'SHELL TEXT'")
    .argument('<command...>', 'a program and its arguments, or one shell text')
    .passThroughOptions()
    .option('--shell', 'the one argument is shell text, also behind --')
    .option('--json', 'as JSON')
    .action(async (operands: string[], options: ExplainOptions, command: Command) => {
      const { runPolicyExplain } = await import('./policy-explain.ts');
      done(runPolicyExplain(context, configOf(command), operands, options));
    });
  aboutRules(add(policy, 'test', 'check a rules file and run its examples'), 'a rules file, YAML or JSON')
    .option('--json', 'as JSON')
    .action(async (options: { rules?: string; json?: boolean }, command: Command) => {
      const { runPolicyTest } = await import('./policy-test.ts');
      done(runPolicyTest(context, configOf(command), { ...options, rules: required(options.rules) }));
    });
  aboutRules(add(policy, 'replay', 'what other rules would have decided of the recorded executions'), 'the new rules')
    .option('--against <FILE>', 'the rules to compare with; none = the sandbox alone decides')
    .option('-n, --limit <N>', 'the newest so many', '10000')
    .option('--json', 'as JSON')
    .action(async (options: { rules?: string; against?: string; limit: string; json?: boolean }, command: Command) => {
      const { runPolicyReplay } = await import('./policy-replay.ts');
      done(await runPolicyReplay(context, configOf(command), { ...options, rules: required(options.rules) }));
    });
  const listed = (name: string, argument: string | undefined, description: string, change: BlockChange): void => {
    const command = add(policy, name, description).option('--json', 'as JSON');
    if (argument !== undefined) command.argument(argument, 'a program, by its bare name');
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const { runBlockList } = await import('./policy-block.ts');
      done(await runBlockList(context, configOf(self), change, self.args[0], self.opts<{ json?: boolean }>()));
    });
  };
  listed('block', '<PROGRAM>', 'nobody may start this program from now on', 'block');
  listed('unblock', '<PROGRAM>', 'take it off the list again', 'unblock');
  listed('blocked', undefined, 'the programs that nobody may start', 'list');
};
