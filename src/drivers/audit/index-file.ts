import { chmodSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AuditQuery } from '../../ports/audit.ts';
import { CorralError } from '../../ports/errors.ts';
import { findEngine, type SqliteEngine, type SqlValue } from '../store/sqlite-engine.ts';
import { indexPath, listFolder } from './folder.ts';
import { parseLine, type Line } from './line.ts';
import { type RawLine, readLines } from './lines.ts';

/** Where a line stands. */
export interface Place {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A copy of the segments that can be searched; made from them and thrown away at will, never the truth. */
export interface IndexFile extends Disposable {
  /** Takes in what was written since the last time, forgets segments that are gone. */
  update(signal: AbortSignal): Promise<void>;
  /** Newest first. */
  find(query: AuditQuery): readonly Place[];
}

const VERSION = 1;
/** Lines in one transaction. */
const SLICE = 512;

const SCHEMA = `
  create table if not exists segments (path text primary key, taken integer not null);
  create table if not exists events (
    file text not null, start integer not null, bytes integer not null, at_ms integer not null, chain text not null, seq integer not null,
    caller text, operation text, outcome text, code text, line text not null, primary key (file, start)) without rowid;
  create index if not exists events_at on events (at_ms);
  create index if not exists events_operation on events (operation, at_ms);
  create index if not exists events_caller on events (caller, at_ms);
`;

const INSERT = 'insert or ignore into events values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';

const orNull = (value: string | undefined): SqlValue => (typeof value === 'string' ? value : null);

const row = (file: string, chain: string, raw: RawLine, { seq, at, event }: Line): readonly SqlValue[] => [
  file,
  raw.offset,
  raw.bytes,
  Date.parse(at) || 0,
  chain,
  seq,
  orNull(event.caller),
  orNull(event.operation),
  orNull(event.outcome),
  orNull(event.code),
  raw.text,
];

/** Signs that `like` would take for more than themselves. */
const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

const conditions = (query: AuditQuery): { readonly sql: string; readonly values: readonly SqlValue[] } => {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const and = (sql: string, ...more: SqlValue[]): void => {
    parts.push(sql);
    values.push(...more);
  };
  if (query.caller !== undefined) and('caller = ?', query.caller);
  if (query.operation !== undefined) and('operation = ?', query.operation);
  if (query.sinceMs !== undefined) and('at_ms >= ?', query.sinceMs);
  if (query.untilMs !== undefined) and('at_ms <= ?', query.untilMs);
  if (query.outcome !== undefined)
    and(`(outcome = ? or outcome like ? escape '\\' or code = ?)`, query.outcome, `${literal(query.outcome)} %`, query.outcome);
  if (query.text !== undefined) and(`line like ? escape '\\'`, `%${literal(query.text)}%`);
  return { sql: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values };
};

const openFile = (path: string): SqliteEngine => {
  // Made by us first, so that nobody else may read it for a moment and no link is followed.
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  chmodSync(path, 0o600);
  const engine = findEngine()(path);
  engine.exec('pragma busy_timeout = 5000');
  engine.exec('pragma journal_mode = wal');
  engine.exec('pragma synchronous = off');
  return engine;
};

const remove = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
};

/** One that is damaged, or of another version, is made anew. */
const openIndex = (path: string): SqliteEngine => {
  const attempt = (): SqliteEngine => {
    const engine = openFile(path);
    try {
      const [version] = engine.prepare('pragma user_version').all([]);
      const found = Number(version?.['user_version'] ?? 0);
      if (found !== 0 && found !== VERSION) throw new Error(`version ${found}`);
      engine.exec(SCHEMA);
      engine.exec(`pragma user_version = ${VERSION}`);
      return engine;
    } catch (error) {
      engine.close();
      throw error;
    }
  };
  try {
    return attempt();
  } catch {
    remove(path);
  }
  try {
    return attempt();
  } catch (error) {
    throw new CorralError('unavailable', `The index of the audit log ${path} cannot be made: ${(error as Error).message}.`, {
      hint: 'Make room on its disk; the log itself is not touched: `corral audit tail` and `corral audit verify` do without it.',
      cause: error,
    });
  }
};

export const openIndexFile = (folder: string): IndexFile => {
  const engine = openIndex(indexPath(folder));

  const store = (path: string, chain: string, lines: readonly RawLine[]): void => {
    const last = lines.at(-1);
    if (last === undefined) return;
    engine.exec('begin immediate');
    try {
      const insert = engine.prepare(INSERT);
      for (const raw of lines) {
        const line = parseLine(raw.text);
        if (line !== undefined) insert.run(row(path, chain, raw, line));
      }
      engine
        .prepare('insert into segments values (?, ?) on conflict (path) do update set taken = max(taken, excluded.taken)')
        .run([path, last.offset + last.bytes]);
      engine.exec('commit');
    } catch (error) {
      engine.exec('rollback');
      throw error;
    }
  };

  const forget = (path: string): void => {
    engine.prepare('delete from events where file = ?').run([path]);
    engine.prepare('delete from segments where path = ?').run([path]);
  };

  return {
    async update(signal) {
      const { segments } = await listFolder(folder);
      const present = new Set(segments.map(({ path }) => path));
      const taken = new Map(
        engine
          .prepare('select path, taken from segments')
          .all([])
          .map((one) => [String(one['path']), Number(one['taken'])]),
      );
      for (const path of taken.keys()) if (!present.has(path)) forget(path);
      for (const { path, chain } of segments) {
        const { size } = await stat(path);
        const from = taken.get(path) ?? 0;
        if (size < from) forget(path);
        if (size === from) continue;
        let lines: RawLine[] = [];
        for await (const raw of readLines(path, size < from ? 0 : from)) {
          signal.throwIfAborted();
          if (raw.whole) lines.push(raw);
          if (lines.length < SLICE) continue;
          store(path, chain, lines);
          lines = [];
        }
        store(path, chain, lines);
      }
    },
    find(query) {
      const { sql, values } = conditions(query);
      const rows = engine
        .prepare(`select file, start, bytes from events ${sql} order by at_ms desc, chain desc, seq desc limit ?`)
        .all([...values, query.limit]);
      return rows.map((one) => ({ file: String(one['file']), offset: Number(one['start']), bytes: Number(one['bytes']) }));
    },
    [Symbol.dispose]: () => engine.close(),
  };
};
