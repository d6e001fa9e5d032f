import { randomInt } from 'node:crypto';
import { constants } from 'node:os';
import { CorralError } from '../../../ports/errors.ts';
import type { ExecutionRecord } from '../../../ports/store.ts';
import type { Executions, Look } from '../../executions/types.ts';
import type { Environment } from './allow-list.ts';
import { mistake } from './texts.ts';

export const STATUSES = ['running', 'completed', 'failed', 'terminated', 'error'] as const;
export type Status = (typeof STATUSES)[number];

/** What is kept with the execution of a background process, in its own record. */
export interface Note {
  readonly command: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly encoding: string;
}

export interface BackgroundProcess extends Note {
  readonly id: string;
  readonly record: ExecutionRecord;
  readonly status: Status;
  /** Undefined while it runs, and when it is not known. */
  readonly exitCode: number | undefined;
}

const PROFILE = 'shell-server';
const ID = 'shell-server.process';
const DIGITS = 5;
const PAGE = 200;
/** Looked through for one answer. */
const MOST = 2000;

export const labelsOf = (id: string): Readonly<Record<string, string>> => ({ profile: PROFILE, kind: 'background', [ID]: id });

/** PROCESS_RETENTION_SECONDS, in ms; undefined = kept for as long as Corral keeps executions. */
export const retentionMs = (env: Environment): number | undefined => {
  const text = env['PROCESS_RETENTION_SECONDS']?.trim() ?? '';
  const seconds = text === '' ? 3600 : Number(text);
  return seconds > 0 ? seconds * 1000 : undefined;
};

/** What is wrong with PROCESS_RETENTION_SECONDS, if anything. */
export const retentionProblem = (env: Environment): string | undefined => {
  const text = env['PROCESS_RETENTION_SECONDS']?.trim() ?? '';
  return Number.isFinite(Number(text)) ? undefined : `PROCESS_RETENTION_SECONDS must be a number of seconds, not ${JSON.stringify(text)}.`;
};

const statusOf = ({ status, outcome }: ExecutionRecord): Status => {
  if (status === 'running' || outcome === undefined) return 'running';
  if (outcome.kind === 'exited') return outcome.code === 0 ? 'completed' : 'failed';
  if (outcome.kind === 'signalled') return 'failed';
  return outcome.kind === 'timed_out' || outcome.kind === 'cancelled' ? 'terminated' : 'error';
};

const exitCodeOf = ({ outcome }: ExecutionRecord): number | undefined => {
  if (outcome === undefined) return undefined;
  if (outcome.kind === 'exited') return outcome.code;
  const number = outcome.signal === undefined ? undefined : constants.signals[outcome.signal as NodeJS.Signals];
  return outcome.kind === 'signalled' && number !== undefined ? -number : -1;
};

const parse = (json: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {}; // a record that another hand wrote loses its note, not its place in the list
  }
};

const text = (value: unknown, standard: string): string => (typeof value === 'string' ? value : standard);

const processOf = (record: ExecutionRecord): BackgroundProcess | undefined => {
  const id = parse(record.labels)[ID];
  if (typeof id !== 'string') return undefined;
  const { command, description, labels, encoding } = parse(record.meta);
  return {
    id,
    record,
    status: statusOf(record),
    exitCode: exitCodeOf(record),
    command: text(command, record.title),
    description: text(description, ''),
    labels: Array.isArray(labels) ? labels.filter((label) => typeof label === 'string') : [],
    encoding: text(encoding, 'utf-8'),
  };
};

export interface Background {
  /** A name that no kept process has. */
  newId(): Promise<string>;
  /** In the order in which they were started. Ended ones are forgotten after the retention. */
  list(): Promise<readonly BackgroundProcess[]>;
  /** By ID, or by the number of its process. Throws `Process with ID X not found`. */
  find(wanted: unknown): Promise<BackgroundProcess & { readonly look: Look }>;
  /** From now on it is not found any more; its output goes with Corral's own retention. */
  forget(ids: readonly string[]): void;
}

/** Background processes are executions with a label of their own: they are in the records, so a server that starts anew knows them. */
export const createBackground = (executions: Executions, env: Environment): Background => {
  const forgotten = new Set<string>();

  const isKept = ({ id, record }: BackgroundProcess): boolean => {
    if (forgotten.has(id)) return false;
    const retention = retentionMs(env);
    if (record.status === 'running' || retention === undefined) return true;
    return record.startedMs + (record.durationMs ?? 0) + retention > Date.now();
  };

  const query = async (labels: Readonly<Record<string, string>>): Promise<readonly BackgroundProcess[]> => {
    const found: ExecutionRecord[] = [];
    for (let before: string | undefined; found.length < MOST;) {
      const page = await executions.list({ labels, before, limit: PAGE });
      found.push(...page);
      before = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    return found.flatMap((record) => processOf(record) ?? []).filter(isKept);
  };

  const list: Background['list'] = async () =>
    (await query({ profile: PROFILE, kind: 'background' })).toSorted((one, other) => one.record.startedMs - other.record.startedMs);

  /** What this server knows of it, which is newer than the record. */
  const current = async (found: BackgroundProcess): Promise<BackgroundProcess & { readonly look: Look }> => {
    const look = await executions.look(found.record.id);
    return { ...(processOf(look.record) ?? found), look };
  };

  const find: Background['find'] = async (wanted) => {
    const [first] = typeof wanted === 'string' && wanted !== '' ? await query(labelsOf(wanted)) : [];
    if (first !== undefined) return current(first);
    // The number of a process is known while it runs; the latest wins.
    if (typeof wanted === 'number')
      for (const found of (await list()).toReversed()) {
        const known = await current(found);
        if (known.record.pid === wanted) return known;
      }
    throw mistake(`Process with ID ${String(wanted)} not found`);
  };

  const newId = async (): Promise<string> => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const id = randomInt(16 ** DIGITS)
        .toString(16)
        .padStart(DIGITS, '0');
      if ((await executions.list({ labels: labelsOf(id), limit: 1 })).length === 0) return id;
    }
    throw new CorralError('limit_exceeded', 'No free process ID was found', {
      hint: 'Lower PROCESS_RETENTION_SECONDS, or clean the state folder.',
    });
  };

  return {
    newId,
    list,
    find,
    forget: (ids) => {
      for (const id of ids) forgotten.add(id);
    },
  };
};
