/**
 * The sandbox port: what the core needs from an isolation technology.
 *
 * A driver makes isolated places; a sandbox runs executions, keeps their output in log files (see `logs.ts`), tells how they ended, and
 * touches files beneath its roots. `test/contract/sandbox-driver.ts` is the meaning of every line here.
 */

export const DRIVER_NAMES = ['bubblewrap', 'host', 'memory'] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

export type NetworkMode = 'none' | 'host';
export type StreamName = 'stdout' | 'stderr';

/** Limits wanted; sizes in bytes, times in milliseconds. A driver that cannot enforce one leaves it out of its capabilities. */
export interface SandboxLimits {
  /** Sum over all processes of the sandbox; the execution that used most, or lost a process to the kernel, is ended as `memory_limit`. */
  readonly memoryBytes?: number | undefined;
  /** Processes and threads alive at once; what stays at the limit is ended as `process_limit`. */
  readonly processes?: number | undefined;
  /** Largest single file a process may write; passing it ends a program as `file_size_limit`. */
  readonly fileBytes?: number | undefined;
  /** CPU time of one execution, its whole tree; passing it ends it as `cpu_limit`. */
  readonly cpuSeconds?: number | undefined;
  readonly openFiles?: number | undefined;
  /** CPUs' worth of time the sandbox gets: 0.5 is half of one. Slows down, ends nothing. */
  readonly cpus?: number | undefined;
  /** What the writable places of the sandbox may hold together; the execution that writes is ended as `disk_limit`. */
  readonly diskBytes?: number | undefined;
}

/**
 * Who keeps the limits of a whole sandbox here. A: the kernel, in a control group of version 2. B: the same in version 1. C: the kernel's
 * limits per process or user, and the supervisor, which looks and ends.
 */
export interface LimitSupport {
  readonly class: 'A' | 'B' | 'C';
  readonly source: MetricSource;
  /** Class C: why there is no group, and what would change that. */
  readonly why?: string | undefined;
  readonly fix?: string | undefined;
}

export interface Capabilities {
  readonly isolation: 'none' | 'namespace' | 'container' | 'userspace-kernel' | 'vm';
  readonly network: readonly NetworkMode[];
  readonly limits: readonly (keyof SandboxLimits)[];
  /** Those of them that hold whatever a program does. The others are watched: a program can be over them until the next look. */
  readonly kept: readonly (keyof SandboxLimits)[];
  readonly support: LimitSupport;
  readonly pty: boolean;
  /** Executions go on, and can be found again, when the server dies. */
  readonly survivesServer: boolean;
}

export type DriverProbe =
  | { readonly available: true; readonly version: string; readonly capabilities: Capabilities }
  | {
      readonly available: false;
      /** What is missing or forbidden, in one sentence. */
      readonly reason: string;
      /** The command or setting that mends it. */
      readonly fix: string;
    };

export interface Mount {
  /** Absolute path outside. */
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
  readonly mode: 'ro' | 'rw';
}

export interface SandboxSpec {
  /** Chosen by the core, so that a crash between making and recording leaves a findable name. [a-z0-9]{1,32} */
  readonly id: string;
  /** The sandbox's own folder in the state folder: socket, journal, logs, boot log. Exists, mode 0700. */
  readonly folder: string;
  /** Where commands start when they name no directory; absolute, beneath one of the roots. */
  readonly workdir: string;
  /** Writable places, mounted; the file operations may touch these and the sandbox's own /tmp and home. */
  readonly workspaces: readonly Mount[];
  /** Read-only extras: toolchains. */
  readonly mounts: readonly Mount[];
  /** The whole environment every execution starts from. */
  readonly env: Readonly<Record<string, string>>;
  readonly network: NetworkMode;
  readonly limits: SandboxLimits;
  /** Refuse to make the sandbox when one of the limits is only watched here. */
  readonly requireLimits?: boolean | undefined;
  /** The sandbox ends itself when no server spoke to it for this long. */
  readonly leaseMs: number;
  /** Absolute lifetime; 0 = none. */
  readonly lifetimeMs: number;
  /** Executions are told what files of the workspaces they changed; absent = yes. */
  readonly trackChanges?: boolean | undefined;
  /** Private uid (and gid) to run under when the server is root; undefined = the server's own. */
  readonly uid?: number | undefined;
}

