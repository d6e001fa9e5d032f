import type { DriverName } from '../../../ports/sandbox.ts';
import type { DoctorDeps } from '../deps.ts';
import { fail, ok, skipped, warn } from './check.ts';
import type { Check } from './check.ts';

const wanted = ({ config }: DoctorDeps): DriverName => (config.driver === 'auto' ? 'bubblewrap' : config.driver);

export const DRIVER_CHECKS: readonly Check[] = [
  {
    id: 'bubblewrap',
    title: 'bubblewrap',
    run: async (deps, signal) => {
      const driver = deps.drivers.get('bubblewrap');
      if (driver === undefined) return skipped('this server has no such driver');
      const probe = await driver.probe(signal);
      if (probe.available) return ok(`${probe.version}: made a sandbox, ran a program in it, ended it`);
      return wanted(deps) === 'bubblewrap' ? fail(probe.reason, probe.fix) : warn(probe.reason, probe.fix);
    },
  },
  {
    id: 'driver',
    title: 'Where commands run',
    run: async (deps) => {
      if (wanted(deps) === 'host')
        return warn('on the host, with the rights of the server: no isolation at all', 'Start with --driver bubblewrap.');
      return ok(`in ${wanted(deps)} (--driver ${deps.config.driver})`);
    },
  },
  {
    id: 'network',
    title: 'Network of sandboxes',
    run: async ({ config }) => {
      if (config.network === 'host')
        return warn("the host's: services on its loopback and metadata services can be reached", 'Start with --network none.');
      if (config.allowHostNetwork) return warn("none, but an agent may ask for the host's", 'Leave --allow-host-network out.');
      return ok('none: only a loopback of its own');
    },
  },
  {
    id: 'limits',
    title: 'Limits',
    run: async (deps, signal) => {
      const probe = await deps.drivers.get(wanted(deps))?.probe(signal);
      if (probe?.available !== true) return skipped('nothing runs here');
      const { limits, kept, support } = probe.capabilities;
      const watched = limits.filter((limit) => !kept.includes(limit));
      const found =
        `class ${support.class} (${support.source}${support.why === undefined ? '' : `: ${support.why}`}); ` +
        `hold: ${kept.join(', ')}${watched.length === 0 ? '' : `; watched: ${watched.join(', ')}`}`;
      return support.class === 'C' ? warn(found, support.fix) : ok(found);
    },
  },
];
