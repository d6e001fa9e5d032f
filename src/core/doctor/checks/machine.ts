import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { fail, ok, skipped, warn } from './check.ts';
import type { Check } from './check.ts';

const MINIMUM_NODE = [20, 19];
/** openat2, pidfd_open; and idmapped mounts for a server that is root. */
const MINIMUM_KERNEL = [5, 6];
const IDMAP_KERNEL = [5, 12];

const numbersOf = (version: string): number[] => (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
const atLeast = (version: string, [major = 0, minor = 0]: readonly number[]): boolean => {
  const [a = 0, b = 0] = numbersOf(version);
  return a > major || (a === major && b >= minor);
};

const setting = async (name: string): Promise<string | undefined> => {
  try {
    return (await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')).trim();
  } catch {
    return undefined; // not every kernel has every setting, and some are for root's eyes only
  }
};

const SETTINGS = [
  ...[
    'kernel.yama.ptrace_scope',
    'kernel.kptr_restrict',
    'kernel.dmesg_restrict',
    'kernel.unprivileged_bpf_disabled',
    'kernel.perf_event_paranoid',
  ],
  ...[
    'dev.tty.legacy_tiocsti',
    'user.max_user_namespaces',
    'kernel.unprivileged_userns_clone',
    'kernel.apparmor_restrict_unprivileged_userns',
  ],
];

export const MACHINE_CHECKS: readonly Check[] = [
  {
    id: 'node',
    title: 'Node.js',
    run: async () => {
      const { version } = process;
      return atLeast(version, MINIMUM_NODE)
        ? ok(`${version} at ${process.execPath}`)
        : fail(`${version} is older than ${MINIMUM_NODE.join('.')}`, 'Install Node.js 22 or 24.');
    },
  },
  {
    id: 'platform',
    title: 'System',
    run: async () => {
      const here = `${process.platform} ${process.arch}, kernel ${release()}`;
      if (process.platform !== 'linux')
        return fail(`${here}: sandboxes need Linux`, 'Run Corral in a Linux machine, virtual machine or WSL 2.');
      if (!['x64', 'arm64'].includes(process.arch))
        return fail(`${here}: there is no system call filter for this processor`, 'Use x86_64 or aarch64.');
      if (!atLeast(release(), MINIMUM_KERNEL)) return warn(`${here}: older than ${MINIMUM_KERNEL.join('.')}`, 'Update the kernel.');
      return ok(here);
    },
  },
  {
    id: 'kernel',
    title: 'Settings of the kernel',
    run: async () => {
      const found = await Promise.all(SETTINGS.map(async (name) => [name, await setting(name)] as const));
      const known = found.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
      return known.length === 0 ? skipped('none can be read') : ok(known.join(', '));
    },
  },
  {
    id: 'identity',
    title: 'Whose rights sandboxes have',
    run: async ({ uid, config }) => {
      if (uid !== 0)
        return warn(
          `uid ${uid}, the server's own: only the mounts keep sandboxes apart from its files, and from each other`,
          'Run the server as root for a private uid per sandbox; each then has rights of its own.',
        );
      if (config.unsafeRoot)
        return warn(
          'root, as --unsafe-root says: the limit of processes does not hold, and a hole in the kernel is a hole to root',
          'Leave --unsafe-root out.',
        );
      const range = `private uids ${config.uidFirst} to ${config.uidFirst + config.uidCount - 1}`;
      return atLeast(release(), IDMAP_KERNEL)
        ? ok(range)
        : fail(
            `${range}, but mounts with mapped owners need Linux ${IDMAP_KERNEL.join('.')}`,
            'Update the kernel, or run the server as an ordinary user.',
          );
    },
  },
];
