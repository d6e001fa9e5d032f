import { createHostDriver } from '../../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisedHandle } from '../../../../src/drivers/sandbox/supervisor/handle.ts';
import { describeSandboxDriverContract } from '../../../contract/sandbox-driver.ts';
import { whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import { processesWith } from '../../../support/sandboxes.ts';
import { SHELL_PROGRAMS } from '../../../support/shell-programs.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

for (const form of ['pid-namespace', 'plain'] as const)
  describeSandboxDriverContract(`host, ${form}`, {
    open: async () => {
      const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
      return {
        driver: createHostDriver({ launcher, supervisorPath: supervisorPath(), form }),
        [Symbol.asyncDispose]: () => launcher[Symbol.asyncDispose](),
      };
    },
    spec: { network: 'host' },
    processesWith,
    kill: async (_driver, sandbox) => void process.kill((sandbox.handle as SupervisedHandle).supervisor.pid, 'SIGKILL'),
    programs: SHELL_PROGRAMS,
    skip: form === 'plain' ? undefined : whyNoBubblewrap(),
  });
