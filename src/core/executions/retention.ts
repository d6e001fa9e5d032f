import type { ExecutionRecord } from '../../ports/store.ts';
import type { ExecutionsDeps } from './types.ts';

/** Forgets what is older than the retention or over the disk quota, oldest first; resolves to how many. */
export const createSweep = ({ store, logs, config }: ExecutionsDeps, forgotten: (id: string) => void): (() => Promise<number>) => {
  const forget = async (records: readonly ExecutionRecord[]): Promise<void> => {
    for (const record of records) {
      await logs.remove({ sandbox: record.sandbox, execution: record.id });
      forgotten(record.id);
    }
    await store.deleteExecutions(records.map((record) => record.id));
  };

  return async () => {
    let count = 0;
    for (;;) {
      const old = await store.finishedBefore(Date.now() - config.retentionSeconds * 1000, 100);
      await forget(old);
      count += old.length;
      if (old.length < 100) break;
    }
    for (let bytes = await store.logBytes(); bytes > config.logQuotaBytes; bytes = await store.logBytes()) {
      const oldest = await store.finishedBefore(Date.now(), 20);
      if (oldest.length === 0) break;
      await forget(oldest);
      count += oldest.length;
    }
    return count;
  };
};
