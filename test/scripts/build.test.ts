import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';

/** Just enough of a tree to be built: a part that is always loaded, and one that is loaded when asked for. */
const TREE: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module", "version": "7.8.9" }',
  'package-lock.json': '{}',
  'tsconfig.json': '{}',
  'scripts/lib/build.mjs': '',
  'scripts/lib/entry.cjs': '',
  'src/lazy.ts': `export const lazy = 'loaded late';\n`,
  'src/main.ts': [
    'declare const CORRAL_VERSION: string;',
    `if (process.argv[2] === 'throw') throw new Error('thrown');`,
    `if (process.argv[2] === 'late') void import('./lazy.ts').then(({ lazy }) => process.stdout.write(lazy));`,
    'else process.stdout.write(CORRAL_VERSION);\n',
  ].join('\n'),
  'src/core/output/search-worker.ts': `export const worker = 1;\n`,
  'src/core/terminal/screen-worker.ts': `export const worker = 2;\n`,
  'supervisor/build.sh': `set -eu\necho built >> build.log\nprintf '#!/bin/sh\\necho supervised' > "$1"\n`,
};

let roots: string[];

const plant = async (files: Readonly<Record<string, string>>, root?: string): Promise<string> => {
  const folder = root ?? (await mkdtemp(join(tmpdir(), 'corral-build-')));
  if (root === undefined) roots.push(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
};

const run = (root: string, ...args: string[]) => spawnSync(join(root, 'dist/corral.js'), args, { encoding: 'utf8' });
const bundles = async (root: string, extension = '.cjs'): Promise<readonly string[]> =>
  (await readdir(join(root, 'dist'))).filter((name) => name.startsWith('bundle-') && name.endsWith(extension));
const supervisorBuilds = async (root: string): Promise<number> => (await readFile(join(root, 'build.log'), 'utf8')).split('\n').length - 1;

beforeEach(() => {
  roots = [];
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => Promise.all(roots.map((root) => rm(root, { recursive: true }))));

describe('the build', () => {
  it('makes programs that run by themselves, know their version, and part of it only when it is needed', async () => {
    const root = await plant(TREE);
    await build({ root });
    expect(run(root)).toMatchObject({ status: 0, stdout: '7.8.9' });
    expect(run(root, 'late')).toMatchObject({ status: 0, stdout: 'loaded late' });
    expect(spawnSync(join(root, 'dist/corral-supervisor'), { encoding: 'utf8' }).stdout).toBe('supervised\n');
    expect(await readdir(join(root, 'dist'))).toEqual(expect.arrayContaining(['search-worker.js', 'screen-worker.js']));
    expect(await readdir(join(root, 'build'))).toEqual(['bundle.json', 'supervisor.json']);
  });

  it('starts out of a code cache that fits, and without one', async () => {
    const root = await plant(TREE);
    await build({ root });
    const [cache] = await bundles(root, '.cache');
    const refused = `const e = require('${root}/dist/corral.js'); console.log(e.compile(require('fs').readFileSync(e.cacheFile)).cachedDataRejected)`;
    expect(spawnSync(process.execPath, ['-e', refused], { encoding: 'utf8' }).stdout).toBe('false\n');
    await writeFile(join(root, 'dist', cache ?? ''), 'of another Node');
    expect(run(root).stdout).toBe('7.8.9');
    await rm(join(root, 'dist', cache ?? ''));
    expect(run(root).stdout).toBe('7.8.9');
  });

  it('shows readable code in a stack trace', async () => {
    const root = await plant(TREE);
    await build({ root });
    const { stderr } = run(root, 'throw');
    expect(stderr).toMatch(/bundle-\w+\.cjs:\d+\n.*throw new Error\("thrown"\)/);
    expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThan(200);
  });

  it('gives the same bytes for the same sources, wherever they are', async () => {
    const [one, other] = [await plant(TREE), await plant(TREE)];
    await Promise.all([build({ root: one }), build({ root: other })]);
    for (const name of ['dist/corral.js', `dist/${(await bundles(one))[0]}`])
      expect((await readFile(join(one, name))).equals(await readFile(join(other, name)))).toBe(true);
  });

  it('does nothing when only dates have changed, and one half when only that has changed', async () => {
    const root = await plant(TREE);
    await build({ root });
    const before = (await stat(join(root, 'dist/corral.js'))).mtimeMs;
    await utimes(join(root, 'src/main.ts'), new Date(), new Date());
    await build({ root });
    expect((await stat(join(root, 'dist/corral.js'))).mtimeMs).toBe(before);
    await plant({ 'src/lazy.ts': `export const lazy = 'changed';\n` }, root);
    await build({ root });
    expect(run(root, 'late').stdout).toBe('changed');
    expect(await supervisorBuilds(root)).toBe(1);
  });

  it('builds again what somebody removed', async () => {
    const root = await plant(TREE);
    await build({ root });
    await rm(join(root, 'dist/corral-supervisor'));
    await build({ root });
    expect(await supervisorBuilds(root)).toBe(2);
  });

  it('keeps the bundle before, which a server that is just starting may still load, and none older', async () => {
    const root = await plant(TREE);
    const seen: string[] = [];
    for (const text of ['one', 'two', 'three']) {
      await plant({ 'src/lazy.ts': `export const lazy = '${text}';\n` }, root);
      await build({ root });
      const added = (await bundles(root)).filter((name) => !seen.includes(name));
      expect(added).toHaveLength(1);
      seen.push(...added);
    }
    expect([...(await bundles(root))].sort()).toEqual(seen.slice(1).sort());
  });

  it('leaves the last good build in place when the sources are broken', async () => {
    const root = await plant(TREE);
    await build({ root });
    await plant({ 'src/main.ts': `import './gone.ts';\n` }, root);
    await expect(build({ root })).rejects.toThrow('gone.ts');
    expect(run(root).stdout).toBe('7.8.9');
    expect(await readdir(join(root, 'build'))).toEqual(['bundle.json', 'supervisor.json']);
  });

  it('tells that the supervisor could not be built', async () => {
    const root = await plant({ ...TREE, 'supervisor/build.sh': 'exit 3\n' });
    await expect(build({ root })).rejects.toThrow('supervisor/build.sh ended with 3');
  });
});
