import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type LegName, openHttp, openLeg } from './support/legs.ts';
import { eventually, withEnvironment } from './support/processes.ts';

const running = (mark: string): number => withEnvironment(`MARK=${mark}`).length;

/** Grace time of the server, and what a busy machine may add. */
const GRACE_MS = 2000;
const BUSY_MS = 4000;

/** A tree that holds on: nothing in it minds SIGTERM, and one part has left the session. */
const STUBBORN = "trap '' TERM HUP INT; setsid sleep 1000 & (sleep 1000; true) & sleep 1000";

const LEGS: LegName[] = ['stdio, legacy', 'stdio, modern', 'http, legacy', 'http, modern'];

describe.each(LEGS)('a call that is cancelled over %s, bubblewrap', (name) => {
  it('ends its whole tree within the grace time, and is never heard of again', async () => {
    const mark = randomUUID();
    await using leg = await openLeg(name);
    const call = await leg.call('execute_command', { command: STUBBORN, env: { MARK: mark } });
    expect(await eventually(() => running(mark) >= 4, 15_000)).toBe(true);
    const started = performance.now();
    await call.cancel();
    expect(await eventually(() => running(mark) === 0, GRACE_MS + BUSY_MS)).toBe(true);
    expect(performance.now() - started).toBeLessThan(GRACE_MS + BUSY_MS);
    await leg.roundTrip();
    expect(call.heard()).toEqual([]);
  });

  it('leaves a program alone that was detached', async () => {
    const mark = randomUUID();
    await using leg = await openLeg(name);
    const call = await leg.call('execute_command', { command: 'sleep 1000', env: { MARK: mark }, detach: true });
    expect(await eventually(() => running(mark) > 0, 15_000)).toBe(true);
    await call.cancel();
    await leg.roundTrip();
    expect(await eventually(() => running(mark) === 0, GRACE_MS + 500)).toBe(false);
  });
});

describe('a client before 2026 that drops its connection, bubblewrap', () => {
  it('has cancelled nothing: the program goes on, is listed, and ends with the session while its call waits', async () => {
    const mark = randomUUID();
    await using leg = await openHttp(false);
    await leg.call('execute_command', { command: 'sleep 1000', env: { MARK: mark }, labels: { mark } });
    expect(await eventually(() => running(mark) > 0, 15_000)).toBe(true);
    leg.dropAll();
    await leg.roundTrip();
    expect(await eventually(() => running(mark) === 0, 1000)).toBe(false);
    const list = await leg.call('list_executions', { labels: { mark }, status: 'running' });
    expect(await eventually(() => list.heard().length > 0)).toBe(true);
    expect(list.heard()[0]?.result?.['structuredContent']).toMatchObject({ executions: [{ command: 'sleep 1000' }] });
    await leg.endSession();
    expect(await eventually(() => running(mark) === 0, GRACE_MS + BUSY_MS)).toBe(true);
  });
});
