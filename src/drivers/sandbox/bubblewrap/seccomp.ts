import { assemble, jump, jumpIf, label, load, ret } from './bpf.ts';
import type { Step } from './bpf.ts';
import { AUDIT_ARCH, LAST_SYSCALL, syscallNumber } from './syscalls.ts';
import type { Architecture, SyscallName } from './syscalls.ts';

export interface FilterOptions {
  /** Unix sockets by name; pairs of them are always allowed. */
  readonly allowUnix: boolean;
  /** For debuggers and profilers: lifts ptrace and perf_event_open. Processes of the sandbox can then read each other. */
  readonly devel: boolean;
  /** Where memory is bounded by rlimits only: no anonymous files and no System V segments, which rlimits do not see. */
  readonly denyMemfd: boolean;
}

const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const errno = (code: number): number => 0x0005_0000 + code;
const EPERM = errno(1);
const ENOSYS = errno(38);
const EAFNOSUPPORT = errno(97);

/** struct seccomp_data {int nr; u32 arch; u64 instruction_pointer; u64 args[6]}: the low word of an argument, as both are little-endian. */
const NR = 0;
const ARCH = 4;
const argument = (index: number): number => 16 + 8 * index;

/** Numbers from here on are the x32 calls, a second way to reach the same kernel code. */
const X32_BIT = 0x4000_0000;

const FORBIDDEN: readonly SyscallName[] = [
  // Other processes' memory, descriptors and registers.
  ...(['process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd', 'process_madvise'] as const),
  // Kernel keyrings are not separated by namespaces.
  ...(['keyctl', 'add_key', 'request_key'] as const),
  // Large kernel surfaces with a history.
  ...(['bpf', 'userfaultfd', 'io_uring_setup', 'io_uring_enter', 'io_uring_register'] as const),
  // Namespaces and mounts.
  ...(['unshare', 'setns', 'mount', 'umount2', 'pivot_root', 'chroot'] as const),
  // The machine.
  ...(['swapon', 'swapoff', 'reboot', 'sethostname', 'setdomainname', 'iopl', 'ioperm'] as const),
  ...(['init_module', 'finit_module', 'delete_module', 'create_module', 'query_module', 'get_kernel_syms'] as const),
  ...(['kexec_load', 'kexec_file_load', 'quotactl', 'quotactl_fd', 'nfsservctl', 'acct', 'syslog'] as const),
  ...(['uselib', 'modify_ldt', 'ustat', 'sysfs', '_sysctl', 'lookup_dcookie', 'vhangup'] as const),
  ...(['settimeofday', 'clock_settime', 'adjtimex', 'clock_adjtime'] as const),
  // Placement of memory.
  ...(['move_pages', 'migrate_pages', 'mbind', 'set_mempolicy', 'get_mempolicy', 'set_mempolicy_home_node'] as const),
  // Files without a path.
  ...(['name_to_handle_at', 'open_by_handle_at', 'fanotify_init', 'fanotify_mark'] as const),
  'seccomp',
];

const DEVELOPER_TOOLS: readonly SyscallName[] = ['ptrace', 'perf_event_open'];

