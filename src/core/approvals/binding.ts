import { createHash } from 'node:crypto';
import type { Call } from '../operation.ts';
import type { Decision } from '../policy/types.ts';
import type { FileMark } from './file-marks.ts';

/** Where a call would run, as the configuration of the server has it. */
export interface RunsAt {
  readonly driver: string;
  readonly network: string;
  readonly workspaces: readonly string[];
}

export interface Binding {
  readonly binding: string;
  readonly frame: string;
}

/** The arguments that say how to answer, not what to do. */
const ABOUT_THE_ANSWER = new Set(['wait_seconds']);

/** JSON with sorted keys: one text for one value. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item === undefined ? null : item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
};

const hash = (purpose: string, value: unknown): string =>
  createHash('sha256')
    .update(`corral approval ${purpose}\n${canonical(value)}`)
    .digest('hex');

/**
 * What an approval is bound to: who calls which operation under which rule, with which arguments (command, cwd, env, stdin, sandbox and all
 * others), which programs that leads to, where it would run, and what the files hold that it names.
 */
export const bindingOf = (
  { operation, input, context }: Pick<Call, 'operation' | 'input' | 'context'>,
  decision: Decision,
  at: RunsAt,
  marks: readonly FileMark[],
): Binding => {
  const { caller } = context;
  const args = Object.entries((input ?? {}) as Readonly<Record<string, unknown>>).filter(([name]) => !ABOUT_THE_ANSWER.has(name));
  const common = {
    caller: caller.id,
    via: caller.via,
    operation: operation.name,
    rule: decision.rule,
    at,
    program: decision.programs[0]?.path,
  };
  return {
    binding: hash('of one call', {
      ...common,
      input: Object.fromEntries(args),
      programs: decision.programs.map(({ name, path }) => [name, path]),
      files: marks,
    }),
    frame: hash('by prefix', { ...common, input: Object.fromEntries(args.filter(([name]) => name !== 'command')) }),
  };
};
