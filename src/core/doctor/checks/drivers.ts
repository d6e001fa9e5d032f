import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverName } from '../../../ports/sandbox.ts';
import type { DoctorDeps } from '../deps.ts';
import { fail, ok, skipped, warn } from './check.ts';
import type { Check } from './check.ts';

const wanted = ({ config }: DoctorDeps): DriverName => (config.driver === 'auto' ? 'bubblewrap' : config.driver);

const writable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** `0::/user.slice` (v2) or `4:memory:/x` (v1): the server's place in each hierarchy. */
const cgroupsOfServer = async (): Promise<ReadonlyMap<string, string>> => {
  try {
    const lines = (await readFile('/proc/self/cgroup', 'utf8')).trim().split('\n');
    return new Map(
      lines.flatMap((line) => {
        const [, names = '', ...path] = line.split(':');
        return names.split(',').map((name) => [name, path.join(':')] as const);
      }),
    );
  } catch {
    return new Map(); // a kernel without control groups
  }
};

/** The strongest class of limits that this machine would permit: A, B, or C for none. */
const cgroupClass = async (uid: number): Promise<{ readonly letter: 'A' | 'B' | 'C'; readonly what: string }> => {
  const own = await cgroupsOfServer();
  const unified = own.get('');
  if (unified !== undefined) {
    const folder = join('/sys/fs/cgroup', unified);
    const controllers = await readFile(join(folder, 'cgroup.controllers'), 'utf8').catch(() => '');
    if (['memory', 'pids'].every((name) => controllers.split(/\s+/).includes(name)) && (await writable(join(folder, 'cgroup.procs'))))
      return { letter: 'A', what: `cgroup v2, delegated at ${folder}` };
  }
  const v1 = await Promise.all(
    ['memory', 'pids'].map(async (name) => own.has(name) && (await writable(`/sys/fs/cgroup/${name}/cgroup.procs`))),
  );
  if (uid === 0 && v1.every(Boolean)) return { letter: 'B', what: 'cgroup v1 as root' };
  return { letter: 'C', what: 'no control group that the server may use' };
};

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
    run: async ({ uid, drivers, config }, signal) => {
      const { letter, what } = await cgroupClass(uid);
      const probe = await drivers.get(config.driver === 'auto' ? 'bubblewrap' : config.driver)?.probe(signal);
      if (probe?.available !== true) return skipped(`nothing runs here; the machine would permit class ${letter} (${what})`);
      const used = `enforced: ${probe.capabilities.limits.join(', ')}, by the kernel's limits per process and the supervisor's watch (class C)`;
      return letter === 'C' ? ok(`${used}; ${what}`) : ok(`${used}; the machine would permit class ${letter} (${what})`);
    },
  },
];
