import type { Kysely } from 'kysely';
import type { SandboxRecord } from '../../ports/store.ts';
import { chooseUid, type SandboxChange, sandboxExists, sandboxMissing, sandboxTaken, type UidRange, uidTaken } from './records.ts';
import { fromSandboxRow, toSandboxChangeRow, toSandboxRow } from './rows.ts';
import type { CorralDatabase } from './schema.ts';

type Database = Kysely<CorralDatabase>;

const LIVING = ['creating', 'running', 'ending'] as const;
const ENDED = ['ended', 'failed'] as const;

export const readSandbox = async (db: Database, id: string): Promise<SandboxRecord | undefined> => {
  const row = await db.selectFrom('sandboxes').selectAll().where('id', '=', id).executeTakeFirst();
  return row && fromSandboxRow(row);
};

export const readSandboxes = async (
  db: Database,
  query: { readonly living?: boolean; readonly owner?: string },
): Promise<readonly SandboxRecord[]> => {
  let select = db.selectFrom('sandboxes').selectAll();
  if (query.living !== undefined) select = select.where('state', 'in', query.living ? LIVING : ENDED);
  if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
  return (await select.orderBy('created_ms', 'desc').orderBy('id', 'desc').execute()).map(fromSandboxRow);
};

const takenUids = async (db: Database): Promise<ReadonlySet<number>> => {
  const rows = await db.selectFrom('sandboxes').select('uid').where('uid', 'is not', null).where('state', 'in', LIVING).execute();
  return new Set(rows.flatMap(({ uid }) => uid ?? []));
};

const lastUid = async (db: Database): Promise<number | undefined> => {
  const last = await db
    .selectFrom('sandboxes')
    .select('uid')
    .where('uid', 'is not', null)
    .orderBy('created_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.uid ?? undefined;
};

export const insertSandbox = (db: Database, record: SandboxRecord, range: UidRange | undefined): Promise<SandboxRecord> =>
  db.transaction().execute(async (transaction) => {
    if ((await readSandbox(transaction, record.id)) !== undefined) throw sandboxExists(record.id);
    const taken = await takenUids(transaction);
    if (range === undefined && record.uid !== undefined && taken.has(record.uid)) throw uidTaken(record.uid);
    const kept = range === undefined ? record : { ...record, uid: chooseUid(range, taken, await lastUid(transaction)) };
    await transaction.insertInto('sandboxes').values(toSandboxRow(kept)).execute();
    return kept;
  });

export const updateSandbox = (db: Database, id: string, change: SandboxChange, expectedOwner: string | undefined): Promise<void> =>
  db.transaction().execute(async (transaction) => {
    const found = await transaction.selectFrom('sandboxes').select('owner').where('id', '=', id).executeTakeFirst();
    if (found === undefined) throw sandboxMissing(id);
    if (expectedOwner !== undefined && found.owner !== expectedOwner) throw sandboxTaken(id, found.owner);
    const row = toSandboxChangeRow(change);
    if (Object.keys(row).length > 0) await transaction.updateTable('sandboxes').set(row).where('id', '=', id).execute();
  });

export const deleteEmptySandboxes = (db: Database, endedBeforeMs: number): Promise<readonly string[]> =>
  db.transaction().execute(async (transaction) => {
    const empty = await transaction
      .selectFrom('sandboxes')
      .select('id')
      .where('state', 'in', ENDED)
      .where('ended_ms', '<', endedBeforeMs)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('executions').select('executions.id').whereRef('executions.sandbox', '=', 'sandboxes.id'))),
      )
      .limit(100)
      .execute();
    const ids = empty.map(({ id }) => id);
    if (ids.length > 0) await transaction.deleteFrom('sandboxes').where('id', 'in', ids).execute();
    return ids;
  });
