import { createBubblewrapDriver } from '../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createHostDriver } from '../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SandboxDriver } from '../../../src/ports/sandbox.ts';
import { describeLimitsContract } from '../../contract/limits.ts';
import { realGroups } from '../../support/real-groups.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import { whyNoGroups } from '../../support/why-no-groups.ts';
import { supervisorPath } from '../../support/supervisor.ts';

type Make = (options: {
  launcher: SupervisorLauncher;
  supervisorPath: string;
  cgroups?: ReturnType<typeof realGroups>['cgroups'];
}) => SandboxDriver;

const opening = (make: Make, grouped: boolean) => async () => {
  const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
  const groups = realGroups(launcher);
  return {
    driver: make({ launcher, supervisorPath: supervisorPath(), ...(grouped && { cgroups: groups.cgroups }) }),
    [Symbol.asyncDispose]: async () => {
      await launcher[Symbol.asyncDispose]();
      groups[Symbol.dispose]();
    },
  };
};

const isRoot = process.getuid?.() === 0;
const isolated = isRoot ? { uid: UNPRIVILEGED } : {};
const noGroups = await whyNoGroups();

describeLimitsContract('bubblewrap, a control group each', {
  open: opening(createBubblewrapDriver, true),
  spec: isolated,
  kept: ['memoryBytes', 'processes', 'cpuSeconds', 'fileBytes', 'openFiles'],
  skip: whyNoBubblewrap() ?? noGroups,
});

describeLimitsContract('bubblewrap, watched', {
  open: opening(createBubblewrapDriver, false),
  spec: isolated,
  kept: ['processes', 'cpuSeconds', 'fileBytes', 'openFiles'],
  skip: whyNoBubblewrap(),
});

describeLimitsContract('host in a pid namespace, a control group each', {
  open: opening((options) => createHostDriver({ ...options, form: 'pid-namespace' }), true),
  spec: { network: 'host' },
  kept: ['memoryBytes', 'processes', 'cpuSeconds', 'fileBytes', 'openFiles'],
  skip: whyNoBubblewrap() ?? noGroups,
});

describeLimitsContract('host, plain processes, watched', {
  open: opening((options) => createHostDriver({ ...options, form: 'plain' }), false),
  spec: { network: 'host' },
  kept: ['cpuSeconds', 'fileBytes', 'openFiles'],
});
