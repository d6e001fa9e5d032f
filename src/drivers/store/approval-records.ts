import type { Selectable } from 'kysely';
import { type ApprovalRecord, type ApprovalStore, coversWords, type GrantScope } from '../../ports/approvals.ts';
import { definedOnly, tooManyApprovals } from './records.ts';
import type { ApprovalsTable } from './schema.ts';
import type { Session } from './session.ts';

/** Grants by prefix that one call is compared with. */
const MAX_PREFIXES = 256;

const toRow = (record: ApprovalRecord): ApprovalsTable => ({
  id: record.id,
  state: record.state,
  binding: record.binding,
  frame: record.frame,
  caller: record.caller,
  via: record.via,
  server: record.server,
  operation: record.operation,
  tool: record.tool,
  text: record.text,
  cwd: record.cwd ?? null,
  rule: record.rule,
  reason: record.reason,
  scopes: JSON.stringify(record.scopes),
  words: record.words === undefined ? null : JSON.stringify(record.words),
  created_ms: record.createdMs,
  expires_ms: record.expiresMs,
  scope: record.scope ?? null,
  prefix: record.prefix ?? null,
  answered_ms: record.answeredMs ?? null,
  answered_by: record.answeredBy ?? null,
  note: record.note ?? null,
});

const fromRow = (row: Selectable<ApprovalsTable>): ApprovalRecord =>
  definedOnly({
    id: row.id,
    state: row.state,
    binding: row.binding,
    frame: row.frame,
    caller: row.caller,
    via: row.via,
    server: row.server,
    operation: row.operation,
    tool: row.tool,
    text: row.text,
    cwd: row.cwd ?? undefined,
    rule: row.rule,
    reason: row.reason,
    scopes: JSON.parse(row.scopes) as GrantScope[],
    words: row.words === null ? undefined : (JSON.parse(row.words) as string[]),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    scope: row.scope ?? undefined,
    prefix: row.prefix ?? undefined,
    answeredMs: row.answered_ms ?? undefined,
    answeredBy: row.answered_by ?? undefined,
    note: row.note ?? undefined,
  });

/** The inbox in the file. A transaction takes the write lock at its beginning: of two servers that look for one grant, the second sees that it is used. */
export const createApprovalRecords = (session: Session): ApprovalStore => ({
  ask: (record, most) =>
    session.run(({ db }) =>
      db.transaction().execute(async (transaction) => {
        const open = transaction.selectFrom('approvals').where('expires_ms', '>', record.createdMs);
        const same = await open
          .selectAll()
          .where('binding', '=', record.binding)
          .where('state', 'in', ['pending', 'denied'])
          .orderBy('created_ms', 'desc')
          .orderBy('id', 'desc')
          .executeTakeFirst();
        if (same !== undefined) return fromRow(same);
        const { waiting } = await open
          .select(({ fn }) => fn.countAll<number>().as('waiting'))
          .where('caller', '=', record.caller)
          .where('state', '=', 'pending')
          .executeTakeFirstOrThrow();
        if (waiting >= most) throw tooManyApprovals(most);
        await transaction.insertInto('approvals').values(toRow(record)).execute();
        return record;
      }),
    ),

  find: (id) =>
    session.run(async ({ db }) => {
      const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      return row && fromRow(row);
    }),

  list: ({ live, nowMs, limit }) =>
    session.run(async ({ db }) => {
      const all = db.selectFrom('approvals').selectAll().orderBy('created_ms', 'desc').orderBy('id', 'desc').limit(limit);
      const rows = await (live ? all.where('state', 'in', ['pending', 'granted']).where('expires_ms', '>', nowMs) : all).execute();
      return rows.map(fromRow);
    }),

  answer: (id, { state, scope, prefix, note, answeredMs, answeredBy, expiresMs }, from) =>
    session.run(async ({ db }) => {
      const { numUpdatedRows } = await db
        .updateTable('approvals')
        .set({
          state,
          scope: scope ?? null,
          prefix: prefix ?? null,
          note: note ?? null,
          answered_ms: answeredMs,
          answered_by: answeredBy,
          expires_ms: expiresMs,
        })
        .where('id', '=', id)
        .where('state', 'in', from)
        .where('expires_ms', '>', answeredMs)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    }),

  take: ({ binding, frame, server, words, nowMs }) =>
    session.run(({ db }) =>
      db.transaction().execute(async (transaction) => {
        const grants = transaction
          .selectFrom('approvals')
          .selectAll()
          .where('state', '=', 'granted')
          .where('expires_ms', '>', nowMs)
          .orderBy('created_ms', 'desc')
          .orderBy('id', 'desc');
        const again = await grants
          .where('binding', '=', binding)
          .where('scope', '=', 'session')
          .where('server', '=', server)
          .executeTakeFirst();
        if (again !== undefined) return fromRow(again);
        if (words !== undefined) {
          const rows = await grants.where('frame', '=', frame).where('scope', '=', 'prefix').limit(MAX_PREFIXES).execute();
          const found = rows.map(fromRow).find((grant) => coversWords(grant, words));
          if (found !== undefined) return found;
        }
        const once = await grants.where('binding', '=', binding).where('scope', '=', 'once').executeTakeFirst();
        if (once === undefined) return undefined;
        await transaction.updateTable('approvals').set({ state: 'used' }).where('id', '=', once.id).execute();
        return fromRow(once);
      }),
    ),

  forget: (expiredBeforeMs) =>
    session.run(async ({ db }) =>
      Number((await db.deleteFrom('approvals').where('expires_ms', '<', expiredBeforeMs).executeTakeFirst()).numDeletedRows),
    ),
});
