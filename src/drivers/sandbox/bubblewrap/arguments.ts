import { serveArguments } from '../supervisor/command-line.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { SandboxSpec } from '../../../ports/sandbox.ts';
import type { HostLayout } from './host-layout.ts';
import { GROUP, HOSTS, PASSWD, SANDBOX_HOME, SANDBOX_HOSTNAME, SANDBOX_UID } from './identity.ts';
import { arrangeMounts } from './mounts.ts';
import { buildSeccompFilter } from './seccomp.ts';
import type { FilterOptions } from './seccomp.ts';

export interface BubblewrapInput {
  readonly spec: SandboxSpec;
  readonly host: HostLayout;
  /** The supervisor's program outside. */
  readonly supervisorPath: string;
  /** Where it is seen inside, read-only: /run/corral/supervisor. The pid namespace form sees the host and runs it where it is. */
  readonly supervisorInside: string;
  /** `pid-namespace` is the host driver's: nothing is hidden, but nothing outlives the supervisor. */
  readonly form: 'isolated' | 'pid-namespace';
  /** The descriptor of `data[0]`; the others follow one by one. */
  readonly firstDataFd: number;
  readonly infoFd: number;
  /** Where a path of the outside is reached by whoever runs bwrap: itself, or its staged clone when a private uid does. */
  readonly readableSources: (source: string) => string;
  /** The kernel counts the sandbox's memory: all of it, also what no process maps. */
  readonly memoryInGroup?: boolean;
  /** Beside what the specification implies. */
  readonly filter?: Partial<FilterOptions>;
}

export interface BubblewrapArguments {
  /** Everything behind `bwrap`, the supervisor's command line included. Holds no path of a workspace: the process list is public. */
  readonly args: readonly string[];
  /** One fresh descriptor each, at offset 0. */
  readonly data: readonly Uint8Array[];
}

const MIB = 1024 * 1024;
const TMP_BYTES = 512 * MIB;
/** Holds the caches of compilers and package managers. */
const HOME_BYTES = 1024 * MIB;
const SHM_BYTES = 64 * MIB;

/** The file systems in memory that a sandbox may write to, as it sees them. */
export const SCRATCH: readonly string[] = ['/tmp', SANDBOX_HOME, '/dev/shm'];

const tmpfs = (target: string, perms: string, bytes: number): string[] => ['--size', String(bytes), '--perms', perms, '--tmpfs', target];
const folder = (target: string): string[] => ['--perms', '0755', '--dir', target];

