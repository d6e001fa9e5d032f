import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { CommandTemplate } from './template.ts';

export interface BinaryRules {
  /** Lower case file names. */
  readonly blacklist: ReadonlySet<string>;
  readonly allowDangerous: boolean;
  readonly allowMissing: boolean;
  readonly path: string | undefined;
  /** Where a name with a slash starts. */
  readonly cwd: string;
}

export type BinaryFinding =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'blacklisted'; readonly name: string };

const isProgram = (path: string): boolean => {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Absolute path of the program, as the kernel would be given it. A name without a slash is looked for in PATH. */
const locate = (binary: string, { path, cwd }: BinaryRules): string | undefined => {
  if (binary.includes('/')) {
    const full = resolve(cwd, binary);
    return isProgram(full) ? full : undefined;
  }
  for (const folder of (path ?? '').split(':')) {
    if (!isAbsolute(folder)) continue;
    const full = join(folder, binary);
    if (isProgram(full)) return full;
  }
  return undefined;
};

/** Is the program there, and may it be started? Also by another name: a link to a forbidden program is that program. */
export const examineBinary = (binary: string, rules: BinaryRules): BinaryFinding => {
  const isForbidden = (path: string): boolean => !rules.allowDangerous && rules.blacklist.has(basename(path).toLowerCase());
  if (isForbidden(binary)) return { kind: 'blacklisted', name: basename(binary) };
  const path = locate(binary, rules);
  if (path === undefined) return { kind: 'missing' };
  if (isForbidden(realpathSync(path))) return { kind: 'blacklisted', name: basename(binary) };
  return { kind: 'found', path };
};

/** Why this template may not be served; undefined when it may. */
export const templateProblem = ({ name, binary }: CommandTemplate, rules: BinaryRules): string | undefined => {
  const found = examineBinary(binary, rules);
  if (found.kind === 'blacklisted')
    return (
      `SECURITY: Blacklisted binary '${found.name}' detected in command '${name}'.\n` +
      'Use --allow-dangerous to run it all the same, or --blacklist with a list of your own.'
    );
  if (found.kind === 'missing' && !rules.allowMissing)
    return `Binary '${binary}' not found in PATH for command '${name}'. Use --allow-missing-binaries to start without it.`;
  return undefined;
};
