import { build } from 'esbuild';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Bundle extends AsyncDisposable {
  readonly file: string;
}

/** One source file as a program that node runs without help, built as the product is. */
export const bundle = async (source: string): Promise<Bundle> => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-face-'));
  const file = join(folder, 'program.mjs');
  await build({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    banner: { js: `import { createRequire as corralRequire } from 'node:module'; const require = corralRequire(import.meta.url);` },
  });
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
};