/** How far a sandbox is apart from the machine, as the kernel told when it was made; nothing of it is taken from what was asked for. */
export interface IsolationFacts {
  /** Kinds that are not the server's own: cgroup, ipc, mnt, net, pid, user, uts. */
  readonly namespaces: readonly string[];
  /** For the kernel outside. */
  readonly uid?: number | undefined;
  /** Effective capabilities. */
  readonly capabilities: 'none' | 'some';
  readonly noNewPrivileges: boolean;
  /** A filter of system calls is in force. */
  readonly seccomp: boolean;
  /** Kind of the control group that is its own; absent = it is in the server's. */
  readonly group?: Exclude<MetricSource, 'proc'> | undefined;
}

/** What a driver needs to find the sandbox again after the server died. JSON; kept in the store and in the folder (mode 0600). */
export type SandboxHandle = Readonly<Record<string, unknown>>;

export interface SandboxDriver {
  readonly name: DriverName;
  /** Usable here, and what can it do? Proves it by doing it. Never throws. */
  probe(signal?: AbortSignal): Promise<DriverProbe>;
  /** On failure nothing is left behind. */
  create(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox>;
  /** Reconnects to one that outlived its server; undefined when it is gone (whatever was left of it has then been ended). */
  open(id: string, folder: string, signal?: AbortSignal): Promise<Sandbox | undefined>;
  /** What a sandbox that is gone wrote down of its executions: those without an exit were lost with it. */
  recall(folder: string): Promise<readonly SandboxExecution[]>;
  /**
   * Removes what sandboxes that are gone left outside of their folders; returns how many. `living` is asked after the look, so that a
   * sandbox which is recorded before it is made is never taken for a leftover.
   */
  sweep?(living: () => Promise<ReadonlySet<string>>): Promise<number>;
}

export interface SandboxCommand {
  /** Chosen by the core; [A-Za-z0-9_-]{1,64}. */
  readonly execution: string;
  /** Run one after the other in the same streams; one that does not exit with 0 ends the execution. */
  readonly steps: readonly (readonly string[])[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array | undefined;
  readonly keepStdinOpen?: boolean | undefined;
  readonly pty?: { readonly cols: number; readonly rows: number } | undefined;
  /** Wall clock deadline in ms; 0 or absent = none. Enforced by the supervisor, also while no server lives. */
  readonly wallMs?: number | undefined;
  /** Between SIGTERM and SIGKILL, in ms. */
  readonly graceMs?: number | undefined;
  /** Both streams together; passing it ends the execution as `output_limit`. */
  readonly outputBytes?: number | undefined;
  /** Of this execution alone, its whole tree; the sandbox's hold besides. `cpus` and `diskBytes` belong to the sandbox. */
  readonly limits?: SandboxLimits | undefined;
  /** Kept beside the execution and given back by `list`; at most 16 KiB. */
  readonly meta?: string | undefined;
}

export const OUTCOME_KINDS = [
  'exited',
  'signalled',
  'timed_out',
  'cancelled',
  'output_limit',
  'memory_limit',
  'disk_limit',
  'failed_to_start',
  'lost',
  'cpu_limit',
  'process_limit',
  'file_size_limit',
] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** How an execution ended. The first cause wins; `code` and `signal` tell how its leader really ended. */
export interface Outcome {
  readonly kind: OutcomeKind;
  readonly code?: number | undefined;
  /** Name, such as SIGKILL. */
  readonly signal?: string | undefined;
}

/** Of the whole tree, exact: what the kernel told of each process that ended. Fields that an older record does not have are absent. */
export interface Usage {
  readonly userUs: number;
  readonly systemUs: number;
  /** Of the largest single process. */
  readonly maxRssBytes: number;
  /** Storage IO: what reached the disk, not what a cache answered. */
  readonly readBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
  readonly voluntarySwitches?: number | undefined;
  readonly involuntarySwitches?: number | undefined;
  /** Most processes seen alive at once; absent when the execution was over before anybody looked. */
  readonly peakProcesses?: number | undefined;
}

/** Paths of one execution, over the three lists of its changes. */
export const MAX_LISTED_CHANGES = 100;

/** Paths in the first workspace are relative to it, others absolute; those of folders end in `/`. */
export interface FileChanges {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Further ones that are not listed. */
  readonly more: number;
  readonly complete: boolean;
  /** Why not all may have been seen, and whether others were at work at the same time. */
  readonly why?: string | undefined;
}

/** A process of the tree sits in a read of what `write` feeds: nothing goes on until somebody types. Seen in /proc, never guessed from text. */
export interface InputWait {
  /** As seen inside. */
  readonly pid: number;
  /** The kernel's name of it. */
  readonly program: string;
  readonly on: 'pipe' | 'terminal';
  /** The terminal does not echo: it asks for a secret. */
  readonly hidden: boolean;
  /** So long already. */
  readonly forMs: number;
}

export const METRIC_SOURCES = ['cgroup2', 'cgroup1', 'proc'] as const;
export type MetricSource = (typeof METRIC_SOURCES)[number];

/** Of one execution, the whole tree, now. */
export interface Metrics {
  readonly source: MetricSource;
  /** Of living and of ended processes. */
  readonly userUs: number;
  readonly systemUs: number;
  /** The sum now, and the largest sum seen. */
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Storage IO. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  readonly processes: number;
  readonly peakProcesses: number;
  /** TCP ports its processes listen on now, ascending. */
  readonly ports: readonly number[];
}

export interface Activity {
  readonly inputWait?: InputWait | undefined;
  /** The kernel does not tell here what processes wait for; `inputWait` is then absent. */
  readonly inputUnknown?: true | undefined;
  readonly metrics: Metrics;
}

export interface StreamSize {
  readonly bytes: number;
  readonly newlines: number;
}

export interface Exit {
  readonly execution: string;
  readonly outcome: Outcome;
  /** Index of the step that ended it. */
  readonly step: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly usage: Usage;
  /** TCP ports its tree was seen listening on; absent when there was none. */
  readonly ports?: readonly number[] | undefined;
  /** Absent when nobody looked. */
  readonly changes?: FileChanges | undefined;
  readonly stdout: StreamSize;
  readonly stderr: StreamSize;
  /** Processes of its tree that live on in the sandbox. */
  readonly background: number;
  /** Both whole streams, when they are small. */
  readonly inline?: { readonly stdout: Uint8Array; readonly stderr: Uint8Array } | undefined;
  /** There are no log files: `inline` is all there is. Whoever hears of it keeps it before the end is acknowledged. */
  readonly unfiled?: true | undefined;
  readonly message?: string | undefined;
}

/** One execution as the sandbox knows it. */
export interface SandboxExecution {
  readonly execution: string;
  readonly pid: number;
  readonly startedMs: number;
  readonly meta: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly exit?: Exit | undefined;
}

export interface SandboxEvents {
  /** Of a short program, also before its `start` resolves. What ended before `listen` is in `list`. */
  exit(exit: Exit): void;
  /** Sizes so far of an execution that is being watched. */
  output(execution: string, stdoutBytes: number, stderrBytes: number): void;
  /** An execution that is being watched began to wait for input (stable for 100 ms), or no longer does. Its end tells the latter, too. */
  input(execution: string, wait: InputWait | undefined): void;
  /** What background processes wrote after the exit is complete. */
  closed(execution: string, stdout: StreamSize, stderr: StreamSize): void;
  /** The sandbox is gone, and with it every execution that had not ended. Called once, last. `reason` is one sentence. */
  lost(reason: string): void;
}

export interface Termination {
  readonly ended: number;
  /** "pid name" of each that could not be ended; empty when all is well. */
  readonly survivors: readonly string[];
}

export interface SandboxStats {
  readonly processes: number;
  readonly rssBytes: number;
  readonly running: number;
  readonly ended: number;
  readonly uptimeMs: number;
  readonly logBytes: number;
}

/** A living sandbox and the connection to it. Disposing closes the connection only; `end` ends the sandbox. */
export interface Sandbox extends AsyncDisposable {
  readonly id: string;
  readonly driver: DriverName;
  readonly handle: SandboxHandle;
  /** Absent where there is nothing to measure. */
  readonly isolation?: IsolationFacts | undefined;
  readonly files: SandboxFiles;
  /** The program, as seen inside, that executes plans (docs/reference/shell-plan.md); undefined where no real programs run. */
  readonly planRunner: string | undefined;
  /** One listener at a time: the core's. */
  listen(events: SandboxEvents): void;
  /** Resolves when the program runs. Throws `failed_to_start` when it cannot. */
  start(command: SandboxCommand, signal?: AbortSignal): Promise<{ readonly pid: number; readonly startedMs: number }>;
  write(execution: string, data: Uint8Array, end: boolean): Promise<void>;
  /** To the leader's process group. */
  signal(execution: string, signal: number): Promise<void>;
  /** Ends the whole tree, gracefully and then by force; `cause` becomes the outcome unless it ended before. */
  terminate(
    execution: string,
    options: { readonly graceMs: number; readonly cause?: OutcomeKind | undefined; readonly signal?: number },
  ): Promise<Termination>;
  resize(execution: string, cols: number, rows: number): Promise<void>;
  watch(execution: string, on: boolean): Promise<void>;
  /** What it does and uses now. `not_found` when it does not run. Takes 100 ms longer when a process seems to wait for input: that must last. */
  inspect(execution: string): Promise<Activity>;
  waitPort(port: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Whether something of this name exists beneath the roots; links that lead out of them do not count. */
  waitFile(path: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  list(): Promise<readonly SandboxExecution[]>;
  acknowledge(execution: string): void;
  renew(leaseMs: number): Promise<void>;
  stats(): Promise<SandboxStats>;
  /** Ends everything in it and itself; resolves when nothing is left. */
  end(graceMs: number): Promise<void>;
}

export interface FileEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  readonly modifiedMs: number;
  readonly mode: number;
  readonly target?: string | undefined;
}

export interface WriteOptions {
  readonly append?: boolean;
  /** Fail with `conflict` when it exists. */
  readonly exclusive?: boolean;
  readonly makeParents?: boolean;
  /** Octal permission bits for a new file; default 0644. */
  readonly mode?: number;
}

/** File operations beneath the roots; no race of links leads outside. Paths are absolute, as seen inside. Regular files only. */
export interface SandboxFiles {
  /** At most 1 MiB a call. */
  read(
    path: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<{ readonly data: Uint8Array; readonly size: number; readonly eof: boolean }>;
  /** Whole content; atomic (readers see the old or the new file) unless appending. Any size: chunked below. */
  write(path: string, data: Uint8Array, options?: WriteOptions, signal?: AbortSignal): Promise<{ readonly size: number }>;
  stat(path: string, follow?: boolean): Promise<FileEntry>;
  /** In byte order of names; at most 4096 a call, `after` continues. */
  list(
    path: string,
    options?: { readonly after?: string; readonly max?: number },
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly more: boolean }>;
  remove(path: string, recursive: boolean): Promise<{ readonly removed: number }>;
  makeDirectory(path: string, parents: boolean): Promise<void>;
  rename(from: string, to: string, replace: boolean): Promise<void>;
}
