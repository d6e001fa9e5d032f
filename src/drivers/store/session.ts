import { statSync } from 'node:fs';
import type { Kysely } from 'kysely';
import { createMutex, type Mutex } from '../../lib/mutex.ts';
import { CorralError } from '../../ports/errors.ts';
import { retryWhileBusy } from './busy.ts';
import { moveAside } from './damaged-file.ts';
import { createQueryBuilder } from './dialect.ts';
import { migrate } from './migrations.ts';
import type { OnNotice } from './notice.ts';
import type { CorralDatabase } from './schema.ts';
import { configureEngine, type OpenEngine, type SqliteEngine } from './sqlite-engine.ts';
import { isCorrupt, toStoreError } from './sqlite-error.ts';
import { prepareFile } from './state-folder.ts';

/** "Crrl": tells our file from another program's. */
const APPLICATION_ID = 0x4372_726c;

/** How often it is looked whether another server has moved the file aside. */
const FOLLOW_EVERY_MS = 1_000;

export interface SessionOptions {
  readonly path: string;
  readonly openEngine: OpenEngine;
  readonly onNotice: OnNotice;
  readonly now: () => number;
}

/** The open file and what speaks to it; replaced as one when the file is. */
export interface Connection {
  readonly engine: SqliteEngine;
  readonly db: Kysely<CorralDatabase>;
  /** Held while somebody uses the engine. */
  readonly mutex: Mutex;
  readonly inode: bigint;
}

/** The database of one state folder, through damage and replacement of its file. */
export interface Session extends AsyncDisposable {
  /** The connection of this moment, to the file that now has the name. */
  current(): Promise<Connection>;
  /** Does it on the current connection, once more on a fresh file when the old one proves damaged. Throws CorralError only. */
  run<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

const onlyNumber = (engine: SqliteEngine, sql: string): number => {
  const [row] = engine.prepare(sql).all([]);
  return Number(Object.values(row ?? {})[0] ?? 0);
};

/** True when nothing is in it. Throws when it is another program's; the tables are counted before the mark is read, as it is set before them. */
const claim = (engine: SqliteEngine, path: string): boolean => {
  const tables = onlyNumber(engine, 'select count(*) from sqlite_master');
  const mark = onlyNumber(engine, 'pragma application_id');
  if (mark !== APPLICATION_ID && (mark !== 0 || tables > 0))
    throw new CorralError('unavailable', `${path} is the database of another program.`, {
      hint: 'Name another state folder in CORRAL_STATE_DIR.',
    });
  if (mark === 0) engine.exec(`pragma application_id = ${APPLICATION_ID}`);
  return tables === 0;
};

const connect = async ({ path, openEngine, now }: SessionOptions, inode: bigint, signal?: AbortSignal): Promise<Connection> => {
  const engine = openEngine(path);
  try {
    await retryWhileBusy(() => configureEngine(engine), signal);
    const fresh = await retryWhileBusy(() => claim(engine, path), signal);
    const mutex = createMutex();
    const db = createQueryBuilder(engine, mutex);
    await migrate(db, fresh, now);
    return { engine, db, mutex, inode };
  } catch (error) {
    engine.close();
    throw error;
  }
};

/** Opens the file, a fresh one when what is there is damaged. */
const connectOrReplace = async (options: SessionOptions, signal?: AbortSignal): Promise<Connection> => {
  const { path, onNotice, now } = options;
  const inode = await prepareFile(path, onNotice);
  try {
    return await connect(options, inode, signal);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    await replaceDamaged(path, inode, onNotice, now);
  }
  return await connect(options, await prepareFile(path, onNotice), signal);
};

const replaceDamaged = async (path: string, inode: bigint, onNotice: OnNotice, now: () => number): Promise<void> => {
  const target = await moveAside(path, inode, now);
  onNotice({
    kind: 'replaced',
    message:
      target === undefined
        ? `The records in ${path} were damaged and another server has replaced the file.`
        : `The records in ${path} are damaged: they were moved to ${target} and a fresh file was begun.`,
    hint: 'Living sandboxes are found again by their folders; older records are in the moved file, readable in part by: sqlite3 FILE .recover',
  });
};

const inodeNow = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;

export const openSession = async (options: SessionOptions, signal?: AbortSignal): Promise<Session> => {
  const { path, onNotice, now } = options;
  if (signal?.aborted === true) throw new CorralError('cancelled', 'The opening of the records was cancelled.');
  const replacing = createMutex();
  let looked = performance.now();
  let closed = false;
  let connection = await connectOrReplace(options, signal).catch((error: unknown) => {
    throw toStoreError(error, path);
  });

  /** Leaves `old`, when nobody has done so yet, for the file that has the name by then. */
  const replace = async (old: Connection, damaged: boolean): Promise<void> => {
    const unlock = await replacing.lock();
    try {
      if (connection !== old) return;
      if (damaged) await replaceDamaged(path, old.inode, onNotice, now);
      const fresh = await connectOrReplace(options);
      const release = await old.mutex.lock();
      connection = fresh;
      release();
      // SQLite sees that the file was moved and touches neither the new one nor its WAL.
      old.engine.close();
    } finally {
      unlock();
    }
  };

  const current = async (): Promise<Connection> => {
    if (closed)
      throw new CorralError('unavailable', `The records in ${path} are closed: the server is ending.`, { hint: 'Start the server again.' });
    if (performance.now() - looked > FOLLOW_EVERY_MS) {
      looked = performance.now();
      if (inodeNow(path) !== connection.inode) {
        onNotice({ kind: 'replaced', message: `The file ${path} was replaced; this server goes on with the new one.` });
        await replace(connection, false);
      }
    }
    return connection;
  };

  const attempt = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const used = await current();
    try {
      return await work(used);
    } catch (error) {
      if (isCorrupt(error)) await replace(used, true);
      // Whatever failed on a connection that was replaced meanwhile was rolled back with it.
      if (used === connection) throw error;
      return await work(connection);
    }
  };

  return {
    current,
    async run(work) {
      try {
        return await attempt(work);
      } catch (error) {
        throw toStoreError(error, path);
      }
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      const unlock = await connection.mutex.lock();
      connection.engine.close();
      unlock();
    },
  };
};
