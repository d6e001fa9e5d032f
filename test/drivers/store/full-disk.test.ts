import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findEngine, type SqliteEngine } from '../../../src/drivers/store/sqlite-engine.ts';
import { aSandbox, anExecution } from '../../contract/store.ts';
import { aFolder, until } from './folder.ts';

const canMount = process.getuid?.() === 0;

describe('a full disk', () => {
  test('loses no record: they wait, the reader sees them, and are written when there is room', async () => {
    await using place = await aFolder();
    let engine: SqliteEngine | undefined;
    const store = await place.open({ openEngine: (path) => (engine = findEngine()(path)) });
    store.insertExecution(anExecution('x0', { startedMs: 0 }));
    await store.flush();
    const pages = Number(Object.values(engine?.prepare('pragma page_count').all([])[0] ?? {})[0]);
    engine?.exec(`pragma max_page_count = ${pages}`);

    for (let index = 1; index <= 300; index += 1)
      store.insertExecution(anExecution(`x${index}`, { startedMs: index, title: 'long '.repeat(200), labels: '{"round":"full"}' }));
    await expect(store.flush()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('disk is full') });
    store.finishExecution('x0', { status: 'finished', outcome: { kind: 'exited', code: 0 }, durationMs: 1 });
    expect(place.kinds()).toEqual(['writing_failed']);
    expect(store.health()).toMatchObject({ ok: false, queued: 301, problem: { code: 'unavailable' } });
    expect((await store.executions({ limit: 3 })).map(({ id }) => id)).toEqual(['x300', 'x299', 'x298']);
    expect((await store.executions({ limit: 3, status: 'finished' })).map(({ id }) => id)).toEqual(['x0']);
    expect(await store.executions({ limit: 500, labels: { round: 'full' } })).toHaveLength(300);
    expect(await store.execution('x7')).toMatchObject({ startedMs: 7 });
    await expect(store.finishedBefore(10, 5)).resolves.toEqual([]);

    engine?.exec('pragma max_page_count = 100000');
    await until(() => store.health().ok);
    expect(store.health().queued).toBe(0);
    expect(place.kinds()).toEqual(['writing_failed', 'writing_resumed']);
    const other = await place.open();
    expect(await other.executions({ limit: 500 })).toHaveLength(301);
    expect(await other.execution('x0')).toMatchObject({ status: 'finished' });
  });

  test('at the bound, new executions are refused and ends are still taken', async () => {
    await using place = await aFolder();
    let engine: SqliteEngine | undefined;
    const store = await place.open({ openEngine: (path) => (engine = findEngine()(path)) });
    engine?.exec('pragma query_only = on');
    for (let index = 0; index < 4_096; index += 1) store.insertExecution(anExecution(`x${index}`));
    await expect(store.flush()).rejects.toMatchObject({ code: 'unavailable' });
    expect(() => store.insertExecution(anExecution('one more'))).toThrow(expect.objectContaining({ code: 'unavailable' }));
    for (let index = 0; index < 4_096; index += 1) store.finishExecution(`y${index}`, { status: 'finished' });
    expect(() => store.finishExecution('z', { status: 'finished' })).toThrow(expect.objectContaining({ code: 'unavailable' }));
    store.finishExecution('x1', { status: 'finished', durationMs: 1 });
    engine?.exec('pragma query_only = off');
    await store.flush();
    expect(await store.execution('x1')).toMatchObject({ status: 'finished' });
    expect(place.kinds().filter((kind) => kind === 'record_rejected')).toHaveLength(4_096);
  });

  test.skipIf(!canMount)('a real one (needs root, to mount a small tmpfs)', async () => {
    await using place = await aFolder();
    const folder = join(place.folder, 'small');
    await mkdir(folder);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'corral-test', folder], { stdio: 'pipe' });
    } catch {
      return expect.soft(canMount, 'mount is forbidden in this container').toBe(true);
    }
    try {
      const store = await place.open({ folder });
      for (let index = 0; index < 2_000; index += 1) store.insertExecution(anExecution(`x${index}`, { title: 'long '.repeat(100) }));
      await expect(store.flush()).rejects.toMatchObject({ code: 'unavailable', hint: expect.stringContaining('Free space') });
      await expect(store.insertSandbox(aSandbox('s1', { spec: 'x'.repeat(1_000_000) }))).rejects.toMatchObject({ code: 'unavailable' });
      expect(await store.execution('x1999')).toBeDefined();
      execFileSync('mount', ['-o', 'remount,size=64m', folder], { stdio: 'pipe' });
      await store.flush();
      expect(store.health()).toEqual({ ok: true, queued: 0 });
      expect(await store.executions({ limit: 3_000 })).toHaveLength(2_000);
      await store[Symbol.asyncDispose]();
    } finally {
      execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
    }
  });
});
