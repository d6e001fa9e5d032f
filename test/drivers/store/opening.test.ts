import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findEngine } from '../../../src/drivers/store/sqlite-engine.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import { anExecution } from '../../contract/store.ts';
import { aFolder } from './folder.ts';

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('opening a store', () => {
  test('makes a private folder with private files, whatever the umask', async () => {
    await using place = await aFolder();
    const before = process.umask(0);
    try {
      const folder = join(place.folder, 'deep', 'state');
      const store = await place.open({ folder });
      store.insertExecution(anExecution('x1'));
      await store.flush();
      expect(await modeOf(folder)).toBe(0o700);
      const files = (await readdir(folder)).filter((name) => name.startsWith('corral.db'));
      expect(files).toContain('corral.db-wal');
      for (const name of files) expect([name, await modeOf(join(folder, name))]).toEqual([name, 0o600]);
    } finally {
      process.umask(before);
    }
  });

  test('closes an own folder to others and leaves a folder of other things alone', async () => {
    await using place = await aFolder();
    const [empty, shared, open] = ['empty', 'shared', 'open'].map((name) => join(place.folder, name)) as [string, string, string];
    for (const folder of [empty, shared, open]) await mkdir(folder);
    await chmod(empty, 0o777);
    await place.open({ folder: empty });
    expect(await modeOf(empty)).toBe(0o700);

    await writeFile(join(shared, 'a letter'), '');
    await chmod(shared, 0o755);
    await place.open({ folder: shared });
    expect(await modeOf(shared)).toBe(0o755);
    expect(place.kinds()).toEqual(['folder_open']);

    await writeFile(join(open, 'a letter'), '');
    await chmod(open, 0o777);
    await expect(place.open({ folder: open })).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining(`chmod 700 ${open}`),
    });
    expect(await readdir(open)).toEqual(['a letter']);
  });

  test('says what is wrong with a path that is no folder', async () => {
    await using place = await aFolder();
    const folder = join(place.folder, 'a file', 'state');
    await writeFile(join(place.folder, 'a file'), '');
    const error = await place.open({ folder }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CorralError);
    expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('CORRAL_STATE_DIR') });
    expect((error as Error).message).toContain(folder);
  });

  test('refuses records of a newer Corral and leaves them as they are', async () => {
    await using place = await aFolder();
    await (await place.open())[Symbol.asyncDispose]();
    const engine = findEngine()(place.file);
    engine.exec("insert into migrations values (999, 'of the future', 0)");
    engine.close();
    await expect(place.open()).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('999') });
    expect(place.notices).toEqual([]);
    expect(await readdir(place.folder)).toContain('corral.db');
  });

  test('brings records of an older Corral along, and keeps receipts from then on', async () => {
    await using place = await aFolder();
    const old = await place.open();
    old.insertExecution(anExecution('x1'));
    old.finishExecution('x1', { status: 'finished', usage: { userUs: 1, systemUs: 2, maxRssBytes: 3 } });
    await old[Symbol.asyncDispose]();
    const engine = findEngine()(place.file);
    for (const column of ['read_bytes', 'written_bytes', 'voluntary_switches', 'involuntary_switches', 'peak_processes', 'receipt'])
      engine.exec(`alter table executions drop column ${column}`);
    engine.exec('delete from migrations where version = 5');
    engine.close();

    const store = await place.open();
    const usage = { userUs: 1, systemUs: 2, maxRssBytes: 3 };
    expect(await store.execution('x1')).toEqual(anExecution('x1', { status: 'finished', usage }));
    const more = { usage: { ...usage, readBytes: 4, writtenBytes: 5, voluntarySwitches: 6, involuntarySwitches: 7, peakProcesses: 8 } };
    store.insertExecution(anExecution('x2', { receipt: '{"limits":{}}' }));
    store.finishExecution('x2', { status: 'finished', ...more });
    await store.flush();
    expect(await store.execution('x2')).toEqual(anExecution('x2', { status: 'finished', receipt: '{"limits":{}}', ...more }));
    expect(place.notices).toEqual([]);
  });

  test('refuses the database of another program', async () => {
    await using place = await aFolder();
    const engine = findEngine()(place.file);
    engine.exec('create table bookmarks (url text)');
    engine.close();
    await expect(place.open()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('another program') });
  });

  test('many openings of one new file at once all succeed', async () => {
    await using place = await aFolder();
    const stores = await Promise.all(Array.from({ length: 8 }, () => place.open()));
    for (const [index, store] of stores.entries()) store.insertExecution(anExecution(`x${index}`));
    for (const store of stores) await store.flush();
    expect(await stores[0]?.executions({ limit: 20 })).toHaveLength(8);
    expect(place.notices).toEqual([]);
  });

  test('a closed store says so', async () => {
    await using place = await aFolder();
    const store = await place.open();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await expect(store.servers()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an aborted opening is cancelled', async () => {
    await using place = await aFolder();
    await expect(place.open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('prints nothing: no warning of an experimental SQLite', () => {
    const script = "process.getBuiltinModule('node:sqlite')";
    expect(execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' }).toString()).toBe('');
  });
});
