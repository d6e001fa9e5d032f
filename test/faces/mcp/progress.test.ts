import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ProgressNotice } from '../../../src/faces/mcp/progress.ts';
import { createProgress } from '../../../src/faces/mcp/progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const record = () => {
  const notices: ProgressNotice[] = [];
  const send = vi.fn((notice: ProgressNotice) => {
    notices.push(notice);
    return Promise.resolve();
  });
  return { notices, send };
};

it('sends the first at once and the last of each interval when it is over', async () => {
  const { notices, send } = record();
  const progress = createProgress(send);
  for (let step = 1; step <= 60; step += 1) {
    progress.tell(`step ${step}`);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(notices.map(({ message }) => message)).toEqual(['step 1', 'step 25', 'step 50']);
  expect(notices[0]?.progress).toBeGreaterThan(0);
  expect(notices[2]?.progress).toBeGreaterThan(notices[1]?.progress ?? Infinity);
});

it('sends nothing after the end, not even what was waiting', async () => {
  const { notices, send } = record();
  const progress = createProgress(send);
  progress.tell('one');
  progress.tell('two');
  progress.stop();
  progress.tell('three');
  await vi.advanceTimersByTimeAsync(1000);
  expect(notices.map(({ message }) => message)).toEqual(['one']);
  expect(vi.getTimerCount()).toBe(0);
});

it('gives up quietly when the peer is gone', async () => {
  const send = vi.fn(() => Promise.reject(new Error('Not connected')));
  const progress = createProgress(send);
  progress.tell('one');
  await vi.advanceTimersByTimeAsync(1000);
  progress.tell('two');
  await vi.advanceTimersByTimeAsync(1000);
  expect(send).toHaveBeenCalledTimes(1);
});
