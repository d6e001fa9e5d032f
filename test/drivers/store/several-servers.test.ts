import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { nodeEngine } from '../../../src/drivers/store/sqlite-engine.ts';
import { aSandbox, anExecution } from '../../contract/store.ts';
import { aFolder } from './folder.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Runs a program that may use `openStore` and `findEngine`, in a process of its own; `lines` are what it prints. */
const anotherProcess = async (folder: string, program: string) => {
  const entry = join(folder, `program-${Math.random()}.mjs`);
  const { outputFiles } = await build({
    stdin: {
      contents: `import { openStore } from './src/drivers/store/open-store.ts'; import { findEngine, libsqlEngine } from './src/drivers/store/sqlite-engine.ts';
        const [folder] = process.argv.slice(2); const say = (text) => process.stdout.write(text + '\\n'); ${program}`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    external: ['libsql'],
    // The bundle lies in a temporary folder: it looks for the optional package from the repository.
    define: { 'import.meta.url': JSON.stringify(`file://${root}/package.json`) },
  });
  await writeFile(entry, outputFiles[0]?.text ?? '');
  const child: ChildProcess = spawn(process.execPath, [entry, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return {
    child,
    line: async () => (await lines.next()).value as string | undefined,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

describe('several servers on one file', () => {
  test('wait for the one that writes, without holding the event loop', async () => {
    await using place = await aFolder();
    const store = await place.open();
    await using other = await anotherProcess(
      place.folder,
      `const engine = findEngine()(folder + '/corral.db'); engine.exec('begin immediate'); say('held');
       setTimeout(() => { engine.exec('commit'); say('released'); }, 300); setInterval(() => {}, 1e6);`,
    );
    expect(await other.line()).toBe('held');
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const begun = performance.now();
    store.insertExecution(anExecution('x1'));
    await Promise.all([store.insertSandbox(aSandbox('s1')), store.flush()]);
    clearInterval(beat);
    expect(performance.now() - begun).toBeGreaterThan(150);
    expect(longest).toBeLessThan(100);
    expect(await store.execution('x1')).toBeDefined();
    expect(place.notices).toEqual([]);
  });

  test('give up, and say so, on one that never lets go', { timeout: 15_000 }, async () => {
    await using place = await aFolder();
    const store = await place.open();
    await using other = await anotherProcess(
      place.folder,
      `const engine = findEngine()(folder + '/corral.db'); engine.exec('begin immediate'); say('held'); setInterval(() => {}, 1e6);`,
    );
    expect(await other.line()).toBe('held');
    await expect(store.insertSandbox(aSandbox('s1'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('another process'),
    });
  });

  test('a killed server loses nothing that is older than 20 ms (and a margin for a slow machine)', async () => {
    await using place = await aFolder();
    await using other = await anotherProcess(
      place.folder,
      `const store = await openStore({ folder, onNotice: (notice) => say(notice.message) });
       const record = ${JSON.stringify(anExecution('x'))};
       for (let index = 0; index < 500; index += 1) store.insertExecution({ ...record, id: 'x' + index, startedMs: index });
       setTimeout(() => say('20 ms later'), 150); setInterval(() => {}, 1e6);`,
    );
    expect(await other.line()).toBe('20 ms later');
    other.child.kill('SIGKILL');
    const store = await place.open();
    expect(await store.executions({ limit: 1_000 })).toHaveLength(500);
  });

  test('write side by side from several processes without losing a record', { timeout: 20_000 }, async () => {
    await using place = await aFolder();
    const program = `const store = await openStore({ folder, onNotice: (notice) => say(notice.message) });
       const record = ${JSON.stringify(anExecution('x'))};
       for (let index = 0; index < 300; index += 1) {
         store.insertExecution({ ...record, id: process.pid + '-' + index });
         const made = await store.insertSandbox({ ...${JSON.stringify(aSandbox('s'))}, id: 's' + process.pid + 'n' + index }, { first: 1, count: 600 });
         if (index % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
       }
       await store[Symbol.asyncDispose](); say('done');`;
    await using one = await anotherProcess(place.folder, program);
    await using two = await anotherProcess(place.folder, program);
    expect(await Promise.all([one.line(), two.line()])).toEqual(['done', 'done']);
    const store = await place.open();
    expect(await store.executions({ limit: 1_000 })).toHaveLength(600);
    expect(new Set((await store.sandboxes()).map(({ uid }) => uid)).size).toBe(600);
  });

  test.skipIf(nodeEngine() === undefined)(
    'of different Node versions share it: node:sqlite and libsql (needs a Node with SQLite)',
    async () => {
      await using place = await aFolder();
      const store = await place.open();
      store.insertExecution(anExecution('x1', { title: 'é' }));
      await store.flush();
      await using other = await anotherProcess(
        place.folder,
        `const store = await openStore({ folder, openEngine: libsqlEngine(), onNotice: (notice) => say(notice.message) });
       store.finishExecution('x1', { status: 'finished', durationMs: 1 });
       for (let index = 0; index < 100; index += 1) await store.insertSandbox({ ...${JSON.stringify(aSandbox('s'))}, id: 't' + index }, { first: 1, count: 200 });
       await store.flush(); say('done'); setInterval(() => {}, 1e6);`,
      );
      for (let index = 0; index < 100; index += 1) await store.insertSandbox(aSandbox(`s${index}`), { first: 1, count: 200 });
      expect(await other.line()).toBe('done');
      expect(await store.execution('x1')).toMatchObject({ status: 'finished', title: 'é' });
      expect(new Set((await store.sandboxes()).map(({ uid }) => uid)).size).toBe(200);
      expect(place.notices).toEqual([]);
    },
  );
});
