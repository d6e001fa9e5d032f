import type {
  DriverName,
  Exit,
  InputWait,
  Mount,
  NetworkMode,
  Sandbox,
  SandboxDriver,
  SandboxExecution,
  SandboxLimits,
  SandboxSpec,
  StreamSize,
} from '../../ports/sandbox.ts';
import type { SandboxRecord, ServerRecord, Store } from '../../ports/store.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../log.ts';

/** Read-only extras of the machine that make languages work inside. */
export interface Toolchains {
  readonly mounts: readonly Mount[];
  readonly path: readonly string[];
  /** At the end of PATH: what Corral brings along, unless the machine has it. */
  readonly fallbackPath: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `shared`: of the calls that name none. `ephemeral`: of one execution. `named`: somebody asked for it, and ends it. */
export type Purpose = 'shared' | 'ephemeral' | 'named';

export interface LiveSandbox {
  readonly record: SandboxRecord;
  readonly purpose: Purpose;
  readonly spec: SandboxSpec;
  readonly sandbox: Sandbox;
}

/** Where news of executions goes: the executions service. */
export interface SandboxNews {
  exit(live: LiveSandbox, exit: Exit): void;
  output(execution: string, stdoutBytes: number, stderrBytes: number): void;
  input(execution: string, wait: InputWait | undefined): void;
  closed(execution: string, stdout: StreamSize, stderr: StreamSize): void;
  /** The sandbox is gone; `recalled` is what it wrote down. Resolves when the records are durable; what it wrote down may then go. */
  lost(sandbox: string, reason: string, recalled: readonly SandboxExecution[]): Promise<void>;
  /** Found alive after another server died; `executions` is what it runs and ran. */
  adopted(live: LiveSandbox, executions: readonly SandboxExecution[]): Promise<void>;
}

export interface CreateOptions {
  /** Default `named`. */
  readonly purpose?: Purpose | undefined;
  readonly driver?: DriverName | undefined;
  readonly network?: NetworkMode | undefined;
  readonly limits?: SandboxLimits | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Without the configured workspaces: a private, empty one. */
  readonly private?: boolean | undefined;
  readonly lifetimeMs?: number | undefined;
}

export interface Sandboxes {
  /** The sandbox of calls that name none; made at first use, and anew when it was lost. */
  primary(signal?: AbortSignal): Promise<LiveSandbox>;
  /** A living sandbox by name, whichever server made it. Throws `not_found`. */
  get(id: string, signal?: AbortSignal): Promise<LiveSandbox>;
  create(options: CreateOptions, signal?: AbortSignal): Promise<LiveSandbox>;
  /** Throws `unsupported` when the driver does not keep what the configuration limits. */
  requireLimits(signal?: AbortSignal): Promise<void>;
  records(): Promise<readonly SandboxRecord[]>;
  end(id: string, graceMs: number, reason: string): Promise<void>;
  /**
   * Takes over what dead servers left; returns how many sandboxes were found alive and how many gone. A shared one that is as this server
   * would make it becomes its own shared one; what nobody can ask for by default any more ends when nothing runs in it.
   */
  adopt(): Promise<{ readonly alive: number; readonly gone: number }>;
  /** Records the end of one whose server is dead, if it has ended; false when it lives, or has an owner by now. */
  bury(record: SandboxRecord): Promise<boolean>;
  /** Ends one of which there is only a folder, if somebody is there. */
  endUnknown(id: string): Promise<void>;
  /** Removes what is left of sandboxes that ended and of which nothing is kept; returns how many. `dryRun` counts alone. */
  sweep(options?: { readonly dryRun?: boolean }): Promise<number>;
  /** Ends all that this server owns, or leaves it to its lease when `keep` is set. */
  close(): Promise<void>;
}

export interface SandboxesDeps {
  readonly store: Store;
  readonly drivers: ReadonlyMap<DriverName, SandboxDriver>;
  readonly server: ServerRecord;
  readonly config: Config;
  /** Real paths, checked. */
  readonly workspaces: readonly string[];
  readonly toolchains: () => Toolchains;
  /** The same for the host driver, which sees the machine as it is. */
  readonly hostToolchains: Pick<Toolchains, 'fallbackPath'>;
  /** The server's own environment: the host driver starts from PATH and HOME of it. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  readonly log: Log;
  readonly news: SandboxNews;
}
