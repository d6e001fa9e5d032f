import { join } from 'node:path';
import type { Store } from '../../ports/store.ts';
import { createApprovalRecords } from './approval-records.ts';
import { createExecutionQueue, type StoreHealth } from './execution-queue.ts';
import {
  deleteExecutions,
  readExecution,
  readExecutions,
  readFinishedBefore,
  readLogBytes,
  readSandboxesOver,
  readOutput,
} from './execution-reader.ts';
import type { OnNotice } from './notice.ts';
import { fromServerRow, toServerRow } from './rows.ts';
import { deleteEmptySandboxes, insertSandbox, readSandbox, readSandboxes, updateSandbox } from './sandbox-records.ts';
import { openSession } from './session.ts';
import { findEngine, type OpenEngine } from './sqlite-engine.ts';

export type { StoreHealth } from './execution-queue.ts';
export type { StoreNotice } from './notice.ts';

export const STORE_FILE = 'corral.db';

export interface StoreOptions {
  /** The state folder; made, private, when it is not there. */
  readonly folder: string;
  /** Told of what the operator should know. Must not throw. */
  readonly onNotice: OnNotice;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
  /** For tests: an engine that fails on demand. */
  readonly openEngine?: OpenEngine;
}

/** The records in a file, and how they fare. */
export interface SqliteStore extends Store {
  readonly path: string;
  health(): StoreHealth;
}

/** Opens `corral.db` in the state folder. Throws `unavailable` when it cannot be, `unsupported` when a newer Corral wrote it. */
export const openStore = async (options: StoreOptions): Promise<SqliteStore> => {
  const { folder, onNotice, signal, now = Date.now, openEngine = findEngine() } = options;
  const path = join(folder, STORE_FILE);
  const session = await openSession({ path, openEngine, onNotice, now }, signal);
  const queue = createExecutionQueue(session, onNotice, now);

  /** For retention, which makes room on a full disk: what cannot be written just now is not needed for it. */
  const flushIfPossible = async (): Promise<void> => {
    await queue.flush().catch(() => 'told by the queue');
  };

  return {
    path,
    health: queue.health,
    approvals: createApprovalRecords(session),

    blockCommand: ({ name, by, sinceMs }) =>
      session.run(async ({ db }) => {
        const row = { name, by, since_ms: sinceMs };
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('blocked_commands')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return (numInsertedOrUpdatedRows ?? 0n) > 0n;
      }),
    unblockCommand: (name) =>
      session.run(
        async ({ db }) => (await db.deleteFrom('blocked_commands').where('name', '=', name).executeTakeFirst()).numDeletedRows > 0n,
      ),
    blockedCommands: () =>
      session.run(async ({ db }) =>
        (await db.selectFrom('blocked_commands').selectAll().orderBy('name').execute()).map(({ name, by, since_ms }) => ({
          name,
          by,
          sinceMs: since_ms,
        })),
      ),

    putServer: (server) =>
      session.run(async ({ db }) => {
        const { id, ...rest } = toServerRow(server);
        await db
          .insertInto('servers')
          .values({ id, ...rest })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
          .execute();
      }),
    removeServer: (id) =>
      session.run(async ({ db }) => {
        await db.deleteFrom('servers').where('id', '=', id).execute();
      }),
    servers: () =>
      session.run(async ({ db }) =>
        (await db.selectFrom('servers').selectAll().orderBy('started_ms').orderBy('id').execute()).map(fromServerRow),
      ),

    insertSandbox: (record, uidRange) => session.run(({ db }) => insertSandbox(db, record, uidRange)),
    updateSandbox: (id, change, expectedOwner) => session.run(({ db }) => updateSandbox(db, id, change, expectedOwner)),
    sandbox: (id) => session.run(({ db }) => readSandbox(db, id)),
    sandboxes: (query = {}) => session.run(({ db }) => readSandboxes(db, query)),
    deleteEmptySandboxes: async (endedBeforeMs) => {
      await flushIfPossible();
      return session.run(({ db }) => deleteEmptySandboxes(db, endedBeforeMs));
    },

    insertExecution: (record) => queue.insert(record),
    finishExecution: (id, change, output) => queue.change(id, change, output),
    executionOutput: async (id) => queue.get(id)?.output ?? (await session.run(({ db }) => readOutput(db, id))),
    execution(id) {
      const pending = queue.get(id);
      return session.run(({ db }) => readExecution(db, id, pending));
    },
    executions(query) {
      const pending = queue.snapshot();
      return session.run(({ db }) => readExecutions(db, query, pending));
    },
    async finishedBefore(ms, limit, sandbox) {
      await flushIfPossible();
      return await session.run(({ db }) => readFinishedBefore(db, ms, limit, sandbox));
    },
    async logBytes(sandbox) {
      await flushIfPossible();
      return await session.run(({ db }) => readLogBytes(db, sandbox));
    },
    async sandboxesOver(bytes) {
      await flushIfPossible();
      return await session.run(({ db }) => readSandboxesOver(db, bytes));
    },
    async deleteExecutions(ids) {
      await queue.flush();
      await session.run(({ db }) => deleteExecutions(db, ids));
    },
    flush: () => queue.flush(),

    async [Symbol.asyncDispose]() {
      try {
        await queue.flush();
      } finally {
        queue.stop();
        await session[Symbol.asyncDispose]();
      }
    },
  };
};
