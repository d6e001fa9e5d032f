import { createRequire } from 'node:module';
import { CorralError } from '../../ports/errors.ts';

export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlStatement {
  all(parameters: readonly SqlValue[]): readonly SqlRow[];
  /** Number of rows changed. */
  run(parameters: readonly SqlValue[]): number;
}

/** One open SQLite file, synchronous: SQLite answers from memory or from one disk read. */
export interface SqliteEngine {
  readonly name: 'node:sqlite' | 'libsql';
  exec(sql: string): void;
  /** Prepared once per text; the most recently used are kept. */
  prepare(sql: string): SqlStatement;
  close(): void;
}

export type OpenEngine = (path: string) => SqliteEngine;

/** SQLite itself may hold the thread this long for another process' write; longer waits are timers (see connection.ts). */
const BUSY_TIMEOUT_MS = 2;

/** Texts are few: the records' operations and one for each shape of change. */
const MAX_PREPARED = 64;

const withStatementCache = (prepare: (sql: string) => SqlStatement): ((sql: string) => SqlStatement) => {
  const kept = new Map<string, SqlStatement>();
  return (sql) => {
    const found = kept.get(sql);
    if (found !== undefined) {
      kept.delete(sql);
      kept.set(sql, found);
      return found;
    }
    const statement = prepare(sql);
    kept.set(sql, statement);
    const [oldest] = kept.keys();
    if (kept.size > MAX_PREPARED && oldest !== undefined) kept.delete(oldest);
    return statement;
  };
};

/** SQLite as it comes with Node; undefined before Node 22.13, where it is absent or behind a flag. */
export const nodeEngine = (): OpenEngine | undefined => {
  const sqlite = process.getBuiltinModule('node:sqlite');
  if (sqlite === undefined) return undefined;
  return (path) => {
    const database = new sqlite.DatabaseSync(path);
    return {
      name: 'node:sqlite',
      exec: (sql) => database.exec(sql),
      prepare: withStatementCache((sql) => {
        const statement = database.prepare(sql);
        return {
          all: (parameters) => statement.all(...parameters) as SqlRow[],
          run: (parameters) => Number(statement.run(...parameters).changes),
        };
      }),
      close: () => database.close(),
    };
  };
};

/** What is used of the package `libsql`; its own types are those of another package. */
interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): { all(parameters: readonly SqlValue[]): SqlRow[]; run(parameters: readonly SqlValue[]): { changes: number } };
  close(): void;
}

/** The optional dependency `libsql`, loaded only where Node has no SQLite: it is a native addon. */
export const libsqlEngine = (): OpenEngine => {
  let Database: new (path: string) => LibsqlDatabase;
  try {
    Database = createRequire(import.meta.url)('libsql') as typeof Database;
  } catch (cause) {
    throw new CorralError(
      'unavailable',
      'No SQLite here: this Node has none built in and the optional package "libsql" cannot be loaded.',
      {
        hint: 'Use Node 24 or later, or install Corral again without --omit=optional.',
        cause,
      },
    );
  }
  return (path) => {
    const database = new Database(path);
    return {
      name: 'libsql',
      exec: (sql) => database.exec(sql),
      prepare: withStatementCache((sql) => {
        const statement = database.prepare(sql);
        return {
          all: (parameters) => statement.all(parameters),
          run: (parameters) => statement.run(parameters).changes,
        };
      }),
      close: () => database.close(),
    };
  };
};

/** The SQLite of this machine. Throws `unavailable` when there is none. */
export const findEngine = (): OpenEngine => nodeEngine() ?? libsqlEngine();

/** How a connection behaves; WAL lets other processes read while one writes. */
export const configureEngine = (engine: SqliteEngine): void => {
  engine.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  engine.exec('pragma journal_mode = wal');
  engine.exec('pragma synchronous = normal');
  engine.exec('pragma foreign_keys = on');
};
