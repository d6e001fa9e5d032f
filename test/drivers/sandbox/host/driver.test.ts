import { createHostDriver } from '../../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisedHandle } from '../../../../src/drivers/sandbox/supervisor/handle.ts';
import { describeSandboxDriverContract } from '../../../contract/sandbox-driver.ts';
import { realGroups } from '../../../support/real-groups.ts';
import { whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import { processesWith } from '../../../support/sandboxes.ts';
import { SHELL_PROGRAMS } from '../../../support/shell-programs.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

for (const form of ['pid-namespace', 'plain'] as const)
  describeSandboxDriverContract(`host, ${form}`, {
    open: async () => {
      const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
      const groups = realGroups(launcher);
      return {
        driver: createHostDriver({ launcher, supervisorPath: supervisorPath(), form, cgroups: groups.cgroups }),
        [Symbol.asyncDispose]: async () => {
          await launcher[Symbol.asyncDispose]();
          groups[Symbol.dispose]();
        },
      };
    },
    spec: { network: 'host' },
    processesWith,
    kill: async (_driver, sandbox) => void process.kill((sandbox.handle as SupervisedHandle).supervisor.pid, 'SIGKILL'),
    programs: SHELL_PROGRAMS,
    skip: form === 'plain' ? undefined : whyNoBubblewrap(),
  });
