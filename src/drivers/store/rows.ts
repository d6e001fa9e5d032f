import type { Selectable } from 'kysely';
import type { Outcome, StreamSize, Usage } from '../../ports/sandbox.ts';
import type { ExecutionRecord, RecordedOutput, SandboxRecord, ServerRecord } from '../../ports/store.ts';
import { definedOnly, endOf, type ExecutionChange, type SandboxChange } from './records.ts';
import type { ExecutionsTable, SandboxesTable, ServersTable } from './schema.ts';

type OutputColumn = 'stdout' | 'stderr';
/** Everything but the output. */
export type ExecutionRow = Omit<Selectable<ExecutionsTable>, OutputColumn>;
export type OutputRow = Pick<Selectable<ExecutionsTable>, OutputColumn>;
type SandboxRow = Selectable<SandboxesTable>;
type ServerRow = Selectable<ServersTable>;

export const toServerRow = ({ id, pid, startTicks, startedMs, face }: ServerRecord): ServerRow => ({
  id,
  pid,
  start_ticks: startTicks,
  started_ms: startedMs,
  face,
});

export const fromServerRow = (row: ServerRow): ServerRecord => ({
  id: row.id,
  pid: row.pid,
  startTicks: row.start_ticks,
  startedMs: row.started_ms,
  face: row.face,
});

/** Only the columns that the change names. */
export const toSandboxChangeRow = (change: SandboxChange): Partial<SandboxRow> =>
  definedOnly({
    driver: change.driver,
    owner: change.owner,
    state: change.state,
    created_ms: change.createdMs,
    ended_ms: change.endedMs,
    workdir: change.workdir,
    network: change.network,
    spec: change.spec,
    handle: change.handle,
    uid: change.uid,
    reason: change.reason,
  }) as Partial<SandboxRow>;

export const toSandboxRow = (record: SandboxRecord): SandboxRow =>
  ({ id: record.id, ended_ms: null, uid: null, reason: null, ...toSandboxChangeRow(record) }) as SandboxRow;

export const fromSandboxRow = (row: SandboxRow): SandboxRecord => ({
  id: row.id,
  driver: row.driver,
  owner: row.owner,
  state: row.state,
  createdMs: row.created_ms,
  ...(row.ended_ms !== null && { endedMs: row.ended_ms }),
  workdir: row.workdir,
  network: row.network,
  spec: row.spec,
  handle: row.handle,
  ...(row.uid !== null && { uid: row.uid }),
  ...(row.reason !== null && { reason: row.reason }),
});

const outcomeColumns = (outcome: Outcome | undefined) =>
  outcome && { outcome_kind: outcome.kind, outcome_code: outcome.code ?? null, outcome_signal: outcome.signal ?? null };

const usageColumns = (usage: Usage | undefined) =>
  usage && {
    user_us: usage.userUs,
    system_us: usage.systemUs,
    max_rss_bytes: usage.maxRssBytes,
    read_bytes: usage.readBytes ?? null,
    written_bytes: usage.writtenBytes ?? null,
    voluntary_switches: usage.voluntarySwitches ?? null,
    involuntary_switches: usage.involuntarySwitches ?? null,
    peak_processes: usage.peakProcesses ?? null,
  };

/** Only the columns that the change names; an outcome, a usage or a size changes as a whole. Without `ended_ms`: see the queue. */
export const toExecutionChangeRow = (change: ExecutionChange): Partial<ExecutionRow> =>
  definedOnly({
    sandbox: change.sandbox,
    status: change.status,
    steps: change.steps,
    title: change.title,
    cwd: change.cwd,
    labels: change.labels,
    meta: change.meta,
    caller: change.caller,
    started_ms: change.startedMs,
    pid: change.pid,
    ...outcomeColumns(change.outcome),
    step: change.step,
    duration_ms: change.durationMs,
    ...usageColumns(change.usage),
    ...(change.stdout && { stdout_bytes: change.stdout.bytes, stdout_newlines: change.stdout.newlines }),
    ...(change.stderr && { stderr_bytes: change.stderr.bytes, stderr_newlines: change.stderr.newlines }),
    background: change.background,
    message: change.message,
    receipt: change.receipt,
  }) as Partial<ExecutionRow>;

