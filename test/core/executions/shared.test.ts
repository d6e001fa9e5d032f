import { expect, it, vi } from 'vitest';
import { createShared } from '../../../src/core/executions/shared.ts';

const setUp = () => {
  const signals: AbortSignal[] = [];
  const ends: ((value: number) => void)[] = [];
  const work = (signal: AbortSignal): Promise<number> => {
    signals.push(signal);
    return new Promise((resolve) => ends.push(resolve));
  };
  return { shared: createShared(), signals, ends, work };
};

it('is done once for all who wait, and anew for who comes afterwards', async () => {
  const { shared, signals, ends, work } = setUp();
  const { signal } = new AbortController();
  const waits = [shared.join('a', work, signal), shared.join('a', work, signal), shared.join('b', work, signal)];
  expect(signals).toHaveLength(2);
  ends[0]?.(1);
  ends[1]?.(2);
  expect(await Promise.all(waits)).toEqual([1, 1, 2]);
  void shared.join('a', work, signal);
  expect(signals).toHaveLength(3);
});

it('goes on while anybody waits, and is given up with the last', async () => {
  const { shared, signals, work } = setUp();
  const [first, last] = [new AbortController(), new AbortController()];
  const settled = vi.fn();
  for (const { signal } of [first, last]) void shared.join('a', work, signal).then(settled, settled);
  first.abort();
  expect(signals[0]?.aborted).toBe(false);
  last.abort();
  expect(signals[0]?.aborted).toBe(true);
  void shared.join('a', work, new AbortController().signal);
  expect(signals).toHaveLength(2);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(settled).not.toHaveBeenCalled();
});

it('fails for all', async () => {
  const { shared } = setUp();
  const { signal } = new AbortController();
  const fails = async (): Promise<never> => {
    throw new Error('denied');
  };
  const waits = [shared.join('a', fails, signal), shared.join('a', fails, signal)];
  for (const wait of waits) await expect(wait).rejects.toThrow('denied');
});
