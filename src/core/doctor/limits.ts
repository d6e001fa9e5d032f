import { performance } from 'node:perf_hooks';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { Capabilities, OutcomeKind, Sandbox, SandboxLimits, SandboxSpec } from '../../ports/sandbox.ts';
import type { ExecutionRunner } from './execution-runner.ts';
import type { ProbeResult } from './report.ts';

const MIB = 1024 * 1024;
const ATTACK_MS = 20_000;
/** Exit codes of the supervisor's mode `hit-limits`. */
const PASSED = 0;
const NOT_HAD = 38;

/** What the sandbox that is attacked may have. Small, so that an attack which nothing stops does no harm. */
export const DOCTOR_LIMITS = {
  memoryBytes: 128 * MIB,
  processes: 64,
  fileBytes: 4 * MIB,
  cpuSeconds: 1,
  diskBytes: 32 * MIB,
} as const satisfies SandboxLimits;

interface Attack {
  readonly id: string;
  readonly title: string;
  readonly limit: keyof typeof DOCTOR_LIMITS;
  /** Of `hit-limits`: which, and how much in all. */
  readonly hit: readonly [name: string, amount: number];
  readonly ends: OutcomeKind;
}

const ATTACKS: readonly Attack[] = [
  { id: 'cpu', title: 'Burning CPU, in two processes', limit: 'cpuSeconds', hit: ['cpu', 4], ends: 'cpu_limit' },
  { id: 'processes', title: 'Starting ever more processes', limit: 'processes', hit: ['processes', 200], ends: 'process_limit' },
  { id: 'memory', title: 'Taking ever more memory', limit: 'memoryBytes', hit: ['memory', 400 * MIB], ends: 'memory_limit' },
  { id: 'unmapped', title: 'Memory that no process maps', limit: 'memoryBytes', hit: ['unmapped', 400 * MIB], ends: 'memory_limit' },
  { id: 'file', title: 'One large file', limit: 'fileBytes', hit: ['file', 16 * MIB], ends: 'file_size_limit' },
  { id: 'files', title: 'Many files', limit: 'diskBytes', hit: ['files', 160 * MIB], ends: 'disk_limit' },
];

const result = ({ id, title, limit, ends }: Attack, held: ProbeResult['held'], seen: string, kept: boolean): ProbeResult => ({
  id: `limit-${id}`,
  title,
  tried: [limit],
  expected: `ends as ${ends}${kept ? '' : '; watched'}`,
  seen,
  held,
});

const attack = async (
  one: Attack,
  program: string,
  runner: ExecutionRunner,
  capabilities: Capabilities,
  signal: AbortSignal | undefined,
): Promise<ProbeResult> => {
  const kept = capabilities.kept.includes(one.limit);
  if (!capabilities.limits.includes(one.limit)) return result(one, 'unproven', 'this driver has no such limit here', kept);
  if (runner.lost !== undefined) return result(one, 'unproven', `the sandbox was gone before: ${runner.lost}`, kept);
  const before = performance.now();
  try {
    const { exit } = await runner.run([program, 'hit-limits', one.hit[0], String(one.hit[1])], ATTACK_MS, signal);
    const after = `after ${((performance.now() - before) / 1000).toFixed(1)} s`;
    const { kind, code } = exit.outcome;
    if (kind === one.ends) return result(one, 'yes', `${kind} ${after}`, kept);
    if (kind === 'exited' && code === NOT_HAD) return result(one, 'yes', `refused by the kernel ${after}`, kept);
    if (kind === 'exited' && code === PASSED) return result(one, 'no', `nothing stopped it ${after}`, kept);
    return result(one, 'unproven', `it ended as ${kind}${code === undefined ? '' : ` ${code}`} ${after}`, kept);
  } catch (error) {
    const problem = toCorralError(error);
    if (problem.code === 'cancelled') throw problem;
    return result(one, runner.lost === undefined ? 'unproven' : 'no', runner.lost ?? problem.message, kept);
  }
};

/** Runs into every limit of a sandbox that was made with `DOCTOR_LIMITS`, and sees whether it still answers after each. Throws only when cancelled. */
export const attackLimits = async (
  sandbox: Sandbox,
  runner: ExecutionRunner,
  capabilities: Capabilities,
  signal?: AbortSignal,
): Promise<readonly ProbeResult[]> => {
  const program = sandbox.planRunner;
  if (program === undefined) throw new CorralError('unsupported', 'This driver runs no real programs.');
  const results: ProbeResult[] = [];
  for (const one of ATTACKS) results.push(await attack(one, program, runner, capabilities, signal));
  return results;
};

export const limitsUnproven = (seen: string): readonly ProbeResult[] => ATTACKS.map((one) => result(one, 'unproven', seen, false));

/** Those of the limits that this driver has here. */
export const doctorLimits = ({ limits }: Capabilities): SandboxSpec['limits'] =>
  Object.fromEntries(Object.entries(DOCTOR_LIMITS).filter(([name]) => limits.includes(name as keyof SandboxLimits)));
