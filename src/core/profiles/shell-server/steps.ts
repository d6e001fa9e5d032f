import { CorralError } from '../../../ports/errors.ts';
import { planSteps } from '../../policy/execute-plan.ts';
import type { PlanCommand, Redirect } from '../../policy/shell/plan.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { FileRedirect, Stage } from './command-line.ts';
import { findProgram } from '../programs.ts';
import { checkRedirects, targetPath } from './redirects.ts';

export interface Prepared {
  readonly steps: readonly (readonly string[])[];
  /** The one program of a plain command that is not there. */
  readonly missing: string | undefined;
}

const literal = (text: string): readonly [{ readonly literal: string }] => [{ literal: text }];

const redirectOf = (redirect: FileRedirect, cwd: string): Redirect => ({
  fd: redirect.kind === 'read' ? 0 : 1,
  target: { kind: 'file', path: targetPath(redirect, cwd), mode: redirect.kind },
});

/**
 * What is to be started for a command: its own argv or, for pipelines and redirections, the runner that executes them without a shell.
 * `ownPath`: the caller sets a PATH, which must not decide which program an allowed name means.
 */
export const prepareSteps = async (stages: readonly Stage[], live: LiveSandbox, cwd: string, ownPath: boolean): Promise<Prepared> => {
  const path = live.spec.env['PATH'] ?? '';
  const programs = await Promise.all(stages.map(({ argv: [name = ''] }) => findProgram(name, path, cwd)));
  const [only, second] = stages;
  if (only !== undefined && second === undefined && only.redirects.length === 0 && !ownPath)
    return { steps: [only.argv], missing: programs[0] === undefined ? only.argv[0] : undefined };
  const runner = live.sandbox.planRunner;
  if (runner === undefined)
    throw new CorralError('unsupported', `Pipelines and redirections cannot be run by the driver ${live.record.driver}`);
  if (live.record.driver === 'host') await checkRedirects(stages, cwd);
  const commands = stages.map(({ argv, redirects }, index): PlanCommand => {
    const program = programs[index];
    return {
      kind: 'command',
      argv: argv.map(literal),
      env: {},
      redirects: redirects.map((redirect) => redirectOf(redirect, cwd)),
      at: 0,
      ...(program !== undefined && { path: program }),
    };
  });
  const plan = { version: 1, steps: [{ when: 'always', stages: commands, timed: false }] } as const;
  return { steps: planSteps(plan, runner, { roots: [cwd], home: live.spec.env['HOME'] ?? '/' }), missing: undefined };
};
