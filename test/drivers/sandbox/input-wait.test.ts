import { createBubblewrapDriver } from '../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createHostDriver } from '../../../src/drivers/sandbox/host/driver.ts';
import { describeInputWaits } from '../../contract/input-wait.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import { openerOf } from '../../support/sandboxes.ts';
import { supervisorPath } from '../../support/supervisor.ts';

describeInputWaits('bubblewrap', {
  open: openerOf((launcher) => createBubblewrapDriver({ launcher, supervisorPath: supervisorPath() })),
  spec: process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {},
  ordinary: true,
  skip: whyNoBubblewrap(),
});

describeInputWaits('host, a plain process', {
  open: openerOf((launcher) => createHostDriver({ launcher, supervisorPath: supervisorPath(), form: 'plain' })),
  spec: { network: 'host' },
  ordinary: process.getuid?.() !== 0,
});
