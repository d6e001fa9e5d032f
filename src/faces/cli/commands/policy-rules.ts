import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Policy } from '../../../core/policy/decide.ts';
import { createLocalPolicy, loadLocalPolicy, type LocalPolicyOptions } from '../../../core/policy/local.ts';
import { allowList } from '../../../core/policy/rules.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { CliContext } from '../context.ts';
import type { ServerArguments } from '../stdio-arguments.ts';

export interface RulesOptions {
  readonly rules?: string;
  readonly allow?: string;
  readonly allowUnsafe?: string;
}

/** Names are exact: nothing is trimmed or folded. */
const names = (text: string | undefined): readonly string[] => (text ?? '').split(',').filter((name) => name !== '');

/** The workspaces that were named, or the current folder. */
export const workspacesOf = ({ cwd }: CliContext, { flags }: ServerArguments): readonly string[] => {
  const named = (flags.workspaces as readonly string[] | undefined) ?? [];
  return named.length === 0 ? [cwd] : named.map((folder) => resolve(cwd, folder));
};

/** Where commands would run: on the host unless a driver is named, for nothing else holds less. */
export const factsOf = (context: CliContext, args: ServerArguments): Omit<LocalPolicyOptions, 'rules'> => {
  const { driver, network } = args.flags;
  return {
    workspaces: workspacesOf(context, args),
    home: homedir(),
    driver: typeof driver === 'string' && driver !== 'auto' ? driver : 'host',
    network: typeof network === 'string' ? network : 'none',
  };
};

/** The rules file, or the list of names, over the programs and files of this machine. */
export const policyOf = (context: CliContext, args: ServerArguments, options: RulesOptions): Policy => {
  const { rules, allow, allowUnsafe } = options;
  if ((rules === undefined) === (allow === undefined && allowUnsafe === undefined))
    throw new CorralError('invalid_input', 'Name either --rules FILE or --allow NAMES.', {
      hint: 'For example: corral policy check --allow ls,cat --json',
    });
  const facts = factsOf(context, args);
  return rules === undefined
    ? createLocalPolicy({ ...facts, rules: allowList(names(allow), names(allowUnsafe)) })
    : loadLocalPolicy(resolve(context.cwd, rules), facts);
};
