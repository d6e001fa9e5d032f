import type { ExecutionRecord } from '../../ports/store.ts';
import type { ExecutionsDeps, Swept } from './types.ts';

/** A wall clock that jumps ahead by more makes everything look old: nothing is forgotten for its age until it has stayed so for a while. */
const JUMP_MS = 300_000;
const DOUBT_MS = 600_000;
const AGED_AT_ONCE = 100;
const OLDEST_AT_ONCE = 20;
/** Later than every end, also than one that a wrong clock wrote down. */
const EVER = Number.MAX_SAFE_INTEGER;

export interface Clocks {
  /** Wall clock, ms since 1970. */
  now(): number;
  /** Never jumps, ms. */
  steady(): number;
}

/** May the wall clock be believed about ages? Not for a while after it jumped ahead. */
export const createDoubt = ({ now, steady }: Clocks): (() => boolean) => {
  let last = { now: now(), steady: steady() };
  let doubtUntil = -Infinity;
  return () => {
    const seen = { now: now(), steady: steady() };
    if (seen.now - last.now - (seen.steady - last.steady) > JUMP_MS) doubtUntil = seen.steady + DOUBT_MS;
    last = seen;
    return seen.steady < doubtUntil;
  };
};

const bytesOf = ({ stdout, stderr }: ExecutionRecord): number => (stdout?.bytes ?? 0) + (stderr?.bytes ?? 0);

const REAL: Clocks = { now: () => Date.now(), steady: () => performance.now() };

/**
 * Forgets finished executions, oldest first: what is older than the retention, then what is over the quota of its sandbox, then what is over
 * that of the server. What runs is never touched. `dryRun` counts alone.
 */
export const createSweep = (
  { store, logs, config }: ExecutionsDeps,
  forgotten: (id: string) => void,
  clocks: Clocks = REAL,
): ((options?: { readonly dryRun?: boolean }) => Promise<Swept>) => {
  const isDoubtful = createDoubt(clocks);

  /** Forgets what `next` gives until it gives nothing. */
  const run = async (dryRun: boolean): Promise<Swept> => {
    /** In a dry run nothing goes, so what would be gone is left out of what is there. */
    const gone = new Map<string, ExecutionRecord>();
    let bytes = 0;
    const forget = async (records: readonly ExecutionRecord[]): Promise<void> => {
      for (const record of records) {
        gone.set(record.id, record);
        bytes += bytesOf(record);
        if (dryRun) continue;
        await logs.remove({ sandbox: record.sandbox, execution: record.id });
        forgotten(record.id);
      }
      if (!dryRun) await store.deleteExecutions(records.map((record) => record.id));
    };
    const oldest = async (ms: number, limit: number, sandbox?: string): Promise<readonly ExecutionRecord[]> => {
      const found = await store.finishedBefore(ms, dryRun ? limit + gone.size : limit, sandbox);
      return found.filter(({ id }) => !gone.has(id)).slice(0, limit);
    };
    const kept = async (sandbox?: string): Promise<number> => {
      const all = await store.logBytes(sandbox);
      if (!dryRun) return all;
      const mine = [...gone.values()].filter((record) => sandbox === undefined || record.sandbox === sandbox);
      return all - mine.reduce((sum, record) => sum + bytesOf(record), 0);
    };
    /** No more than must: the last batch is forgotten one by one. */
    const shrink = async (quota: number, sandbox?: string): Promise<void> => {
      for (let over = (await kept(sandbox)) - quota; over > 0; over = (await kept(sandbox)) - quota) {
        const batch = await oldest(EVER, OLDEST_AT_ONCE, sandbox);
        if (batch.length === 0) return;
        const wanted: ExecutionRecord[] = [];
        for (const record of batch) {
          if (over <= 0) break;
          wanted.push(record);
          over -= bytesOf(record);
        }
        await forget(wanted);
      }
    };
    if (!isDoubtful())
      for (let old = await oldest(clocks.now() - config.retentionSeconds * 1000, AGED_AT_ONCE); old.length > 0;) {
        await forget(old);
        old = old.length < AGED_AT_ONCE ? [] : await oldest(clocks.now() - config.retentionSeconds * 1000, AGED_AT_ONCE);
      }
    if (config.sandboxLogBytes > 0)
      for (const sandbox of await store.sandboxesOver(config.sandboxLogBytes)) await shrink(config.sandboxLogBytes, sandbox);
    await shrink(config.logQuotaBytes);
    return { executions: gone.size, bytes };
  };

  return async ({ dryRun = false } = {}) => await run(dryRun);
};
