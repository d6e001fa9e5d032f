import { open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findEngine } from '../../../src/drivers/store/sqlite-engine.ts';
import { aSandbox, anExecution } from '../../contract/store.ts';
import { aFolder } from './folder.ts';

/** Writes rubbish over the middle of the file, as a failing disk does. */
const spoil = async (file: string, from: number): Promise<void> => {
  const engine = findEngine()(file);
  expect(engine.prepare('pragma wal_checkpoint(truncate)').all([])).toMatchObject([{ busy: 0, log: 0 }]);
  engine.close();
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  await handle.write(Buffer.alloc(size - from, 0x5a), 0, size - from, from);
  await handle.close();
};

const fill = async (store: Awaited<ReturnType<Awaited<ReturnType<typeof aFolder>>['open']>>, count: number) => {
  for (let index = 0; index < count; index += 1) store.insertExecution(anExecution(`x${index}`, { startedMs: index }));
  await store.flush();
};

describe('a damaged file', () => {
  test('that is no database at all is moved aside, whole, and a fresh one begun', async () => {
    await using place = await aFolder();
    const rubbish = 'certainly not a database '.repeat(200);
    await writeFile(place.file, rubbish);
    const store = await place.open({ now: () => Date.UTC(2026, 0, 2, 3, 4, 5) });
    expect(place.kinds()).toEqual(['replaced']);
    const moved = (await readdir(place.folder)).filter((name) => name.includes('.corrupt-'));
    expect(moved).toEqual(['corral.db.corrupt-2026-01-02T030405.000Z']);
    expect(place.notices[0]?.message).toContain(moved[0]);
    expect(await readFile(join(place.folder, moved[0] ?? ''), 'utf8')).toBe(rubbish);
    await store.insertSandbox(aSandbox('s1'));
    expect(await store.sandboxes()).toHaveLength(1);
  });

  test('that is torn in its schema is replaced at the opening, a second one beside the first', async () => {
    await using place = await aFolder();
    for (const round of [1, 2]) {
      const store = await place.open({ now: () => 0 });
      await fill(store, 300);
      await store[Symbol.asyncDispose]();
      await spoil(place.file, 100);
      const again = await place.open({ now: () => 0 });
      expect(await again.executions({ limit: 9 })).toEqual([]);
      await again[Symbol.asyncDispose]();
      const moved = (await readdir(place.folder)).filter((name) => /corrupt-[^-]*-[^-]*-[^-]*$/.test(name) && !/-(wal|shm)$/.test(name));
      expect(moved).toHaveLength(round);
    }
  });

  test('found while the server runs: the operation and what was queued go to the fresh file', async () => {
    await using place = await aFolder();
    const first = await place.open();
    await fill(first, 2_000);
    await first[Symbol.asyncDispose]();
    const store = await place.open();
    await spoil(place.file, 8_192);
    store.insertExecution(anExecution('x-after', { startedMs: 9_999 }));
    // Reads every page of the table, so it meets the damage.
    await store.finishedBefore(1, 10);
    await store.logBytes();
    await store.executions({ limit: 5_000 });
    expect(place.kinds().filter((kind) => kind === 'replaced')).toHaveLength(1);
    const moved = (await readdir(place.folder)).filter((name) => name.includes('.corrupt-')).map((name) => name.replace(/.*Z/, ''));
    expect(moved).toEqual(expect.arrayContaining(['', '-wal', '-shm']));
    await store.insertSandbox(aSandbox('s1'));
    await store.flush();
    const other = await place.open();
    expect((await other.executions({ limit: 9 })).map(({ id }) => id)).toEqual(['x-after']);
    expect(await other.sandbox('s1')).toBeDefined();
    expect(store.health()).toEqual({ ok: true, queued: 0 });
  });

  test('replaced by one server is followed by the other', async () => {
    await using place = await aFolder();
    const [one, two] = [await place.open(), await place.open()];
    await rename(place.file, `${place.file}.gone`);
    await rename(`${place.file}-wal`, `${place.file}.gone-wal`);
    await rename(`${place.file}-shm`, `${place.file}.gone-shm`);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await one.insertSandbox(aSandbox('s1'));
    expect(await two.sandbox('s1')).toBeDefined();
    expect(place.kinds()).toEqual(['replaced', 'replaced']);
  });
});
