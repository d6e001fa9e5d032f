import { sql } from 'kysely';
import type { ExecutionRecord, RecordedOutput } from '../../ports/store.ts';
import type { ExecutionChange } from './records.ts';
import { type ExecutionRow, type OutputRow, toExecutionChangeRow, toExecutionRow, toOutputRow } from './rows.ts';
import type { Connection } from './session.ts';
import type { SqlValue } from './sqlite-engine.ts';

/** Writes one execution at a time inside an open transaction: the hot path, so each statement is compiled once. */
export interface ExecutionWriter {
  /** False when an execution of that id is already recorded. */
  insert(record: ExecutionRecord, output: RecordedOutput | undefined): boolean;
  /** False when no execution of that id is recorded. */
  change(id: string, change: ExecutionChange, output: RecordedOutput | undefined): boolean;
}

/** Shapes of change in use are a handful; a bound all the same. */
const MAX_SHAPES = 64;

export const createExecutionWriter = ({ engine, db }: Connection, now: () => number): ExecutionWriter => {
  const shapes = new Map<string, string>();
  let insertSql: string | undefined;
  const insertLabelSql = db.insertInto('execution_labels').values({ execution: '', key: '', value: '' }).compile().sql;
  const deleteLabelsSql = db.deleteFrom('execution_labels').where('execution', '=', '').compile().sql;

  const writeLabels = (id: string, labels: string): void => {
    if (labels === '{}') return;
    const statement = engine.prepare(insertLabelSql);
    for (const [key, value] of Object.entries(JSON.parse(labels) as Record<string, string>)) statement.run([id, key, value]);
  };

  /**
   * Parameters, in order: the columns of `row`, then, for a change that finishes it, duration and the time of writing, then the id. SQLite
   * reads `started_ms` and `ended_ms` on the right-hand side as they were before.
   */
  const compileChange = (row: Partial<ExecutionRow & OutputRow>, finishes: boolean): string => {
    const end = sql<number>`coalesce(${row.started_ms === undefined ? sql.ref('started_ms') : sql`cast(${0} as bigint)`} + ${0}, ended_ms, ${0})`;
    return db
      .updateTable('executions')
      .set({ ...row, ...(finishes && { ended_ms: end }) })
      .where('id', '=', '')
      .compile().sql;
  };

  return {
    insert(record, output) {
      const row = { ...toExecutionRow(record, now), ...toOutputRow(output) };
      insertSql ??= db
        .insertInto('executions')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .compile().sql;
      if (engine.prepare(insertSql).run(Object.values(row)) === 0) return false;
      writeLabels(record.id, record.labels);
      return true;
    },
    change(id, change, output) {
      const row: Partial<ExecutionRow & OutputRow> = { ...toExecutionChangeRow(change), ...(output && toOutputRow(output)) };
      const columns = Object.keys(row);
      const finishes = change.status === 'finished';
      if (columns.length === 0) return true;
      const shape = columns.join();
      const text = shapes.get(shape + finishes) ?? compileChange(row, finishes);
      if (shapes.size < MAX_SHAPES) shapes.set(shape + finishes, text);
      const end: SqlValue[] = finishes ? [...(row.started_ms === undefined ? [] : [row.started_ms]), row.duration_ms ?? null, now()] : [];
      if (engine.prepare(text).run([...Object.values(row), ...end, id]) === 0) return false;
      if (change.labels !== undefined) {
        engine.prepare(deleteLabelsSql).run([id]);
        writeLabels(id, change.labels);
      }
      return true;
    },
  };
};
