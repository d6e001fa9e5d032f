import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ROOT, run, say } from './process.mjs';
import { withLock } from './lock.mjs';

/** Output name in dist/ -> source. */
const ENTRIES = {
  corral: 'src/main.ts',
  'search-worker': 'src/core/output/search-worker.ts',
};

/** Loaded from node_modules at run time: both carry a native program of their own. */
const EXTERNAL = ['libsql', 'esbuild'];

const HASHBANG = '#!/usr/bin/env node\n';

/** Bundled CommonJS packages call require for Node's own modules. */
const REQUIRE = `import { createRequire as corralRequire } from 'node:module'; const require = corralRequire(import.meta.url);`;

/** What each half of the build reads. A change in any of these contents makes it stale. */
const INPUTS = {
  supervisor: ['supervisor'],
  bundle: ['src', 'package.json', 'package-lock.json', 'scripts/lib/build.mjs', 'tsconfig.json'],
};

/** @typedef {{ hash: string, files: string[] }} Stamp what a half was built from and what it wrote */

/**
 * Builds what is stale and puts it into dist/, file by file and the entries last, so that a server started meanwhile sees a whole build.
 * Throws when a half cannot be built.
 * @param {{ root?: string, force?: boolean, only?: 'supervisor' | 'bundle' | undefined }} [options]
 */
export const build = async ({ root = ROOT, force = false, only } = {}) => {
  await mkdir(join(root, 'build'), { recursive: true });
  await withLock(join(root, 'build/lock'), async () => {
    if (force) await rm(join(root, only === 'supervisor' ? 'dist/corral-supervisor' : 'dist'), { recursive: true, force: true });
    if (only !== 'bundle') await half(root, 'supervisor', buildSupervisor);
    if (only !== 'supervisor') await half(root, 'bundle', buildBundle);
  });
};

const half = async (root, name, make) => {
  const hash = await hashInputs(root, INPUTS[name]);
  const stampFile = join(root, 'build', `${name}.json`);
  const before = await readStamp(stampFile);
  if (before?.hash === hash && (await allExist(root, before.files))) return;
  const started = performance.now();
  const staging = join(root, 'build', `next-${name}-${process.pid}`);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  try {
    await make(root, staging);
    const files = await listFiles(staging);
    await publish(root, staging, files);
    // The files of the build before stay: a server started from it may still load its parts.
    await removeStale(root, before?.files ?? [], name, files);
    await writeFile(stampFile, JSON.stringify({ hash, files }, null, 1));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  say(`built ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
};

const buildSupervisor = async (root, staging) => {
  const code = await run(['sh', 'supervisor/build.sh', join(relative(root, staging), 'corral-supervisor')], { cwd: root });
  if (code !== 0) throw new Error(`supervisor/build.sh ended with ${code}`);
  await chmod(join(staging, 'corral-supervisor'), 0o755);
};

const buildBundle = async (root, staging) => {
  const { build: bundle } = await import('esbuild');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await bundle({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: staging,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    chunkNames: 'chunks/[name]-[hash]',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    define: { CORRAL_VERSION: JSON.stringify(version) },
    sourcemap: true,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  await makeProgram(join(staging, 'corral.js'));
};

/** Puts the interpreter line first where the source has none, and moves the source map down by that line. */
const makeProgram = async (file) => {
  const code = await readFile(file, 'utf8');
  if (!code.startsWith('#!')) {
    await writeFile(file, HASHBANG + code);
    const map = JSON.parse(await readFile(`${file}.map`, 'utf8'));
    await writeFile(`${file}.map`, JSON.stringify({ ...map, mappings: `;${map.mappings}` }));
  }
  await chmod(file, 0o755);
};

const publish = async (root, staging, files) => {
  const entries = new Set(Object.keys(ENTRIES).map((name) => `${name}.js`));
  for (const file of [...files].sort((a, b) => Number(entries.has(a)) - Number(entries.has(b)))) {
    const target = join(root, 'dist', file);
    await mkdir(dirname(target), { recursive: true });
    await rename(join(staging, file), target);
  }
};

const removeStale = async (root, previous, name, current) => {
  const keep = new Set([...previous, ...current]);
  for (const file of await listFiles(join(root, 'dist'))) {
    const mine = name === 'supervisor' ? file === 'corral-supervisor' : file !== 'corral-supervisor';
    if (mine && !keep.has(file)) await rm(join(root, 'dist', file));
  }
};

const readStamp = async (file) => {
  try {
    return /** @type {Stamp} */ (JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // absent or torn: build again
  }
};

const allExist = async (root, files) => {
  const present = new Set(await listFiles(join(root, 'dist')));
  return files.length > 0 && files.every((file) => present.has(file));
};

/** Files beneath a folder, relative to it, sorted; empty when there is no such folder. */
const listFiles = async (folder) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
};

const hashInputs = async (root, inputs) => {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0`);
  for (const input of inputs) {
    const inside = await listFiles(join(root, input)).catch((error) => {
      if (error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    for (const file of inside ?? ['']) {
      const path = join(input, file);
      hash
        .update(`${path}\0`)
        .update(await readFile(join(root, path)))
        .update('\0');
    }
  }
  return hash.digest('hex');
};
