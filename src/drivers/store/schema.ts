import type { ApprovalState, GrantScope } from '../../ports/approvals.ts';
import type { DriverName, NetworkMode, OutcomeKind } from '../../ports/sandbox.ts';
import type { ExecutionRecord, SandboxState } from '../../ports/store.ts';

/** Column names are those of the records, so that a row is nearly a record. Times in ms since 1970, sizes in bytes. */
export interface ServersTable {
  id: string;
  pid: number;
  start_ticks: number;
  started_ms: number;
  face: string;
}

export interface SandboxesTable {
  id: string;
  driver: DriverName;
  owner: string;
  state: SandboxState;
  created_ms: number;
  ended_ms: number | null;
  workdir: string;
  network: NetworkMode;
  spec: string;
  handle: string;
  uid: number | null;
  reason: string | null;
}

export interface BlockedCommandsTable {
  name: string;
  by: string;
  since_ms: number;
}

export interface ApprovalsTable {
  id: string;
  state: ApprovalState;
  binding: string;
  frame: string;
  caller: string;
  via: string;
  server: string;
  operation: string;
  tool: string;
  text: string;
  cwd: string | null;
  rule: string;
  reason: string;
  /** JSON arrays. */
  scopes: string;
  words: string | null;
  created_ms: number;
  expires_ms: number;
  scope: GrantScope | null;
  prefix: number | null;
  answered_ms: number | null;
  answered_by: string | null;
  note: string | null;
}

export interface ExecutionsTable {
  id: string;
  sandbox: string;
  status: ExecutionRecord['status'];
  steps: string;
  title: string;
  cwd: string;
  labels: string;
  meta: string;
  caller: string;
  started_ms: number;
  /** When it ended: for retention; null while it runs. */
  ended_ms: number | null;
  pid: number | null;
  outcome_kind: OutcomeKind | null;
  outcome_code: number | null;
  outcome_signal: string | null;
  step: number | null;
  duration_ms: number | null;
  user_us: number | null;
  system_us: number | null;
  max_rss_bytes: number | null;
  stdout_bytes: number | null;
  stdout_newlines: number | null;
  stderr_bytes: number | null;
  stderr_newlines: number | null;
  background: number | null;
  message: string | null;
  read_bytes: number | null;
  written_bytes: number | null;
  voluntary_switches: number | null;
  involuntary_switches: number | null;
  peak_processes: number | null;
  receipt: string | null;
  /** Output that has no log files; no list reads it. */
  stdout: Uint8Array | null;
  stderr: Uint8Array | null;
}

/** The labels again, one row each: a list by label is one index walk. */
export interface LabelsTable {
  execution: string;
  key: string;
  value: string;
}

export interface MigrationsTable {
  version: number;
  name: string;
  applied_ms: number;
}

export interface CorralDatabase {
  approvals: ApprovalsTable;
  blocked_commands: BlockedCommandsTable;
  servers: ServersTable;
  sandboxes: SandboxesTable;
  executions: ExecutionsTable;
  execution_labels: LabelsTable;
  migrations: MigrationsTable;
}
