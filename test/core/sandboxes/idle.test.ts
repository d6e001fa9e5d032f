import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { aRequest, never, openHouse } from '../../support/house.ts';
import { eventually } from '../../support/sandboxes.ts';

test('a sandbox in which nothing runs ends, and the next call gets a new one', async () => {
  await using house = await openHouse({ config: { idleSeconds: 1 } });
  const first = await house.executions.run(aRequest(['echo', 'one']), 5_000, never());
  await eventually(async () => (await house.store.sandbox(first.record.sandbox))?.state === 'ended', 'its end');
  expect((await house.store.sandbox(first.record.sandbox))?.reason).toBe('nothing ran in it for 1 s');
  const second = await house.executions.run(aRequest(['echo', 'two']), 5_000, never());
  expect(second.record.outcome).toEqual({ kind: 'exited', code: 0 });
  expect(second.record.sandbox).not.toBe(first.record.sandbox);
  expect(house.complaints).toEqual([]);
});

test('what runs, and what is used again and again, keeps its sandbox', async () => {
  await using house = await openHouse({ config: { idleSeconds: 1 } });
  const { record } = await house.executions.run(aRequest(['sleep', '60000'], { detach: true }), 0, never());
  const used = await house.sandboxes.create({});
  for (let round = 0; round < 8; round += 1) {
    await sleep(250);
    await house.sandboxes.get(used.record.id);
  }
  expect((await house.store.sandbox(record.sandbox))?.state).toBe('running');
  expect((await house.store.sandbox(used.record.id))?.state).toBe('running');
  await house.executions.terminate(record.id, { graceMs: 0 });
  await eventually(async () => (await house.store.sandboxes({ living: true })).length === 0, 'the end of both');
});

test('without the option nothing ends', async () => {
  await using house = await openHouse();
  const { record } = await house.executions.run(aRequest(['echo', 'one']), 5_000, never());
  await sleep(500);
  expect((await house.store.sandbox(record.sandbox))?.state).toBe('running');
});
