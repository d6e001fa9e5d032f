import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configSchema, type Config } from '../../../src/core/config/schema.ts';
import { createDoubt, createSweep } from '../../../src/core/executions/retention.ts';
import type { ExecutionsDeps } from '../../../src/core/executions/types.ts';
import { createFileLogs } from '../../../src/drivers/logs/file-logs.ts';
import { openStore } from '../../../src/drivers/store/open-store.ts';
import type { ExecutionRecord } from '../../../src/ports/store.ts';
import { temporaryState } from '../../support/sandboxes.ts';

const NOW = Date.UTC(2026, 10, 28);
const DAY_MS = 86_400_000;

/** Real records, real files. Executions are [name, sandbox, age at their end in days, bytes]; without an age they run. */
const kept = async (config: Partial<Config>, executions: readonly (readonly [string, string, number | undefined, number])[]) => {
  const state = temporaryState();
  const store = await openStore({ folder: state.path, onNotice: () => undefined });
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    state[Symbol.dispose]();
  });
  for (const [id, sandbox, days, bytes] of executions) {
    const record: ExecutionRecord = {
      id,
      sandbox,
      status: 'running',
      steps: '[]',
      title: id,
      cwd: '/',
      labels: '{}',
      meta: '{}',
      caller: 't',
      startedMs: NOW - (days ?? 0) * DAY_MS,
    };
    store.insertExecution(record);
    if (days !== undefined)
      store.finishExecution(id, {
        status: 'finished',
        outcome: { kind: 'exited', code: 0 },
        durationMs: 0,
        stdout: { bytes, newlines: 0 },
        stderr: { bytes: 0, newlines: 0 },
      });
    mkdirSync(join(state.path, 'sandboxes', sandbox, 'log'), { recursive: true });
    for (const suffix of ['out', 'ord'])
      writeFileSync(join(state.path, 'sandboxes', sandbox, 'log', `${id}.${suffix}`), 'x'.repeat(Math.min(bytes, 100)));
  }
  await store.flush();
  const forgotten: string[] = [];
  const deps = {
    store,
    logs: createFileLogs({ stateFolder: state.path }),
    config: configSchema.parse({ stateDir: state.path, ...config }),
  };
  const clocks = { now: () => NOW, steady: () => 0 };
  const sweep = createSweep(deps as unknown as ExecutionsDeps, (id) => forgotten.push(id), clocks);
  const left = async () => (await store.executions({ limit: 100 })).map(({ id }) => id).sort();
  const files = () => [...new Set(executions.flatMap(([, sandbox]) => readdirSync(join(state.path, 'sandboxes', sandbox, 'log'))))].sort();
  return { store, sweep, left, files, forgotten };
};

describe('retention', () => {
  test('forgets what is older, with its files, and the statistics say so at once', async () => {
    const { store, sweep, left, files, forgotten } = await kept({ retentionSeconds: 86_400 }, [
      ['x1', 's1', 3, 500],
      ['x2', 's1', 2, 70],
      ['x3', 's2', 0.5, 9],
      ['x4', 's2', undefined, 0],
    ]);
    expect(await store.logBytes()).toBe(579);
    expect(await sweep({ dryRun: true })).toEqual({ executions: 2, bytes: 570 });
    expect(await left()).toHaveLength(4);
    expect(await sweep()).toEqual({ executions: 2, bytes: 570 });
    expect([await left(), files(), forgotten]).toEqual([
      ['x3', 'x4'],
      ['x3.ord', 'x3.out', 'x4.ord', 'x4.out'],
      ['x1', 'x2'],
    ]);
    expect(await store.logBytes()).toBe(9);
    expect(await sweep()).toEqual({ executions: 0, bytes: 0 });
  });

  test('more old ones than go at once', async () => {
    const { sweep, left } = await kept(
      { retentionSeconds: 60 },
      Array.from({ length: 250 }, (_, index) => [`x${String(index)}`, 's1', 1, 1] as const),
    );
    expect(await sweep()).toEqual({ executions: 250, bytes: 250 });
    expect(await left()).toEqual([]);
  });

  test('over the quota of the server the oldest go first, no more than must, and none that runs', async () => {
    const MIB = 1024 * 1024;
    const { sweep, left, store } = await kept({ logQuotaBytes: MIB }, [
      ['xold', 's1', undefined, 0],
      ['x1', 's1', 4, MIB],
      ['x2', 's1', 3, 10],
      ['x3', 's2', 2, MIB - 10],
      ['x4', 's2', 1, 10],
    ]);
    expect(await sweep({ dryRun: true })).toEqual({ executions: 2, bytes: MIB + 10 });
    expect(await sweep()).toEqual({ executions: 2, bytes: MIB + 10 });
    expect(await left()).toEqual(['x3', 'x4', 'xold']);
    expect(await store.logBytes()).toBe(MIB);
  });

  test('over the quota of a sandbox only its own go', async () => {
    const { sweep, left, store } = await kept({ sandboxLogBytes: 100 }, [
      ['x1', 's1', 4, 60],
      ['x2', 's1', 3, 60],
      ['x3', 's1', 2, 40],
      ['x4', 's2', 5, 100],
      ['x5', 's3', 6, 101],
    ]);
    expect([...(await store.sandboxesOver(100))].sort()).toEqual(['s1', 's3']);
    expect(await sweep()).toEqual({ executions: 2, bytes: 161 });
    expect(await left()).toEqual(['x2', 'x3', 'x4']);
    expect(await store.logBytes('s1')).toBe(100);
  });

  test('an end that a wrong clock wrote into the future does not keep the quota from being kept', async () => {
    const { sweep, left } = await kept({ sandboxLogBytes: 50 }, [
      ['x1', 's1', -4000, 60],
      ['x2', 's1', 1, 40],
    ]);
    expect(await sweep()).toEqual({ executions: 2, bytes: 100 });
    expect(await left()).toEqual([]);
  });
});

describe('a wall clock that jumps ahead', () => {
  test('is doubted for ten minutes, and a clock that goes back or an hour that passes is not', () => {
    const at = { now: NOW, steady: 0 };
    const isDoubtful = createDoubt({ now: () => at.now, steady: () => at.steady });
    const pass = (wallMs: number, steadyMs: number): boolean => {
      at.now += wallMs;
      at.steady += steadyMs;
      return isDoubtful();
    };
    expect(pass(3_600_000, 3_600_000)).toBe(false);
    expect(pass(-DAY_MS, 1000)).toBe(false);
    expect(pass(365 * DAY_MS, 1000)).toBe(true);
    expect(pass(300_000, 300_000)).toBe(true);
    expect(pass(300_001, 300_001)).toBe(false);
  });
});
