import { setImmediate as nextTurn } from 'node:timers/promises';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { ExecutionRecord, RecordedOutput } from '../../ports/store.ts';
import { retryWhileBusy } from './busy.ts';
import { rollback } from './dialect.ts';
import { createExecutionWriter, type ExecutionWriter } from './execution-writer.ts';
import type { OnNotice } from './notice.ts';
import { applyChange, type ExecutionChange, storableExecution } from './records.ts';
import type { Connection, Session } from './session.ts';
import { SQLITE, sqliteCode } from './sqlite-error.ts';

/** From the first record of a group to its commit: half of the promised 20 ms, the rest is for a busy loop and a busy file. */
const GROUP_MS = 10;

/** Rows in one transaction: about two milliseconds of the event loop. */
const SLICE = 128;

/** Between two trials while the file cannot be written. */
const RETRY_MS = 1_000;

/** No new execution is taken beyond this many unwritten records: it would run without a trace. */
const MAX_QUEUED = 4_096;

/** Ends are taken for twice as long: they have already happened. */
const MAX_QUEUED_ENDS = 2 * MAX_QUEUED;

/** What waits to be written of one execution: a new record, what changed since, or both. */
export interface Pending {
  readonly record?: ExecutionRecord;
  readonly change?: ExecutionChange;
  /** Comes with the change that ends it. */
  readonly output?: RecordedOutput | undefined;
}

export interface StoreHealth {
  readonly ok: boolean;
  /** Executions that wait to be written. */
  readonly queued: number;
  /** Why they cannot be written; absent while all is well. */
  readonly problem?: CorralError;
}

/** Group commit: records of executions wait a few milliseconds and are written many in one transaction. */
export interface ExecutionQueue {
  insert(record: ExecutionRecord): void;
  change(id: string, change: ExecutionChange, output?: RecordedOutput): void;
  get(id: string): Pending | undefined;
  /** All that waits at this moment. */
  snapshot(): ReadonlyMap<string, Pending>;
  /** Resolves when all that waited is written, throws when it cannot be; it goes on waiting then. */
  flush(): Promise<void>;
  health(): StoreHealth;
  /** No more timers: what still waits is given up. */
  stop(): void;
}

/** A record as a reader should see it; undefined when the file holds its beginning. */
export const pendingRecord = ({ record, change }: Pending): ExecutionRecord | undefined =>
  record === undefined || change === undefined ? record : applyChange(record, change);

/** A constraint, a value that cannot be bound, labels that are no JSON: SQLite undoes that statement only, the transaction goes on. */
const isTheRecordsFault = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof SyntaxError || sqliteCode(error) === SQLITE.CONSTRAINT;

/** Why a single record was refused; undefined when it was written. Whatever is wrong with the file itself is thrown. */
const writeOne = (write: ExecutionWriter, id: string, one: Pending): string | undefined => {
  const { change, output } = one;
  const record = pendingRecord(one);
  try {
    if (record === undefined) return change === undefined || write.change(id, change, output) ? undefined : 'its beginning is not recorded';
    if (write.insert(record, output)) return undefined;
    if (change !== undefined) write.change(id, change, output);
    return 'its beginning is recorded already';
  } catch (error) {
    if (isTheRecordsFault(error)) return error.message;
    throw error;
  }
};

export const createExecutionQueue = (session: Session, onNotice: OnNotice, now: () => number): ExecutionQueue => {
  const pending = new Map<string, Pending>();
  let timer: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;
  let problem: CorralError | undefined;
  let stopped = false;
  let prepared: { readonly connection: Connection; readonly writer: ExecutionWriter } | undefined;

  const writerOf = (connection: Connection): ExecutionWriter => {
    if (prepared?.connection !== connection) prepared = { connection, writer: createExecutionWriter(connection, now) };
    return prepared.writer;
  };

  /** One transaction, synchronous: nothing is queued or read meanwhile. */
  const writeSlice = (connection: Connection): void => {
    const { engine } = connection;
    const writer = writerOf(connection);
    const refused = new Map<string, string>();
    const slice: string[] = [];
    engine.exec('begin immediate');
    try {
      for (const [id, one] of pending) {
        const why = writeOne(writer, id, one);
        if (why !== undefined) refused.set(id, why);
        if (slice.push(id) === SLICE) break;
      }
      engine.exec('commit');
    } catch (error) {
      rollback(engine);
      throw error;
    }
    for (const id of slice) pending.delete(id);
    for (const [id, why] of refused)
      onNotice({ kind: 'record_rejected', message: `A record of the execution ${id} was not written: ${why}.` });
  };

  const drain = async (): Promise<void> => {
    while (pending.size > 0) {
      await session.run(async (connection) => {
        const unlock = await connection.mutex.lock();
        try {
          await retryWhileBusy(() => writeSlice(connection));
        } finally {
          unlock();
        }
      });
      await nextTurn();
    }
  };

  const failed = (error: CorralError): void => {
    if (problem === undefined)
      onNotice({ kind: 'writing_failed', message: `${error.message} Records wait in memory and are tried again.`, hint: error.hint });
    problem = error;
  };

  const succeeded = (): void => {
    if (problem !== undefined) onNotice({ kind: 'writing_resumed', message: 'The waiting records are written.' });
    problem = undefined;
  };

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    draining ??= drain().finally(() => {
      draining = undefined;
    });
    try {
      await draining;
    } catch (error) {
      failed(toCorralError(error));
      schedule();
      throw error;
    }
    succeeded();
  };

  const schedule = (): void => {
    if (timer !== undefined || draining !== undefined || stopped) return;
    const begin = (): void => {
      flush().catch(() => 'kept, and told by failed()');
    };
    timer = setTimeout(begin, problem === undefined ? GROUP_MS : RETRY_MS);
    if (problem !== undefined) timer.unref();
  };

  const put = (id: string, one: Pending): void => {
    pending.set(id, one);
    schedule();
  };

  const refuse = (): CorralError =>
    problem ??
    new CorralError('limit_exceeded', `${pending.size} records of executions wait to be written.`, {
      hint: 'Start fewer executions at once.',
    });

  return {
    insert(record) {
      if (pending.size >= MAX_QUEUED) throw refuse();
      put(record.id, { record: storableExecution(record) });
    },
    change(id, change, output) {
      const waiting = pending.get(id);
      if (waiting === undefined && pending.size >= MAX_QUEUED_ENDS) throw refuse();
      put(id, { ...waiting, change: applyChange(waiting?.change ?? {}, storableExecution(change)), ...(output && { output }) });
    },
    get: (id) => pending.get(id),
    snapshot: () => new Map(pending),
    flush,
    health: () => ({ ok: problem === undefined, queued: pending.size, ...(problem && { problem }) }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
