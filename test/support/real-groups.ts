import { createCgroups } from '../../src/drivers/sandbox/cgroups/cgroups.ts';
import type { Cgroups } from '../../src/drivers/sandbox/cgroups/cgroups.ts';
import { createGroupFiles } from '../../src/drivers/sandbox/cgroups/files.ts';
import type { SupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import { temporaryState } from './sandboxes.ts';
import { supervisorPath } from './supervisor.ts';

/** The control groups of this machine, whatever it lets the tests have. */
export const realGroups = (launcher: SupervisorLauncher): Disposable & { readonly cgroups: Cgroups; readonly stateDir: string } => {
  const state = temporaryState();
  const isRoot = process.getuid?.() === 0;
  return {
    cgroups: createCgroups({ files: createGroupFiles(), launcher, supervisorPath: supervisorPath(), isRoot, stateDir: state.path }),
    stateDir: state.path,
    [Symbol.dispose]: () => state[Symbol.dispose](),
  };
};
