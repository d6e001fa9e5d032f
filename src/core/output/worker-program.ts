import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Room for one chunk, one long line and the results; a pattern cannot eat the server's memory. */
const LIMITS: WorkerOptions = {
  resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 },
  execArgv: [],
  env: {},
  stdin: false,
};

/**
 * Starts the search thread: from the file beside the bundle, or, when Corral runs from its sources, from a bundle made in memory (Node 20
 * cannot run TypeScript).
 */
export const startSearchWorker = async (): Promise<Worker> => {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('search-worker.js', import.meta.url), LIMITS);
  const { build } = await import('esbuild');
  const entry = fileURLToPath(new URL('search-worker.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    write: false,
  });
  return new Worker(outputFiles[0]?.text ?? '', { ...LIMITS, eval: true });
};
