import { readFile } from 'node:fs/promises';
import { CorralError } from '../../../ports/errors.ts';

/** Reads a kernel setting; undefined where the kernel has none of that name. */
export type ReadSetting = (name: string) => Promise<string | undefined>;

export const readSetting: ReadSetting = async (name) => {
  try {
    return (await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

interface Cause {
  /** The setting and value that forbid user namespaces. */
  readonly setting: string;
  readonly value: string;
  readonly reason: string;
  readonly fix: string;
}

const SETTINGS: readonly Cause[] = [
  {
    setting: 'user.max_user_namespaces',
    value: '0',
    reason: 'this kernel is set to allow no user namespaces (user.max_user_namespaces=0)',
    fix: 'sudo sysctl -w user.max_user_namespaces=15000   (and the same line in /etc/sysctl.d/ to keep it)',
  },
  {
    setting: 'kernel.unprivileged_userns_clone',
    value: '0',
    reason: 'user namespaces are forbidden to ordinary users (kernel.unprivileged_userns_clone=0)',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1   (and the same line in /etc/sysctl.d/ to keep it)',
  },
  {
    setting: 'kernel.apparmor_restrict_unprivileged_userns',
    value: '1',
    reason: 'AppArmor forbids user namespaces to programs without a profile (kernel.apparmor_restrict_unprivileged_userns=1)',
    fix: 'sudo apt-get install apparmor-profiles, which lets /usr/bin/bwrap use them, or: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/** What bubblewrap prints when it may not make namespaces. */
const FORBIDDEN =
  /No permissions to creat|Creating new namespace failed|setting up uid map|Failed RTM_NEWADDR|Creating new user namespace/i;
const MASKED_PROC = /Can't mount proc/i;
const OWNERS = /map of owners/i;
const OLD = /Unknown option|unrecognized option/i;

export const BWRAP_MISSING_FIX = 'sudo apt-get install bubblewrap   (or dnf, pacman, apk: the package has the same name)';

const unavailable = (reason: string, fix: string, bootLog: string): CorralError =>
  new CorralError('unavailable', `bubblewrap cannot make a sandbox here: ${reason}.`, {
    hint: fix,
    details: { bootLog: bootLog.slice(-500) },
  });

/** Why bubblewrap failed, from its last words and the kernel's settings; undefined when they are not understood. */
export const explainBubblewrapFailure = async (bootLog: string, setting: ReadSetting = readSetting): Promise<CorralError | undefined> => {
  const said = bootLog.split('\n').at(-1) ?? '';
  if (FORBIDDEN.test(bootLog)) {
    for (const cause of SETTINGS) if ((await setting(cause.setting)) === cause.value) return unavailable(cause.reason, cause.fix, bootLog);
    return unavailable(
      `the kernel refuses new namespaces (${said})`,
      'In a container: start it with --security-opt seccomp=unconfined, or run Corral on the machine itself. `corral doctor` shows the settings.',
      bootLog,
    );
  }
  if (MASKED_PROC.test(bootLog))
    return unavailable(
      'a /proc of its own cannot be mounted, as in a container whose /proc is masked',
      'Start the container with --security-opt systempaths=unconfined, or run Corral on the machine itself.',
      bootLog,
    );
  if (OWNERS.test(bootLog))
    return unavailable(
      'a workspace lies on a file system, or this is a kernel, that cannot show its files to a private uid (no idmapped mounts)',
      'Put the workspace on ext4, xfs or btrfs with Linux 5.12 or newer, or run the server as an ordinary user.',
      bootLog,
    );
  if (OLD.test(bootLog)) return unavailable(`this bubblewrap is too old (${said})`, 'Install bubblewrap 0.8 or newer.', bootLog);
  return undefined;
};
