import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, type ResourceLimits } from 'node:worker_threads';

/**
 * Starts a thread from its source file: from the program of the same name beside the bundle, or, when Corral runs from its sources, from a
 * bundle made in memory (Node 20 cannot run TypeScript). It sees no environment.
 */
export const startThread = async (source: URL, resourceLimits: ResourceLimits): Promise<Worker> => {
  const options = { resourceLimits, execArgv: [], env: {}, stdin: false };
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL(basename(source.pathname).replace(/\.ts$/, '.js'), import.meta.url), options);
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(source)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    write: false,
  });
  return new Worker(outputFiles[0]?.text ?? '', { ...options, eval: true });
};
