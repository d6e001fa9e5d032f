import { CorralError } from '../../ports/errors.ts';
import type { ExecutionQuery, ExecutionRecord, SandboxRecord, SandboxState } from '../../ports/store.ts';

/** What records mean, the same in every store. */

export type ExecutionChange = Partial<Omit<ExecutionRecord, 'id'>>;
export type SandboxChange = Partial<Omit<SandboxRecord, 'id'>>;

const LIVING: readonly SandboxState[] = ['creating', 'running', 'ending'];

export const isLiving = ({ state }: SandboxRecord): boolean => LIVING.includes(state);

/** A copy with the fields of the change that are not undefined: an undefined field leaves the record's as it is. */
export const applyChange = <T extends object>(record: T, change: NoInfer<Partial<T>>): T => {
  const changed = { ...record };
  for (const name in change) if (change[name] !== undefined) changed[name] = change[name];
  return changed;
};

/** Without the fields that are undefined. */
export const definedOnly = <T extends object>(value: T): T => applyChange({} as T, value);

/** NUL ends a text for some databases and no UTF-8 holds half a surrogate pair: neither can be in a text that must come back as it was. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu;

const storable = (text: string | undefined): string | undefined => text?.replace(UNSTORABLE, '\ufffd');

/** With U+FFFD for what no database keeps, in the fields that people or programs wrote freely; the others are JSON or ids. */
export const storableExecution = <T extends ExecutionChange>(record: T): T =>
  ({ ...record, ...definedOnly({ title: storable(record.title), cwd: storable(record.cwd), message: storable(record.message) }) }) as T;

/** When it ended: its own clock where it is known, else the moment of the record. Undefined while it runs. */
export const endOf = ({ status, startedMs, durationMs }: ExecutionRecord, now: () => number): number | undefined =>
  status === 'finished' ? (durationMs === undefined ? now() : startedMs + durationMs) : undefined;

type Position = Pick<ExecutionRecord, 'id' | 'startedMs'>;

/** Newest first; the id decides between those of the same millisecond. */
export const newestFirst = (a: Position, b: Position): number => b.startedMs - a.startedMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** Does it belong in the answer? `before` is the record the list continues from. */
export const matches = (record: ExecutionRecord, query: ExecutionQuery, before: Position | undefined): boolean => {
  if (query.status !== undefined && record.status !== query.status) return false;
  if (query.sandbox !== undefined && record.sandbox !== query.sandbox) return false;
  if (before !== undefined && newestFirst(record, before) <= 0) return false;
  const wanted = Object.entries(query.labels ?? {});
  if (wanted.length === 0) return true;
  const labels = JSON.parse(record.labels) as Record<string, string>;
  return wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
};

export const goneCursor = (id: string): CorralError =>
  new CorralError('not_found', `The execution ${id}, from which the list was to continue, is no longer recorded.`, {
    hint: 'List again from the beginning.',
  });

export interface UidRange {
  readonly first: number;
  readonly count: number;
}

/** The next free uid after the one given last, round the range: a uid rests as long as possible before it is used again. */
export const chooseUid = (range: UidRange, taken: ReadonlySet<number>, last: number | undefined): number => {
  const start = last === undefined || last < range.first || last >= range.first + range.count ? 0 : last - range.first + 1;
  for (let step = 0; step < range.count; step += 1) {
    const uid = range.first + ((start + step) % range.count);
    if (!taken.has(uid)) return uid;
  }
  throw new CorralError('limit_exceeded', `All ${range.count} private uids are in use by living sandboxes.`, {
    hint: 'Delete a sandbox that is no longer needed, or widen the range of uids.',
  });
};

export const sandboxExists = (id: string): CorralError => new CorralError('conflict', `A sandbox ${id} is already recorded.`);

export const sandboxMissing = (id: string): CorralError => new CorralError('not_found', `No sandbox ${id} is recorded.`);

export const sandboxTaken = (id: string, owner: string): CorralError =>
  new CorralError('conflict', `The sandbox ${id} now belongs to the server ${owner}.`);

export const uidTaken = (uid: number): CorralError => new CorralError('conflict', `The uid ${uid} is in use by another living sandbox.`);

export const tooManyApprovals = (most: number): CorralError =>
  new CorralError('limit_exceeded', `${most} questions of this caller wait for an answer already.`, {
    hint: 'Wait until somebody answers them (`corral approvals`), or until they expire.',
  });
