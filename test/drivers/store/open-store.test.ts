import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openStore } from '../../../src/drivers/store/open-store.ts';
import { describeStoreContract } from '../../contract/store.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'corral-store-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
describeStoreContract('sqlite', () =>
  openStore({
    folder: join(root, `contract-${(count += 1)}`),
    onNotice: () => undefined,
  }),
);
