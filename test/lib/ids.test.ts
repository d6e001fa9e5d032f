import { describe, expect, test } from 'vitest';
import { newExecutionId, newSandboxId, newServerId } from '../../src/lib/ids.ts';
import { createMutex } from '../../src/lib/mutex.ts';

describe('ids', () => {
  test.each([
    [newSandboxId, /^s[a-z2-7]{9}$/],
    [newExecutionId, /^x[a-z2-7]{11}$/],
    [newServerId, /^v[a-z2-7]{9}$/],
  ])('%o has its form, uses every sign in every place, and does not repeat', (make, form) => {
    const made = Array.from({ length: 5_000 }, make);
    for (const id of made) expect(id).toMatch(form);
    expect(new Set(made).size).toBe(made.length);
    for (let place = 1; place < (made[0]?.length ?? 0); place += 1) expect(new Set(made.map((id) => id[place])).size).toBe(32);
  });
});

describe('mutex', () => {
  test('lets one in at a time, in the order of asking, and an unlock counts once', async () => {
    const mutex = createMutex();
    const seen: number[] = [];
    let inside = 0;
    await Promise.all(
      [1, 2, 3].map(async (number) => {
        const unlock = await mutex.lock();
        expect(++inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        seen.push(number);
        inside -= 1;
        unlock();
        unlock();
      }),
    );
    expect(seen).toEqual([1, 2, 3]);
    const unlock = mutex.tryLock();
    expect(unlock).toBeDefined();
    expect(mutex.tryLock()).toBeUndefined();
    unlock?.();
    expect(mutex.tryLock()).toBeDefined();
  });
});
