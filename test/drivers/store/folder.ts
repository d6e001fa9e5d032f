import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type SqliteStore, type StoreNotice, type StoreOptions } from '../../../src/drivers/store/open-store.ts';

/** A folder that is removed when it goes out of scope, and the stores opened in it. */
export const aFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-store-'));
  const notices: StoreNotice[] = [];
  const stores: SqliteStore[] = [];
  return {
    folder,
    file: join(folder, 'corral.db'),
    notices,
    kinds: () => notices.map(({ kind }) => kind),
    async open(options: Partial<StoreOptions> = {}) {
      const store = await openStore({ folder, onNotice: (notice) => notices.push(notice), ...options });
      stores.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(stores.map((store) => store[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Resolves when it holds; rejects after three seconds. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + 3_000; !(await holds());) {
    if (Date.now() > deadline) throw new Error(`not within 3 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
