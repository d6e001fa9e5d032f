import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Mutex, Unlock } from '../../lib/mutex.ts';
import { CorralError } from '../../ports/errors.ts';
import { retryWhileBusy } from './busy.ts';
import type { CorralDatabase } from './schema.ts';
import type { SqliteEngine, SqlValue } from './sqlite-engine.ts';
import { sqliteCode } from './sqlite-error.ts';

/** SQLITE_ERROR: here, that a failed statement has already rolled the transaction back. */
const GENERIC_ERROR = 1;

const givesRows = ({ query }: CompiledQuery): boolean =>
  query.kind === 'SelectQueryNode' || ('returning' in query && query.returning !== undefined);

const createConnection = (engine: SqliteEngine): DatabaseConnection => ({
  async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = compiled.parameters as readonly SqlValue[];
    return await retryWhileBusy(() => {
      const statement = engine.prepare(compiled.sql);
      if (givesRows(compiled)) return { rows: statement.all(parameters) as R[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(parameters)) };
    });
  },
  streamQuery(): AsyncIterableIterator<never> {
    throw new CorralError('unsupported', 'Queries are not streamed: ask for pages.');
  },
});

/** One connection, one user at a time; transactions take the write lock at their beginning, so none fails half way for it. */
const createDriver = (engine: SqliteEngine, mutex: Mutex): Driver => {
  const connection = createConnection(engine);
  let unlock: Unlock | undefined;
  return {
    init: async () => undefined,
    async acquireConnection() {
      unlock = await mutex.lock();
      return connection;
    },
    async beginTransaction() {
      await retryWhileBusy(() => engine.exec('begin immediate'));
    },
    async commitTransaction() {
      engine.exec('commit');
    },
    async rollbackTransaction() {
      rollback(engine);
    },
    async releaseConnection() {
      unlock?.();
    },
    destroy: async () => undefined,
  };
};

/** Ends a transaction that failed; SQLite may have ended it by itself (disk full, I/O error). */
export const rollback = (engine: SqliteEngine): void => {
  try {
    engine.exec('rollback');
  } catch (error) {
    if (sqliteCode(error) !== GENERIC_ERROR) throw error;
  }
};

/** Kysely over an open engine. The engine stays its opener's to close. */
export const createQueryBuilder = (engine: SqliteEngine, mutex: Mutex): Kysely<CorralDatabase> => {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(engine, mutex),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<CorralDatabase>({ dialect });
};
