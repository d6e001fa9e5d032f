import { readFileSync } from 'node:fs';
import { CorralError } from '../../ports/errors.ts';
import { createPolicy, type Policy } from './decide.ts';
import { requireExamples } from './examples.ts';
import { readRules, refuseWorkspaceRules } from './load.ts';
import { createResolver } from './resolve.ts';
import type { Rules } from './rules.ts';
import { createSystemFacts } from './system-facts.ts';

const MAX_RULES_BYTES = 1024 * 1024;

export interface LocalPolicyOptions {
  readonly rules: Rules;
  /** Absolute. */
  readonly workspaces: readonly string[];
  readonly home: string;
  readonly driver: string;
  readonly network: string;
}

/** An engine over the programs and files of this machine. */
export const createLocalPolicy = ({ rules, workspaces, home, driver, network }: LocalPolicyOptions): Policy => {
  const files = createSystemFacts();
  return createPolicy(rules, { resolver: createResolver(files), files, roots: workspaces, home, driver, network });
};

/** Reads a rules file that no workspace holds. Its examples are not run here. Throws CorralError. */
export const readRulesFile = (path: string, workspaces: readonly string[]): Rules => {
  const files = createSystemFacts();
  const real = files.realpath(path);
  if (real === undefined)
    throw new CorralError('invalid_input', `The rules file ${path} is not there or cannot be reached.`, {
      hint: 'Check the path given with --rules.',
    });
  refuseWorkspaceRules(
    real,
    workspaces.map((workspace) => files.realpath(workspace) ?? workspace),
  );
  let text: string;
  try {
    text = readFileSync(real, 'utf8');
  } catch (error) {
    throw new CorralError(
      'invalid_input',
      `The rules file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Check that it is a file, and readable.',
        cause: error,
      },
    );
  }
  if (text.length > MAX_RULES_BYTES)
    throw new CorralError('limit_exceeded', `The rules file ${path} is larger than ${String(MAX_RULES_BYTES)} characters.`);
  return readRules(text, path);
};

/** Rules, examples included, as a server starts with them. Throws CorralError at the first example that is decided otherwise. */
export const loadLocalPolicy = (path: string, options: Omit<LocalPolicyOptions, 'rules'>): Policy => {
  const policy = createLocalPolicy({ ...options, rules: readRulesFile(path, options.workspaces) });
  requireExamples(policy, path);
  return policy;
};
