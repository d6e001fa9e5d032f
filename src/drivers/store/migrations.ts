import { type Kysely, sql } from 'kysely';
import { CorralError } from '../../ports/errors.ts';
import type { CorralDatabase } from './schema.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  up(db: Kysely<CorralDatabase>): Promise<void>;
}

/** In order, never edited once released. Column types are such that SQLite and Postgres both mean the same. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'servers, sandboxes, executions',
    async up(db) {
      await db.schema
        .createTable('servers')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('pid', 'integer', (column) => column.notNull())
        .addColumn('start_ticks', 'bigint', (column) => column.notNull())
        .addColumn('started_ms', 'bigint', (column) => column.notNull())
        .addColumn('face', 'text', (column) => column.notNull())
        .execute();

      await db.schema
        .createTable('sandboxes')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('driver', 'text', (column) => column.notNull())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('ended_ms', 'bigint')
        .addColumn('workdir', 'text', (column) => column.notNull())
        .addColumn('network', 'text', (column) => column.notNull())
        .addColumn('spec', 'text', (column) => column.notNull())
        .addColumn('handle', 'text', (column) => column.notNull())
        .addColumn('uid', 'bigint')
        .addColumn('reason', 'text')
        .execute();
      await db.schema.createIndex('sandboxes_state').on('sandboxes').columns(['state', 'owner']).execute();
      await db.schema
        .createIndex('sandboxes_living_uid')
        .unique()
        .on('sandboxes')
        .column('uid')
        .where(sql<boolean>`uid is not null and state in ('creating', 'running', 'ending')`)
        .execute();

      await db.schema
        .createTable('executions')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('sandbox', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('steps', 'text', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('cwd', 'text', (column) => column.notNull())
        .addColumn('labels', 'text', (column) => column.notNull())
        .addColumn('meta', 'text', (column) => column.notNull())
        .addColumn('caller', 'text', (column) => column.notNull())
        .addColumn('started_ms', 'bigint', (column) => column.notNull())
        .addColumn('ended_ms', 'bigint')
        .addColumn('pid', 'integer')
        .addColumn('outcome_kind', 'text')
        .addColumn('outcome_code', 'integer')
        .addColumn('outcome_signal', 'text')
        .addColumn('step', 'integer')
        .addColumn('duration_ms', 'double precision')
        .addColumn('user_us', 'bigint')
        .addColumn('system_us', 'bigint')
        .addColumn('max_rss_bytes', 'bigint')
        .addColumn('stdout_bytes', 'bigint')
        .addColumn('stdout_newlines', 'bigint')
        .addColumn('stderr_bytes', 'bigint')
        .addColumn('stderr_newlines', 'bigint')
        .addColumn('background', 'integer')
        .addColumn('message', 'text')
        .execute();
      await db.schema.createIndex('executions_newest').on('executions').columns(['started_ms', 'id']).execute();
      await db.schema.createIndex('executions_of_sandbox').on('executions').columns(['sandbox', 'started_ms', 'id']).execute();
      await db.schema
        .createIndex('executions_running')
        .on('executions')
        .columns(['started_ms', 'id'])
        .where(sql<boolean>`status = 'running'`)
        .execute();
      await db.schema.createIndex('executions_ended').on('executions').columns(['ended_ms', 'stdout_bytes', 'stderr_bytes']).execute();

      await db.schema
        .createTable('execution_labels')
        .addColumn('execution', 'text', (column) => column.notNull().references('executions.id').onDelete('cascade'))
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('execution_labels_key', ['execution', 'key'])
        .execute();
      await db.schema.createIndex('execution_labels_value').on('execution_labels').columns(['key', 'value', 'execution']).execute();
    },
  },
  {
    version: 2,
    name: 'blocked commands',
    async up(db) {
      await db.schema
        .createTable('blocked_commands')
        .addColumn('name', 'text', (column) => column.primaryKey().notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('since_ms', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
  {
    version: 3,
    name: 'approvals',
    async up(db) {
      await db.schema
        .createTable('approvals')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('binding', 'text', (column) => column.notNull())
        .addColumn('frame', 'text', (column) => column.notNull())
        .addColumn('caller', 'text', (column) => column.notNull())
        .addColumn('via', 'text', (column) => column.notNull())
        .addColumn('server', 'text', (column) => column.notNull())
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('tool', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('cwd', 'text')
        .addColumn('rule', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('words', 'text')
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('expires_ms', 'bigint', (column) => column.notNull())
        .addColumn('scope', 'text')
        .addColumn('prefix', 'integer')
        .addColumn('answered_ms', 'bigint')
        .addColumn('answered_by', 'text')
        .addColumn('note', 'text')
        .execute();
      await db.schema.createIndex('approvals_binding').on('approvals').columns(['binding', 'state']).execute();
      await db.schema.createIndex('approvals_frame').on('approvals').columns(['frame', 'state']).execute();
      await db.schema.createIndex('approvals_expiry').on('approvals').columns(['expires_ms', 'state']).execute();
    },
  },
  {
    version: 4,
    name: 'small output with the record',
    async up(db) {
      // SQLite keeps bytes as they are in a column of any type; Postgres has no other name for them.
      await db.schema
        .alterTable('executions')
        .addColumn('stdout', sql`bytea`)
        .execute();
      await db.schema
        .alterTable('executions')
        .addColumn('stderr', sql`bytea`)
        .execute();
    },
  },
  {
    version: 5,
    name: 'receipts',
    async up(db) {
      const numbers = ['read_bytes', 'written_bytes', 'voluntary_switches', 'involuntary_switches', 'peak_processes'];
      for (const name of numbers) await db.schema.alterTable('executions').addColumn(name, 'bigint').execute();
      await db.schema.alterTable('executions').addColumn('receipt', 'text').execute();
    },
  },
];

const LATEST = MIGRATIONS.reduce((latest, { version }) => Math.max(latest, version), 0);

/** Version of the schema in this database; 0 when there is none yet. */
const readVersion = async (db: Kysely<CorralDatabase>): Promise<number> => {
  const row = await db
    .selectFrom('migrations')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirst();
  return row?.version ?? 0;
};

/** True when nothing is left to do. Throws `unsupported` when a newer Corral has been here. */
const isCurrent = (version: number): boolean => {
  if (version > LATEST)
    throw new CorralError('unsupported', `The records have schema version ${version}; this Corral knows versions up to ${LATEST}.`, {
      hint: 'Use the newer Corral that wrote them, or name another state folder in CORRAL_STATE_DIR.',
    });
  return version === LATEST;
};

/**
 * Brings the database to the newest schema, in one transaction: several servers may start at once. `fresh` says that it holds no table.
 */
export const migrate = async (db: Kysely<CorralDatabase>, fresh: boolean, now: () => number): Promise<void> => {
  if (!fresh && isCurrent(await readVersion(db))) return;
  await db.transaction().execute(async (transaction) => {
    await transaction.schema
      .createTable('migrations')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey().notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('applied_ms', 'bigint', (column) => column.notNull())
      .execute();
    const version = await readVersion(transaction);
    if (isCurrent(version)) return;
    for (const migration of MIGRATIONS.filter((candidate) => candidate.version > version)) {
      await migration.up(transaction);
      await transaction.insertInto('migrations').values({ version: migration.version, name: migration.name, applied_ms: now() }).execute();
    }
  });
};
