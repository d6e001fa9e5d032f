/**
 * An escape probe is data: a list of attacks, all of which must be refused. `corral doctor` makes them in a real sandbox;
 * test/security/escapes makes the same ones there, and in the open, where they must succeed: an attack that cannot succeed proves nothing.
 */

export type Attack =
  /** Text for /bin/sh; exit code 0 means that it succeeded. */
  | { readonly name: string; readonly kind: 'shell'; readonly script: string }
  /** A raw system call. Refused means one of `refusals`: any other error is the kernel's answer to somebody who got that far. */
  | {
      readonly name: string;
      readonly kind: 'call';
      readonly call: CallName;
      readonly args: readonly (number | string)[];
      readonly refusals?: readonly number[];
    }
  /** A connection; succeeded means connected. `to`: "host port", or the name of an abstract unix socket. */
  | { readonly name: string; readonly kind: 'tcp' | 'abstract'; readonly to: string };

export interface EscapeProbe {
  readonly id: string;
  readonly title: string;
  readonly expected: string;
  attacks(context: ProbeContext): readonly Attack[];
}

/** What the attacks are aimed at: all of it lies outside the sandbox. */
export interface ProbeContext {
  readonly arch: ProbeArch;
  /** Holds `secret`, which anybody may read, and `open`, in which anybody may write. */
  readonly outside: string;
  readonly stateDir: string;
  /** Paths of the user's home folder that no mount leads to. */
  readonly homePaths: readonly string[];
  /** Names of variables that only the server has. */
  readonly serverVariables: readonly string[];
  /** Read-only mounts, as seen inside. */
  readonly readOnly: readonly string[];
  /** A TCP service on the host's 127.0.0.1. */
  readonly port: number;
  /** An abstract unix socket on the host. */
  readonly abstract: string;
  /** A word in the command line of a process of another sandbox, and the name of files in its /tmp and /dev/shm. */
  readonly neighbour: string;
  /** Processes a sandbox may have; 0 = not limited. */
  readonly processes: number;
}

export type ProbeArch = 'x64' | 'arm64';

/** Numbers of the calls that probes make: of their own, so that a wrong number in the filter does not hide itself. */
const CALLS = {
  add_key: [248, 217],
  bpf: [321, 280],
  clone3: [435, 435],
  fsopen: [430, 430],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  ioprio_set: [251, 30],
  kcmp: [312, 272],
  keyctl: [250, 219],
  kill: [62, 129],
  mount: [165, 40],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_open: [434, 434],
  pivot_root: [155, 41],
  prlimit64: [302, 261],
  process_vm_readv: [310, 270],
  ptrace: [101, 117],
  quotactl: [179, 60],
  sched_setaffinity: [203, 122],
  seccomp: [317, 277],
  setns: [308, 268],
  setpriority: [141, 140],
  socket: [41, 198],
  syslog: [103, 116],
  tgkill: [234, 131],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
} as const satisfies Readonly<Record<string, readonly [x64: number, arm64: number]>>;

export type CallName = keyof typeof CALLS;

export const callNumber = (call: CallName, arch: ProbeArch): number => CALLS[call][arch === 'x64' ? 0 : 1];

export const probeArch = (nodeArch: string): ProbeArch | undefined => (nodeArch === 'x64' || nodeArch === 'arm64' ? nodeArch : undefined);
