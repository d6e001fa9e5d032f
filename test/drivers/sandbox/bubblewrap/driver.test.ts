import { createBubblewrapDriver } from '../../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import { describeSandboxDriverContract } from '../../../contract/sandbox-driver.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import { processesWith } from '../../../support/sandboxes.ts';
import type { SupervisedHandle } from '../../../../src/drivers/sandbox/supervisor/handle.ts';
import { SHELL_PROGRAMS } from '../../../support/shell-programs.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

describeSandboxDriverContract('bubblewrap', {
  open: async () => {
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    return {
      driver: createBubblewrapDriver({ launcher, supervisorPath: supervisorPath() }),
      [Symbol.asyncDispose]: () => launcher[Symbol.asyncDispose](),
    };
  },
  spec: process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {},
  processesWith,
  kill: async (_driver, sandbox) => void process.kill((sandbox.handle as SupervisedHandle).supervisor.pid, 'SIGKILL'),
  programs: SHELL_PROGRAMS,
  skip: whyNoBubblewrap(),
});
