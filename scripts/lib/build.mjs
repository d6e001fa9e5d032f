import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, run, say } from './process.mjs';
import { withLock } from './lock.mjs';

/** What a server started meanwhile must not see before the rest is there. */
const ENTRIES = ['corral.js', 'search-worker.js', 'screen-worker.js', 'corral-supervisor'];

/** A session as a client begins it: what it makes V8 compile is what every start needs. */
const FIRST_WORDS = [
  { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'build', version: '1' } } },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list', params: {} },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');
const WARM_MS = 20_000;

/** Loaded from node_modules at run time: both carry a native program of their own. */
const EXTERNAL = ['libsql', 'esbuild'];

const HASHBANG = '#!/usr/bin/env node\n';

/** CommonJS loads without the module loader's start-up cost and can come out of a code cache; the sources speak of import.meta.url. */
/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external: EXTERNAL,
  // Not minified: the code cache saves the parsing, and a stack trace then shows names and lines of code that can be read.
  banner: { js: `const corralUrl = require('node:url').pathToFileURL(__filename).href;` },
  legalComments: 'linked',
  logLevel: 'warning',
};

/** What each half of the build reads. A change in any of these contents makes it stale. */
const INPUTS = {
  supervisor: ['supervisor'],
  bundle: ['src', 'package.json', 'package-lock.json', 'scripts/lib/build.mjs', 'scripts/lib/entry.cjs', 'tsconfig.json'],
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
    if (only !== 'supervisor') await half(root, 'bundle', buildBundle, warm);
  });
};

/** @param {(dist: string, files: readonly string[]) => Promise<readonly string[]>} finish */
const half = async (root, name, make, finish = async (_dist, _files) => []) => {
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
    files.push(...(await finish(join(root, 'dist'), files)));
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
  const define = { CORRAL_VERSION: JSON.stringify(version), 'import.meta.url': 'corralUrl' };
  const shared = { ...COMMON, absWorkingDir: root, outdir: staging, define };
  await bundle({
    ...shared,
    entryPoints: { 'search-worker': 'src/core/output/search-worker.ts', 'screen-worker': 'src/core/terminal/screen-worker.ts' },
  });
  await bundle({
    ...shared,
    entryPoints: { bundle: 'src/main.ts' },
    entryNames: '[name]-[hash]',
    outExtension: { '.js': '.cjs' },
    plugins: [withoutAjv],
  });
  const name = (await listFiles(staging)).find((file) => /^bundle-.*\.cjs$/.test(file));
  const entry = await readFile(new URL('entry.cjs', import.meta.url), 'utf8');
  await writeFile(join(staging, 'corral.js'), HASHBANG + entry.replace('BUNDLE', JSON.stringify(name)));
  await chmod(join(staging, 'corral.js'), 0o755);
  await writeFile(join(staging, 'package.json'), '{ "type": "commonjs" }\n');
};

/** The SDK brings a JSON Schema validator for schemas that are not zod's. There are none here, and it is a third of the bundle. */
const withoutAjv = {
  name: 'without-ajv',
  setup: (build) => {
    build.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({ path: 'shims', namespace: 'without-ajv' }));
    build.onLoad({ filter: /.*/, namespace: 'without-ajv' }, () => ({
      contents: `export { default as process } from 'node:process';
        export class DefaultJsonSchemaValidator {
          getValidator() { throw new Error('This build has no validator for JSON Schema: describe it with zod.'); }
        }`,
    }));
  },
};

/**
 * Leaves a code cache beside the bundle; in its last place, since V8 keeps the script's path in it. Without one the server only starts
 * later, so a failure is told and not fatal. Resolves to the files it made.
 */
const warm = async (dist, files) => {
  const state = await mkdtemp(join(tmpdir(), 'corral-warm-'));
  try {
    const child = spawn(process.execPath, [fileURLToPath(new URL('warm.cjs', import.meta.url)), join(dist, 'corral.js')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, CORRAL_STATE_DIR: state },
      timeout: WARM_MS,
      killSignal: 'SIGKILL',
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(FIRST_WORDS);
    const [code, signal] = await once(child, 'exit');
    if (code === 0) return files.filter((file) => file.endsWith('.cjs')).map((file) => file.replace(/\.cjs$/, '.cache'));
    say(`no code cache: the first run ended with ${code ?? signal}`);
    return [];
  } finally {
    await rm(state, { recursive: true, force: true });
  }
};

const publish = async (root, staging, files) => {
  for (const file of [...files].sort((a, b) => Number(ENTRIES.includes(a)) - Number(ENTRIES.includes(b)))) {
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
