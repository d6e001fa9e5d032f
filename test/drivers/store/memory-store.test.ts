import { createMemoryStore } from '../../../src/drivers/store/memory-store.ts';
import { describeStoreContract } from '../../contract/store.ts';

describeStoreContract('memory', async () => createMemoryStore());
