import { CorralError } from '../../ports/errors.ts';
import type { DriverName, SandboxDriver } from '../../ports/sandbox.ts';
import type { SandboxRecord, ServerRecord, Store } from '../../ports/store.ts';
import type { SandboxNews } from './types.ts';

export interface BurialDeps {
  readonly store: Store;
  readonly server: ServerRecord;
  readonly news: Pick<SandboxNews, 'lost'>;
  driverOf(name: DriverName): SandboxDriver;
  folderOf(id: string): string;
  forget(id: string, state: 'ended', reason: string): Promise<void>;
}

/** The end of sandboxes whose servers are dead. */
export interface Burial {
  /** Records that it is gone; of a half-made one, what is left is ended first. The record is this server's. */
  recordGone(record: SandboxRecord): Promise<void>;
  /** Records the end of one, if it has ended; leaves one that lives as it is. */
  bury(record: SandboxRecord): Promise<boolean>;
  /** Ends one of which there is only a folder, if somebody is there. */
  endUnknown(id: string): Promise<void>;
}

const REASON = 'its server died and it ended before another came';

export const createBurial = ({ store, server, news, driverOf, folderOf, forget }: BurialDeps): Burial => {
  const recordGone = async (record: SandboxRecord): Promise<void> => {
    const driver = driverOf(record.driver);
    const folder = folderOf(record.id);
    // Half-made or gone: opening it again ends whatever is left of it.
    const left = await driver.open(record.id, folder);
    await left?.end(0);
    await news.lost(record.id, REASON, await driver.recall(folder));
    await forget(record.id, 'ended', REASON);
  };

  const giveBack = (record: SandboxRecord): Promise<void> => store.updateSandbox(record.id, { owner: record.owner }, server.id);

  return {
    recordGone,
    bury: async (record) => {
      try {
        await store.updateSandbox(record.id, { owner: server.id }, record.owner);
      } catch (error) {
        if (error instanceof CorralError && error.code === 'conflict') return false;
        throw error;
      }
      try {
        const found = record.state === 'running' ? await driverOf(record.driver).open(record.id, folderOf(record.id)) : undefined;
        if (found !== undefined) {
          await found[Symbol.asyncDispose]();
          await giveBack(record);
          return false;
        }
        await recordGone(record);
        return true;
      } catch (error) {
        await giveBack(record);
        // It lives and could not be reached: whoever takes it over tries again.
        if (error instanceof CorralError && error.code === 'unavailable') return false;
        throw error;
      }
    },
    endUnknown: async (id) => {
      // Whose it was, its handle says: every driver with a supervisor reads it.
      const left = await driverOf('bubblewrap').open(id, folderOf(id));
      await left?.end(0);
    },
  };
};

/** Sandboxes that ended before then and of which no execution is kept. */
export const countEmpty = async (store: Store, endedBeforeMs: number): Promise<number> => {
  let count = 0;
  for (const { id, endedMs } of await store.sandboxes({ living: false }))
    if (endedMs !== undefined && endedMs < endedBeforeMs && (await store.executions({ sandbox: id, limit: 1 })).length === 0) count += 1;
  return count;
};