/** Every column, in one order: the hot path binds them by position. */
export const toExecutionRow = (record: ExecutionRecord, now: () => number): ExecutionRow => ({
  id: record.id,
  sandbox: record.sandbox,
  status: record.status,
  steps: record.steps,
  title: record.title,
  cwd: record.cwd,
  labels: record.labels,
  meta: record.meta,
  caller: record.caller,
  started_ms: record.startedMs,
  ended_ms: endOf(record, now) ?? null,
  pid: record.pid ?? null,
  outcome_kind: record.outcome?.kind ?? null,
  outcome_code: record.outcome?.code ?? null,
  outcome_signal: record.outcome?.signal ?? null,
  step: record.step ?? null,
  duration_ms: record.durationMs ?? null,
  user_us: record.usage?.userUs ?? null,
  system_us: record.usage?.systemUs ?? null,
  max_rss_bytes: record.usage?.maxRssBytes ?? null,
  stdout_bytes: record.stdout?.bytes ?? null,
  stdout_newlines: record.stdout?.newlines ?? null,
  stderr_bytes: record.stderr?.bytes ?? null,
  stderr_newlines: record.stderr?.newlines ?? null,
  background: record.background ?? null,
  message: record.message ?? null,
  read_bytes: record.usage?.readBytes ?? null,
  written_bytes: record.usage?.writtenBytes ?? null,
  voluntary_switches: record.usage?.voluntarySwitches ?? null,
  involuntary_switches: record.usage?.involuntarySwitches ?? null,
  peak_processes: record.usage?.peakProcesses ?? null,
  receipt: record.receipt ?? null,
});

/** What a reader of records selects. */
export const EXECUTION_COLUMNS = Object.keys(
  toExecutionRow(
    { id: '', sandbox: '', status: 'running', steps: '', title: '', cwd: '', labels: '', meta: '', caller: '', startedMs: 0 },
    () => 0,
  ),
) as readonly (keyof ExecutionRow)[];

/** SQLite through `libsql` binds bytes as Buffers only. An empty stream needs no value. */
const toBytes = (bytes: Uint8Array | undefined): Uint8Array | null =>
  bytes === undefined || bytes.length === 0 ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const toOutputRow = (output: RecordedOutput | undefined): OutputRow => ({
  stdout: toBytes(output?.stdout),
  stderr: toBytes(output?.stderr),
});

/** `libsql` gives an ArrayBuffer where node:sqlite gives a Uint8Array; a null is an empty stream. */
const fromBytes = (value: Uint8Array | null): Uint8Array => (value === null ? new Uint8Array() : new Uint8Array(value));

export const fromOutputRow = ({ stdout, stderr }: OutputRow): RecordedOutput | undefined =>
  stdout === null && stderr === null ? undefined : { stdout: fromBytes(stdout), stderr: fromBytes(stderr) };

const toOutcome = (row: ExecutionRow): Outcome | undefined =>
  row.outcome_kind === null
    ? undefined
    : {
        kind: row.outcome_kind,
        ...(row.outcome_code !== null && { code: row.outcome_code }),
        ...(row.outcome_signal !== null && { signal: row.outcome_signal }),
      };

const toUsage = (row: ExecutionRow): Usage | undefined =>
  row.user_us === null
    ? undefined
    : definedOnly<Usage>({
        userUs: row.user_us,
        systemUs: row.system_us ?? 0,
        maxRssBytes: row.max_rss_bytes ?? 0,
        readBytes: row.read_bytes ?? undefined,
        writtenBytes: row.written_bytes ?? undefined,
        voluntarySwitches: row.voluntary_switches ?? undefined,
        involuntarySwitches: row.involuntary_switches ?? undefined,
        peakProcesses: row.peak_processes ?? undefined,
      });

const toStreamSize = (bytes: number | null, newlines: number | null): StreamSize | undefined =>
  bytes === null ? undefined : { bytes, newlines: newlines ?? 0 };

export const fromExecutionRow = (row: ExecutionRow): ExecutionRecord =>
  definedOnly<ExecutionRecord>({
    id: row.id,
    sandbox: row.sandbox,
    status: row.status,
    steps: row.steps,
    title: row.title,
    cwd: row.cwd,
    labels: row.labels,
    meta: row.meta,
    caller: row.caller,
    startedMs: row.started_ms,
    pid: row.pid ?? undefined,
    outcome: toOutcome(row),
    step: row.step ?? undefined,
    durationMs: row.duration_ms ?? undefined,
    usage: toUsage(row),
    stdout: toStreamSize(row.stdout_bytes, row.stdout_newlines),
    stderr: toStreamSize(row.stderr_bytes, row.stderr_newlines),
    background: row.background ?? undefined,
    message: row.message ?? undefined,
    receipt: row.receipt ?? undefined,
  });