/** Each named: with --unshare-all nobody learns which one failed. */
const namespaces = (spec: SandboxSpec): string[] => [
  ...['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
  ...(spec.network === 'host' ? [] : ['--unshare-net']),
  '--disable-userns',
  ...['--uid', String(SANDBOX_UID), '--gid', String(SANDBOX_UID), '--hostname', SANDBOX_HOSTNAME],
  ...['--new-session', '--as-pid-1', '--cap-drop', 'ALL', '--clearenv'],
];

const system = (host: HostLayout): string[] => [
  ...['--ro-bind', '/usr', '/usr'],
  ...host.links.flatMap(({ path, target }) => ['--symlink', target, path]),
  ...host.folders.flatMap((path) => ['--ro-bind', path, path]),
  ...folder('/etc'),
  ...folder('/home'),
  ...host.etc.flatMap((path) => ['--ro-bind-try', path, path]),
];

const processes = (host: HostLayout): string[] => [
  ...['--proc', '/proc'],
  ...host.maskedFiles.flatMap((path) => ['--ro-bind', '/dev/null', path]),
  ...host.maskedFolders.flatMap((path) => ['--perms', '0555', '--tmpfs', path, '--remount-ro', path]),
];

/**
 * It is memory: three quarters of what the sandbox may use at most, so that programs can run when all of it is full. Nobody can end a file.
 */
const scratch = (spec: SandboxSpec): string[] => {
  const most = Math.floor((spec.limits.memoryBytes ?? Number.MAX_SAFE_INTEGER) / 4);
  const bounded = (bytes: number): number => Math.min(bytes, most);
  return [
    ...['--dev', '/dev'],
    ...tmpfs('/dev/shm', '1777', bounded(SHM_BYTES)),
    ...tmpfs('/tmp', '1777', bounded(TMP_BYTES)),
    ...folder('/run'),
    ...folder('/var'),
    // Relative: an absolute one would lead bubblewrap to the host's /tmp when it mounts beneath /var/tmp.
    ...['--symlink', '../tmp', '/var/tmp'],
    ...tmpfs(SANDBOX_HOME, '0700', bounded(HOME_BYTES)),
  ];
};

const supervisor = (input: BubblewrapInput): string[] => [
  ...folder('/run/corral'),
  ...['--ro-bind', input.readableSources(input.supervisorPath), input.supervisorInside],
];

const filterOf = (input: BubblewrapInput): Uint8Array =>
  buildSeccompFilter(input.host.architecture, {
    // Abstract sockets belong to the network namespace: with the host's network they would lead to the host's services.
    allowUnix: input.spec.network !== 'host',
    devel: false,
    // Without a group a limit of memory is kept by adding up what processes map; anonymous files that nobody maps would not be seen.
    denyMemfd: input.spec.limits.memoryBytes !== undefined && input.memoryInGroup !== true,
    ...input.filter,
  });

/** Collects what bwrap reads from descriptors; a blob's number is its place. Place 0 is the list of options itself. */
const createBlobs = (first: number) => {
  const blobs: Uint8Array[] = [];
  return {
    blobs,
    add: (content: Uint8Array | string): string => {
      blobs.push(typeof content === 'string' ? new TextEncoder().encode(content) : content);
      return String(first + blobs.length);
    },
  };
};

const isolated = (input: BubblewrapInput, add: (content: Uint8Array | string) => string): string[] => {
  const { spec, host } = input;
  const file = (target: string, content: string): string[] => ['--perms', '0444', '--ro-bind-data', add(content), target];
  return [
    ...namespaces(spec),
    ...system(host),
    ...file('/etc/passwd', PASSWD),
    ...file('/etc/group', GROUP),
    ...file('/etc/hosts', HOSTS),
    ...(spec.network === 'host' ? file('/etc/resolv.conf', host.resolvConf) : []),
    ...processes(host),
    ...scratch(spec),
    ...arrangeMounts([...spec.mounts, ...spec.workspaces], input.readableSources),
    ...supervisor(input),
    // Both are memory without a bound as long as they can be written.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/'],
    ...['--seccomp', add(filterOf(input))],
  ];
};

/** As root no user namespace is needed, and root stays root; bwrap sets no-new-privs in either case. */
const pidNamespace = (input: BubblewrapInput): string[] => [
  ...(input.host.root && input.spec.uid === undefined ? [] : ['--unshare-user']),
  ...['--unshare-pid', '--dev-bind', '/', '/', '--proc', '/proc', '--as-pid-1', '--clearenv', '--chdir', '/'],
];

/** The arguments of bubblewrap 0.8 or newer for one sandbox, and what it reads from descriptors. Throws `invalid_input` on mounts that would hide the system. */
export const buildBubblewrapArguments = (input: BubblewrapInput): BubblewrapArguments => {
  const { blobs, add } = createBlobs(input.firstDataFd);
  const options = input.form === 'isolated' ? isolated(input, add) : pidNamespace(input);
  options.push('--info-fd', String(input.infoFd));
  if (options.some((option) => option.includes('\0'))) throw new CorralError('invalid_input', 'A path of the sandbox holds a NUL byte.');
  const program = input.form === 'isolated' ? input.supervisorInside : input.supervisorPath;
  return {
    args: ['--args', String(input.firstDataFd), '--', program, ...serveArguments(input.spec.id, input.spec.folder)],
    data: [new TextEncoder().encode(options.map((option) => `${option}\0`).join('')), ...blobs],
  };
};
