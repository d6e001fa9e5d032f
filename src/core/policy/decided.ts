import { CorralError } from '../../ports/errors.ts';
import type { SandboxLimits } from '../../ports/sandbox.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';
import { PUBLIC_FILES } from './containment.ts';
import { planSteps } from './execute-plan.ts';
import type { ShellPlan } from './shell/plan.ts';
import type { Decision, ProgramUse } from './types.ts';

/** An argv as a plan of one command: the program that was decided on is the one that is started, under the name that was asked for. */
const planOfArgv = (argv: readonly string[], { path, hardening }: ProgramUse): ShellPlan => ({
  version: 1,
  steps: [
    {
      when: 'always',
      timed: false,
      stages: [
        {
          kind: 'command',
          at: 0,
          argv: argv.map((word) => [{ literal: word }]),
          env: hardening?.env ?? {},
          redirects: [],
          ...(path !== undefined && { path }),
          ...(hardening !== undefined && hardening.insert.length > 0 && { insert: { at: 1, words: hardening.insert } }),
        },
      ],
    },
  ],
});

/**
 * The steps of a command as the rules let it pass: executed from what they read, so that no shell and no other program of the same name comes
 * between. Undefined where the rules did not read it, and the caller's own steps hold.
 */
export const decidedSteps = (
  command: string | readonly string[],
  decision: Decision | undefined,
  live: LiveSandbox,
): readonly (readonly string[])[] | undefined => {
  if (decision === undefined || decision.realShell === true) return undefined;
  const [leader] = decision.programs;
  const plan = typeof command === 'string' ? decision.plan : leader === undefined ? undefined : planOfArgv(command, leader);
  if (plan === undefined) throw new CorralError('internal', 'A command was allowed without having been read.');
  const runner = live.sandbox.planRunner;
  if (runner === undefined)
    throw new CorralError('unsupported', `The driver ${live.record.driver} cannot execute commands under rules.`, {
      hint: 'Use the driver bubblewrap or host.',
    });
  return planSteps(plan, runner, {
    roots: live.spec.workspaces.map(({ target }) => target),
    home: live.spec.env['HOME'] ?? '/',
    readable: [...PUBLIC_FILES],
  });
};

/** What a decision grants of memory and processes, for the execution it is about. */
export const capLimits = (decision: Decision | undefined): SandboxLimits =>
  decision === undefined ? {} : { memoryBytes: decision.caps.memoryBytes, processes: decision.caps.processes };

/**
 * Throws `denied` when the sandbox grants more than the decision does and nothing else holds it. Memory and processes of one execution are
 * watched (`capLimits`); where limits must be kept, that is not enough, and the sandbox's own have to be as small.
 */
export const requireCaps = ({ caps, rule }: Decision, { spec, record }: LiveSandbox): void => {
  const strict = spec.requireLimits === true;
  const excess =
    caps.network === 'none' && spec.network !== 'none'
      ? `its network is "${spec.network}"`
      : strict && caps.memoryBytes !== undefined && (spec.limits.memoryBytes ?? Number.POSITIVE_INFINITY) > caps.memoryBytes
        ? 'its memory may be more'
        : strict && caps.processes !== undefined && (spec.limits.processes ?? Number.POSITIVE_INFINITY) > caps.processes
          ? 'it may have more processes'
          : undefined;
  if (excess === undefined) return;
  throw new CorralError('denied', `Sandbox ${record.id} grants more than the rule ${rule} does: ${excess}.`, {
    hint: `Create one within ${JSON.stringify(caps)} (sandbox, action "create") and name it.`,
    details: { rule },
  });
};

/** The smaller of what was asked for and what the decision grants; 0 = no deadline. */
export const cappedTimeoutMs = (wantedMs: number, decision: Decision | undefined): number => {
  const cap = decision?.caps.timeoutSeconds;
  if (cap === undefined) return wantedMs;
  return wantedMs === 0 ? cap * 1000 : Math.min(wantedMs, cap * 1000);
};
