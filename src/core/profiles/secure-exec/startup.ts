import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { MAX_ARGUMENTS } from './arguments.ts';
import { type BinaryRules, templateProblem } from './binaries.ts';
import type { Settings } from './settings.ts';

/** What a limit of nothing would make of the server is said at the start, not by every call. Undefined: all is well. */
const limitProblem = ({ rps, burst, maxConcurrent, circuitThreshold, circuitSeconds, timeoutSeconds }: Settings): string | undefined => {
  if (rps === 0 || burst === 0) return 'Invalid rate limit';
  if (maxConcurrent === 0) return 'Invalid concurrency limit';
  if (circuitThreshold === 0 || circuitSeconds === 0) return 'Invalid circuit breaker';
  if (timeoutSeconds === 0) return 'Invalid command timeout';
  return undefined;
};

export type Base = { readonly base: string | undefined } | { readonly problem: string };

/** The base path, every link followed. Looked up once: it stays where it is now. */
export const findBase = ({ basePath }: Settings, cwd: string): Base => {
  if (basePath === undefined) return { base: undefined };
  try {
    const base = realpathSync.native(resolve(cwd, basePath));
    return statSync(base).isDirectory() ? { base } : { problem: `Invalid base path '${basePath}': not a directory` };
  } catch (error) {
    return {
      problem: `Invalid base path '${basePath}': ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such directory' : (error as Error).message}`,
    };
  }
};

/** Why the server cannot start, without the `FATAL: ` in front; undefined when it can. */
export const startupProblem = (settings: Settings, base: Base, rules: BinaryRules): string | undefined => {
  const configuration = limitProblem(settings) ?? ('problem' in base ? base.problem : undefined);
  if (configuration !== undefined) return `Invalid configuration: ${configuration}`;
  for (const template of settings.templates) {
    const problem = templateProblem(template, rules);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** What `--dry-run` prints. */
export const dryRunText = (settings: Settings, base: Base, rules: BinaryRules): string => {
  const configuration = limitProblem(settings) ?? ('problem' in base ? base.problem : undefined);
  const lines = [
    `Dry-run: ${String(settings.templates.length)} tools`,
    ...(configuration === undefined ? [] : [`  Error: Invalid configuration: ${configuration}`]),
  ];
  for (const template of settings.templates) {
    const tooMany = template.words.length > MAX_ARGUMENTS ? `Too many arguments (max ${String(MAX_ARGUMENTS)})` : undefined;
    const problem = templateProblem(template, rules) ?? tooMany;
    lines.push(
      `Tool: ${template.name}`,
      `Template: ${template.source}`,
      `Binary: ${template.binary}`,
      `Placeholders: [${template.placeholders.map((name) => JSON.stringify(name)).join(', ')}]`,
      problem === undefined ? '  OK' : `  Error: ${problem.replaceAll('\n', ' ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
};
