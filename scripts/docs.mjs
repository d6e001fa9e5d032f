// `node scripts/docs.mjs`: writes the pages of docs/reference that follow from the sources. `--check` fails when one is out of step instead.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT, say } from './lib/process.mjs';
import { cliPage, configPage, toolsPage } from './lib/reference.mjs';

/** What the pages are made from. */
const SOURCES = `
export { z } from 'zod/v4';
export { createCatalogue } from './src/core/catalogue.ts';
export { configSchema, variableOf } from './src/core/config/schema.ts';
export { ERROR_CODES, CorralError } from './src/ports/errors.ts';
export { OUTCOME_KINDS } from './src/ports/sandbox.ts';
export { createFlags } from './src/faces/cli/flags.ts';
export { flagUsage, flagMeaning } from './src/faces/cli/help.ts';
export { createProgram } from './src/faces/cli/program.ts';
`;

const PAGES = { 'docs/reference/tools.md': toolsPage, 'docs/reference/cli.md': cliPage, 'docs/reference/config.md': configPage };

const REQUIRE = `import { createRequire as corralRequire } from 'node:module'; const require = corralRequire(import.meta.url);`;

/** The sources as a module that this program can load. */
const load = async () => {
  await mkdir(join(ROOT, 'build'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'build/docs-'));
  try {
    const file = join(folder, 'sources.mjs');
    await build({
      stdin: { contents: SOURCES, resolveDir: ROOT, loader: 'ts' },
      outfile: file,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      banner: { js: REQUIRE },
      external: ['libsql', 'esbuild'],
      logLevel: 'warning',
    });
    return await import(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const check = process.argv.includes('--check');
const sources = await load();
for (const [path, page] of Object.entries(PAGES)) {
  const file = join(ROOT, path);
  const wanted = page(sources);
  const present = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (present === wanted) continue;
  if (check) {
    say(`${path} is out of step with the sources; write it anew: node scripts/docs.mjs`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    say(`wrote ${path}`);
  }
}
