import type { ApprovalStore } from './approvals.ts';
import type { DriverName, NetworkMode, Outcome, StreamSize, Usage } from './sandbox.ts';

/** A server process that shares the state folder. `startTicks` tells a reused pid from the real one. */
export interface ServerRecord {
  readonly id: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly startedMs: number;
  /** What it serves, for people: "stdio", "http 127.0.0.1:3344", "cli run". */
  readonly face: string;
}

export type SandboxState = 'creating' | 'running' | 'ending' | 'ended' | 'failed';

export interface SandboxRecord {
  readonly id: string;
  readonly driver: DriverName;
  /** The server that renews its lease. */
  readonly owner: string;
  readonly state: SandboxState;
  readonly createdMs: number;
  readonly endedMs?: number | undefined;
  readonly workdir: string;
  readonly network: NetworkMode;
  /** The specification and the driver's handle, JSON. */
  readonly spec: string;
  readonly handle: string;
  /** Private uid in use, unique among living sandboxes. */
  readonly uid?: number | undefined;
  /** Why it ended, for people. */
  readonly reason?: string | undefined;
}

export interface ExecutionRecord {
  readonly id: string;
  readonly sandbox: string;
  readonly status: 'running' | 'finished';
  /** JSON array of steps (argv each). */
  readonly steps: string;
  /** What the caller wrote, for lists: the shell text, or the language. */
  readonly title: string;
  readonly cwd: string;
  /** JSON object of strings. */
  readonly labels: string;
  /** Operation that started it and its options that matter later, JSON. */
  readonly meta: string;
  readonly caller: string;
  readonly startedMs: number;
  readonly pid?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly step?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly usage?: Usage | undefined;
  readonly stdout?: StreamSize | undefined;
  readonly stderr?: StreamSize | undefined;
  readonly background?: number | undefined;
  /** One sentence where the outcome needs it. */
  readonly message?: string | undefined;
  /** What a receipt says beyond the rest: the rule, the limits in force, ports, changed files. JSON (core/receipts/notes.ts). */
  readonly receipt?: string | undefined;
}

/** Output that has no log files and is kept with the record: at most 16 KiB, both streams together. */
export interface RecordedOutput {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface ExecutionQuery {
  readonly status?: ExecutionRecord['status'] | undefined;
  readonly sandbox?: string | undefined;
  /** All must match. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Newest first; continues before this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A program that nobody may start until it is taken off the list. */
export interface BlockedCommand {
  readonly name: string;
  readonly by: string;
  readonly sinceMs: number;
}

/** The records. Several servers share one store; every method is atomic. Writes that lose a race throw `conflict`. */
export interface Store extends AsyncDisposable {
  putServer(server: ServerRecord): Promise<void>;
  removeServer(id: string): Promise<void>;
  servers(): Promise<readonly ServerRecord[]>;

  /** `uid` is taken from the range, free among living sandboxes; absent range = no private uid. */
  insertSandbox(record: SandboxRecord, uidRange?: { readonly first: number; readonly count: number }): Promise<SandboxRecord>;
  /** `expectedOwner` guards adoption: conflict when somebody else took it. */
  updateSandbox(id: string, change: Partial<Omit<SandboxRecord, 'id'>>, expectedOwner?: string): Promise<void>;
  sandbox(id: string): Promise<SandboxRecord | undefined>;
  sandboxes(query?: { readonly living?: boolean; readonly owner?: string }): Promise<readonly SandboxRecord[]>;

  /** Forgets sandboxes that ended before then and of which no execution is kept; at most 100 a call. Resolves to their names. */
  deleteEmptySandboxes(endedBeforeMs: number): Promise<readonly string[]>;

  /** Group-committed: returns at once, durable within 20 ms or at `flush`. The sandbox's journal covers the gap. */
  insertExecution(record: ExecutionRecord): void;
  finishExecution(id: string, change: Partial<Omit<ExecutionRecord, 'id'>>, output?: RecordedOutput): void;
  /** What `finishExecution` was given; no list carries it. */
  executionOutput(id: string): Promise<RecordedOutput | undefined>;
  /** Sees what was queued by this server. */
  execution(id: string): Promise<ExecutionRecord | undefined>;
  executions(query: ExecutionQuery): Promise<readonly ExecutionRecord[]>;
  /** Oldest finished first, of one sandbox or of all; for retention. */
  finishedBefore(ms: number, limit: number, sandbox?: string): Promise<readonly ExecutionRecord[]>;
  /** Bytes of kept output over the records, of one sandbox or of all: for the disk quota. */
  logBytes(sandbox?: string): Promise<number>;
  /** Sandboxes of which more output is kept than that. */
  sandboxesOver(bytes: number): Promise<readonly string[]>;
  deleteExecutions(ids: readonly string[]): Promise<void>;
  flush(): Promise<void>;

  /** False when it was blocked already. */
  blockCommand(command: BlockedCommand): Promise<boolean>;
  /** False when it was not blocked. */
  unblockCommand(name: string): Promise<boolean>;
  /** By name. */
  blockedCommands(): Promise<readonly BlockedCommand[]>;

  readonly approvals: ApprovalStore;
}
