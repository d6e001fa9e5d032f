import type { AuditTrail } from '../ports/audit.ts';
import type { DriverName, SandboxDriver } from '../ports/sandbox.ts';
import type { LogStore } from '../ports/logs.ts';
import type { Approvals } from './approvals/types.ts';
import type { LoadedConfig } from './config/load.ts';
import type { DoctorReport } from './doctor/report.ts';
import type { Continuation } from './executions/continuation.ts';
import type { Executions } from './executions/types.ts';
import type { GcReport } from './housekeeping/gc.ts';
import type { Log } from './log.ts';
import type { Invoke, Operation } from './operation.ts';
import type { BlockList } from './policy/block-list.ts';
import type { Presenter } from './output/presenter.ts';
import type { Sandboxes } from './sandboxes/types.ts';

/**
 * What a process is to the state folder that it shares with others. A `server` takes over what dead servers left and forgets what is old. A
 * `client` makes sandboxes of its own and leaves those of others alone. A `reader` makes none, so it needs no place in the records.
 */
export type AppRole = 'server' | 'client' | 'reader';

export interface AppUse {
  readonly role: AppRole;
  /** What it serves, for people: "stdio", "http 127.0.0.1:3344", "cli run". */
  readonly face: string;
}

/** Puts the house together; opens, starts and touches nothing until `ready`. */
export type OpenApp = (loaded: LoadedConfig, use: AppUse) => App;

/** The house, put together: what a face gets to see of it. The services open when `ready` is first asked; invoke asks by itself. */
export interface App {
  readonly version: string;
  readonly loaded: LoadedConfig;
  readonly log: Log;
  readonly operations: readonly Operation[];
  readonly invoke: Invoke;
  readonly drivers: ReadonlyMap<DriverName, SandboxDriver>;
  /** Usable after `ready`. */
  readonly executions: Executions;
  readonly sandboxes: Sandboxes;
  readonly presenter: Presenter;
  readonly logs: LogStore;
  readonly blockList: BlockList;
  /** What the rules leave to a person. */
  approvals(): Promise<Approvals>;
  /** For a face that goes on by itself with a call whose program outlived it. */
  readonly continuation: Continuation;
  /** Signs what MCP clients carry from a question to its answer, and the names of their tasks; the same for all servers of the state folder. */
  requestStateKey(): Promise<Uint8Array>;
  /** Looks at this machine and attacks a sandbox on it; needs no `ready`. */
  doctor(signal?: AbortSignal): Promise<DoctorReport>;
  /** Removes what nobody will ask for again, beside servers that run; `dryRun` counts alone. */
  gc(dryRun: boolean): Promise<GcReport>;
  /** What was recorded in this state folder, by whichever process. */
  audit(): Promise<AuditTrail>;
  ready(): Promise<void>;
  /** Ends what this server owns (or leaves it, with `keep`), writes what is pending. Safe to call twice. */
  close(): Promise<void>;
}
