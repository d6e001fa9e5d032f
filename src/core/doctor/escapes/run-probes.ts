import { toCorralError } from '../../../ports/errors.ts';
import type { SandboxSpec } from '../../../ports/sandbox.ts';
import type { ExecutionRunner } from '../execution-runner.ts';
import type { ProbeResult } from '../report.ts';
import { attacksOf, compileProbe, judge } from './compile.ts';
import type { EscapeProbe, ProbeContext } from './probe.ts';

/** Connections that nobody answers take a second each. */
const PROBE_MS = 30_000;
const NEIGHBOUR_MS = 120_000;

/** Makes the attacks of one probe and says what became of them. Throws only when cancelled. */
export const runProbe = async (
  probe: EscapeProbe,
  runner: ExecutionRunner,
  context: ProbeContext,
  signal?: AbortSignal,
): Promise<ProbeResult> => {
  const attacks = attacksOf(probe, context);
  if (runner.lost !== undefined)
    return {
      id: probe.id,
      title: probe.title,
      tried: [],
      expected: probe.expected,
      held: 'unproven',
      seen: `the sandbox was gone before: ${runner.lost}`,
    };
  try {
    const { exit, text } = await runner.run(['/bin/sh', '-c', compileProbe(attacks, context.arch)], PROBE_MS, signal);
    const result = judge(probe, attacks, text);
    return exit.outcome.kind === 'exited' ? result : { ...result, seen: `${result.seen} (it ended as ${exit.outcome.kind})` };
  } catch (error) {
    const problem = toCorralError(error);
    if (problem.code === 'cancelled') throw problem;
    if (runner.lost !== undefined) return judge(probe, attacks, '', runner.lost);
    return { ...judge(probe, attacks, ''), seen: problem.message };
  }
};

/** Puts into a second sandbox what the first must not see: a process, and files in its scratch folders. */
export const settleNeighbour = async (runner: ExecutionRunner, name: string, spec: SandboxSpec): Promise<void> => {
  const home = spec.env['HOME'] ?? '/tmp';
  const { exit } = await runner.run(['/bin/sh', '-c', `for d in /tmp /dev/shm "${home}"; do : >"$d/${name}" || exit 1; done`], PROBE_MS);
  if (exit.outcome.code !== 0) throw new Error('the second sandbox could not write its scratch folders');
  await runner.leave(['/bin/sh', '-c', 'sleep "$1"', name, '100'], NEIGHBOUR_MS);
};