/** Programs take these as "an older kernel" and do without. clone3 hides its flags in memory, where a filter cannot look. */
const ABSENT: readonly SyscallName[] = [
  'clone3',
  ...(['open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'statmount', 'listmount'] as const),
  ...(['lsm_get_self_attr', 'lsm_set_self_attr', 'lsm_list_modules'] as const),
];

const UNCOUNTED_MEMORY: readonly SyscallName[] = ['memfd_create', 'memfd_secret', 'shmget'];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0000;
/** TIOCSTI and TIOCLINUX type into the terminal, TIOCSETD loads line disciplines. */
const TERMINAL_REQUESTS = [0x5412, 0x541c, 0x5423];
/** PER_LINUX, PER_LINUX32, with UNAME26, ADDR_NO_RANDOMIZE, and the question what it is. */
const PERSONALITIES = [0, 8, 0x2_0000, 0x2_0008, 0x4_0000, 0xffff_ffff];

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

/** The supervisor. libc passes 0 for oneself, so nothing but an attack, or `kill -0 1`, names it. */
const PID_1 = 1;
/** Calls that take a process and change, signal or open it, with the places of the argument. */
const AT_A_PROCESS: readonly (readonly [SyscallName, readonly number[]])[] = [
  ['prlimit64', [0]],
  ['sched_setscheduler', [0]],
  ['sched_setparam', [0]],
  ['sched_setattr', [0]],
  ['sched_setaffinity', [0]],
  ['kill', [0]],
  ['tkill', [0]],
  ['tgkill', [0, 1]],
  ['rt_sigqueueinfo', [0]],
  ['rt_tgsigqueueinfo', [0, 1]],
  ['pidfd_open', [0]],
];
/** With it a file tells its owner, which may be pid 1, "readable" by any signal: SIGTERM, for one, which does not name its sender. */
const F_SETSIG = 10;
/** PRIO_USER and IOPRIO_WHO_USER reach every process of the user, pid 1 among them. */
const PRIO_USER = 2;
const IOPRIO_WHO_USER = 3;

/**
 * The system call filter of a sandbox as bytes for `bwrap --seccomp`. Default is to allow what the table's kernel had;
 * the supervisor lives under it too.
 */
export const buildSeccompFilter = (architecture: Architecture, options: FilterOptions): Uint8Array => {
  const numbers = (names: readonly SyscallName[]): number[] =>
    names.map((name) => syscallNumber(name, architecture)).filter((number) => number !== undefined);

  /** Any of these calls: this answer. */
  const answer = (name: string, names: readonly SyscallName[], value: number): Step[] => [
    ...numbers(names).map((number) => jumpIf('equal', number, { yes: name })),
    jump(`after ${name}`),
    label(name),
    ret(value),
    label(`after ${name}`),
  ];

  /** This call: these steps, which jump to `refuse` or fall off their end, which allows. */
  const examine = (name: SyscallName, refusal: number, steps: readonly Step[]): Step[] => {
    const number = syscallNumber(name, architecture);
    if (number === undefined) return [];
    const local = (target: string | undefined): string | undefined => (target === undefined ? undefined : `${name} ${target}`);
    const scoped = steps.map((step): Step => {
      if (step.op !== 'jump-if') return step;
      const yes = local(step.yes);
      const no = local(step.no);
      return { op: 'jump-if', test: step.test, value: step.value, ...(yes && { yes }), ...(no && { no }) };
    });
    return [
      jumpIf('equal', number, { no: `after ${name}` }),
      ...scoped,
      label(`${name} allow`),
      ret(ALLOW),
      label(`${name} refuse`),
      ret(refusal),
      label(`after ${name}`),
    ];
  };

  return assemble([
    load(ARCH),
    jumpIf('equal', AUDIT_ARCH[architecture], { yes: 'known architecture' }),
    ret(KILL_PROCESS),
    label('known architecture'),
    load(NR),
    jumpIf('atLeast', X32_BIT, { yes: 'unknown' }),
    jumpIf('greater', LAST_SYSCALL, { no: 'known' }),
    label('unknown'),
    ret(ENOSYS),
    label('known'),

    ...answer('forbidden', [...FORBIDDEN, ...(options.devel ? [] : DEVELOPER_TOOLS)], EPERM),
    ...answer('absent', [...ABSENT, ...(options.denyMemfd ? UNCOUNTED_MEMORY : [])], ENOSYS),

    ...examine('clone', EPERM, [load(argument(0)), jumpIf('anyBit', CLONE_NAMESPACES, { yes: 'refuse' })]),
    // The kernel reads 32 bits of the request: bits above them must not hide it.
    ...examine('ioctl', EPERM, [load(argument(1)), ...TERMINAL_REQUESTS.map((request) => jumpIf('equal', request, { yes: 'refuse' }))]),
    ...examine('personality', EPERM, [
      load(argument(0)),
      ...PERSONALITIES.map((persona, index) =>
        jumpIf('equal', persona, index === PERSONALITIES.length - 1 ? { yes: 'allow', no: 'refuse' } : { yes: 'allow' }),
      ),
    ]),
    ...examine('socket', EAFNOSUPPORT, [
      load(argument(0)),
      ...[AF_INET, AF_INET6, ...(options.allowUnix ? [AF_UNIX] : [])].map((family) => jumpIf('equal', family, { yes: 'allow' })),
      jumpIf('equal', AF_NETLINK, { no: 'refuse' }),
      load(argument(2)),
      jumpIf('equal', NETLINK_ROUTE, { no: 'refuse' }),
    ]),
    ...examine('socketpair', EAFNOSUPPORT, [load(argument(0)), jumpIf('equal', AF_UNIX, { no: 'refuse' })]),

    ...AT_A_PROCESS.flatMap(([name, places]) =>
      examine(
        name,
        EPERM,
        places.flatMap((place) => [load(argument(place)), jumpIf('equal', PID_1, { yes: 'refuse' })]),
      ),
    ),
    ...(
      [
        ['setpriority', PRIO_USER],
        ['ioprio_set', IOPRIO_WHO_USER],
      ] as const
    ).flatMap(([name, everybody]) =>
      examine(name, EPERM, [
        load(argument(0)),
        jumpIf('equal', everybody, { yes: 'refuse' }),
        load(argument(1)),
        jumpIf('equal', PID_1, { yes: 'refuse' }),
      ]),
    ),
    ...examine('fcntl', EPERM, [load(argument(1)), jumpIf('equal', F_SETSIG, { yes: 'refuse' })]),
    ret(ALLOW),
  ]);
};
