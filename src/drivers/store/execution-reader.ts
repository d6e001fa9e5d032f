import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { ExecutionQuery, ExecutionRecord, RecordedOutput } from '../../ports/store.ts';
import { type Pending, pendingRecord } from './execution-queue.ts';
import { applyChange, goneCursor, matches, newestFirst } from './records.ts';
import { EXECUTION_COLUMNS, type ExecutionRow, fromExecutionRow, fromOutputRow } from './rows.ts';
import type { CorralDatabase } from './schema.ts';

/** Reads of executions: what the file holds, with what waits to be written laid over it. */

type Database = Kysely<CorralDatabase>;
type PendingById = ReadonlyMap<string, Pending>;
type ExecutionsQuery = SelectQueryBuilder<CorralDatabase, 'executions', ExecutionRow>;

/** Parameters in one statement. */
const CHUNK = 500;

const everyChunk = function* (ids: readonly string[]): Iterable<readonly string[]> {
  for (let start = 0; start < ids.length; start += CHUNK) yield ids.slice(start, start + CHUNK);
};

export const readExecution = async (db: Database, id: string, pending: Pending | undefined): Promise<ExecutionRecord | undefined> => {
  const waiting = pending && pendingRecord(pending);
  if (waiting !== undefined) return waiting;
  const row = await db.selectFrom('executions').select(EXECUTION_COLUMNS).where('id', '=', id).executeTakeFirst();
  return row && applyChange(fromExecutionRow(row), pending?.change ?? {});
};

export const readOutput = async (db: Database, id: string): Promise<RecordedOutput | undefined> => {
  const row = await db.selectFrom('executions').select(['stdout', 'stderr']).where('id', '=', id).executeTakeFirst();
  return row && fromOutputRow(row);
};

/** The status as a literal, so that the index over the running ones serves. */
const filtered = (query: ExecutionsQuery, { status, sandbox, labels }: ExecutionQuery): ExecutionsQuery => {
  let wanted = query;
  if (status !== undefined) wanted = wanted.where(sql<boolean>`status = ${sql.lit(status)}`);
  if (sandbox !== undefined) wanted = wanted.where('sandbox', '=', sandbox);
  for (const [key, value] of Object.entries(labels ?? {}))
    wanted = wanted.where('id', 'in', (all) =>
      all.selectFrom('execution_labels').select('execution').where('key', '=', key).where('value', '=', value),
    );
  return wanted;
};

const readByIds = async (db: Database, ids: readonly string[]): Promise<ExecutionRecord[]> => {
  const found: ExecutionRecord[] = [];
  for (const some of everyChunk(ids))
    found.push(...(await db.selectFrom('executions').select(EXECUTION_COLUMNS).where('id', 'in', some).execute()).map(fromExecutionRow));
  return found;
};

export const readExecutions = async (db: Database, query: ExecutionQuery, pending: PendingById): Promise<readonly ExecutionRecord[]> => {
  const before = query.before === undefined ? undefined : await readExecution(db, query.before, pending.get(query.before));
  if (query.before !== undefined && before === undefined) throw goneCursor(query.before);

  const changed = [...pending].filter(([, { record }]) => record === undefined).map(([id]) => id);
  let select = filtered(db.selectFrom('executions').select(EXECUTION_COLUMNS), query);
  if (before !== undefined) select = select.where(sql<boolean>`(started_ms, id) < (${before.startedMs}, ${before.id})`);
  for (const some of everyChunk(changed)) select = select.where('id', 'not in', some);
  const rows = await select.orderBy('started_ms', 'desc').orderBy('id', 'desc').limit(query.limit).execute();

  const overlaid = (await readByIds(db, changed)).map((record) => applyChange(record, pending.get(record.id)?.change ?? {}));
  const inserted = [...pending.values()].flatMap((one) => pendingRecord(one) ?? []);
  const waiting = [...overlaid, ...inserted].filter((record) => matches(record, query, before));
  const all = new Map([...waiting, ...rows.map(fromExecutionRow)].map((record) => [record.id, record]));
  return [...all.values()].sort(newestFirst).slice(0, query.limit);
};

export const readFinishedBefore = async (
  db: Database,
  ms: number,
  limit: number,
  sandbox?: string,
): Promise<readonly ExecutionRecord[]> => {
  let query = db.selectFrom('executions').select(EXECUTION_COLUMNS).where('ended_ms', '<', ms);
  if (sandbox !== undefined) query = query.where('sandbox', '=', sandbox);
  const rows = await query.orderBy('ended_ms').orderBy('id').limit(limit).execute();
  return rows.map(fromExecutionRow);
};

const KEPT_BYTES = sql<number>`coalesce(sum(coalesce(stdout_bytes, 0) + coalesce(stderr_bytes, 0)), 0)`;

/** Of all, from the index alone: it holds both columns. */
export const readLogBytes = async (db: Database, sandbox?: string): Promise<number> => {
  let query = db.selectFrom('executions').select(KEPT_BYTES.as('bytes'));
  if (sandbox !== undefined) query = query.where('sandbox', '=', sandbox);
  return (await query.executeTakeFirstOrThrow()).bytes;
};

export const readSandboxesOver = async (db: Database, bytes: number): Promise<readonly string[]> => {
  const rows = await db.selectFrom('executions').select('sandbox').groupBy('sandbox').having(KEPT_BYTES, '>', bytes).execute();
  return rows.map(({ sandbox }) => sandbox);
};

export const deleteExecutions = async (db: Database, ids: readonly string[]): Promise<void> => {
  await db.transaction().execute(async (transaction) => {
    for (const some of everyChunk(ids)) await transaction.deleteFrom('executions').where('id', 'in', some).execute();
  });
};
