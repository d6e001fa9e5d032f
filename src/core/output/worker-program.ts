import type { Worker } from 'node:worker_threads';
import { startThread } from '../worker-thread.ts';

/** Room for one chunk, one long line and the results; a pattern cannot eat the server's memory. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };

export const startSearchWorker = (): Promise<Worker> => startThread(new URL('search-worker.ts', import.meta.url), LIMITS);
