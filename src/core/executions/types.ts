import type { Exit, OutcomeKind, SandboxCommand, SandboxLimits, Termination } from '../../ports/sandbox.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { ExecutionQuery, ExecutionRecord, Store } from '../../ports/store.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../log.ts';
import type { Decision } from '../policy/types.ts';
import type { CreateOptions, LiveSandbox, Sandboxes, SandboxNews } from '../sandboxes/types.ts';
import type { Attend, Attention } from './needs-input.ts';
import type { Tell } from './telling.ts';
import type { Tracked } from './tracked.ts';

/** Name that asks for a sandbox of its own, which ends with the execution. */
export const EPHEMERAL = 'ephemeral';

export interface StartRequest {
  /** For people: the shell text, the argv, or the language. */
  readonly title: string;
  /** Steps for an execution of this name in this sandbox; may write files first. */
  plan(place: { readonly live: LiveSandbox; readonly execution: string; readonly cwd: string }): Promise<{
    readonly steps: SandboxCommand['steps'];
    readonly env?: Readonly<Record<string, string>>;
    readonly meta?: Readonly<Record<string, unknown>>;
    readonly scratch?: string | undefined;
  }>;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: Uint8Array | undefined;
  readonly keepStdinOpen: boolean;
  readonly pty?: { readonly cols: number; readonly rows: number } | undefined;
  /** 0 = none. */
  readonly timeoutMs: number;
  /** Output kept of it; absent = as configured. Never more than that. */
  readonly outputBytes?: number | undefined;
  /** Of this execution alone; the sandbox's hold besides. */
  readonly limits?: SandboxLimits | undefined;
  /** Between SIGTERM and SIGKILL at the deadline; absent = as configured. */
  readonly graceMs?: number | undefined;
  readonly sandbox?: string | undefined;
  /** A sandbox of its own, made so, that ends with the execution; instead of `sandbox`. */
  readonly fresh?: CreateOptions | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Goes on when the caller cancels or goes away. */
  readonly detach: boolean;
  readonly caller: string;
  /** Hears about once a second how the program is doing, while the call waits for it. */
  readonly tell?: Tell | undefined;
  /** What the rules said, for the receipt. */
  readonly decision?: Decision | undefined;
  /** The answer comes at once when the program has come to wait for input, which nobody gives it before. */
  readonly untilInput?: boolean | undefined;
}

/** One look at an execution: its record, the exit with its small output if this server saw it, and what it is at while it runs. */
export interface Look extends Attention {
  readonly record: ExecutionRecord;
  readonly exit: Exit | undefined;
  /** What is there of its output. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** What was printed and is not there any more, in bytes. */
  readonly lost?: { readonly stdout: number; readonly stderr: number } | undefined;
}

/** What a sweep forgets: so many executions with so many bytes of output. */
export interface Swept {
  readonly executions: number;
  readonly bytes: number;
}

export interface Executions {
  /** Starts and waits for the end, at most `waitMs`; then the program goes on. An abort ends the tree, unless detached. */
  run(request: StartRequest, waitMs: number, signal: AbortSignal): Promise<Look>;
  look(id: string): Promise<Look>;
  /** What one is at that this server hears news of; without its record and its sizes. */
  glance(id: string): Promise<Attention | undefined>;
  /** Follows an execution, whichever server started it; undefined when it has ended. */
  follow(id: string, signal?: AbortSignal): Promise<Tracked | undefined>;
  write(id: string, data: Uint8Array, end: boolean): Promise<void>;
  /** A side that is left out stays as it is. Throws `invalid_input` when it has no terminal. */
  resize(id: string, sides: { readonly cols?: number | undefined; readonly rows?: number | undefined }): Promise<void>;
  signal(id: string, signal: number): Promise<void>;
  terminate(
    id: string,
    options: { readonly graceMs: number; readonly cause?: OutcomeKind; readonly signal?: number },
  ): Promise<Termination>;
  list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]>;
  /** Runs something for the server itself, unrecorded; small output only. */
  ask(live: LiveSandbox, argv: readonly string[], timeoutMs: number): Promise<Exit>;
  readonly news: SandboxNews;
  /** Forgets what is older than the retention or over a disk quota; `dryRun` counts alone. */
  sweep(options?: { readonly dryRun?: boolean }): Promise<Swept>;
  close(): Promise<void>;
}

/** Hears of each program once when it starts and once when it ends, whichever call it belongs to. Must not throw. */
export interface ExecutionWatch {
  spawned(record: ExecutionRecord): void;
  /** `exit` is absent when it was lost or did not start. */
  exited(record: ExecutionRecord, exit: Exit | undefined): void;
}

/** Answers to what programs ask their terminals. */
export type FollowTerminal = (one: Tracked, fromByte: number) => void;

export interface ExecutionsDeps {
  readonly attend?: Attend | undefined;
  readonly followTerminal?: FollowTerminal | undefined;
  readonly watch?: ExecutionWatch | undefined;
  readonly store: Store;
  readonly logs: LogStore;
  readonly config: Config;
  readonly log: Log;
  /** Late-bound: the two services need each other. */
  readonly sandboxes: () => Sandboxes;
}
