import { createBubblewrapDriver } from '../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createHostDriver } from '../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SandboxDriver } from '../../../src/ports/sandbox.ts';
import { describeInputWaits } from '../../contract/input-wait.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import type { DriverFactory } from '../../support/sandboxes.ts';
import { supervisorPath } from '../../support/supervisor.ts';

const opener =
  (create: (launcher: SupervisorLauncher) => SandboxDriver): DriverFactory =>
  async () => {
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    return { driver: create(launcher), [Symbol.asyncDispose]: () => launcher[Symbol.asyncDispose]() };
  };

describeInputWaits('bubblewrap', {
  open: opener((launcher) => createBubblewrapDriver({ launcher, supervisorPath: supervisorPath() })),
  spec: process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {},
  skip: whyNoBubblewrap(),
});

describeInputWaits('host, a plain process', {
  open: opener((launcher) => createHostDriver({ launcher, supervisorPath: supervisorPath(), form: 'plain' })),
  spec: { network: 'host' },
});
