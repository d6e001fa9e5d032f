import { describe, expect, it } from 'vitest';
import { type Call, type LegName, openLeg } from './support/legs.ts';
import { eventually } from './support/processes.ts';

const LEGS: LegName[] = ['stdio, legacy', 'stdio, modern', 'http, legacy', 'http, modern'];

interface Notice {
  readonly progress: number;
  readonly message: string;
}

const noticesOf = (call: Call): Notice[] =>
  call.heard().flatMap(({ method, params }) => (method === 'notifications/progress' ? [params as unknown as Notice] : []));

const COUNTER = 'for i in 1 2 3 4 5 6; do echo "line $i"; sleep 0.5; done';

const isAnswered = (call: Call): boolean => call.heard().some(({ method }) => method === undefined);

describe.each(LEGS)('progress over %s, bubblewrap', (name) => {
  it('says how long a program runs and what it printed last, to who asked, and stops with the answer', async () => {
    await using leg = await openLeg(name);
    const told = [
      await leg.call('execute_command', { command: COUNTER }, 'token-1'),
      await leg.call('execute_code', { language: 'bash', code: COUNTER }, 'token-2'),
    ];
    const silent = await leg.call('execute_command', { command: COUNTER });
    expect(await eventually(() => [...told, silent].every(isAnswered), 20_000)).toBe(true);
    const counts: number[] = [];
    for (const call of told) {
      const notices = noticesOf(call);
      expect(notices.length).toBeGreaterThanOrEqual(2);
      expect(notices.length).toBeLessThanOrEqual(8);
      for (const [index, { progress, message }] of notices.entries()) {
        expect(progress).toBeGreaterThan(notices[index - 1]?.progress ?? 0);
        expect(message).toMatch(/^running for \d+ s: (?:line \d|no output yet)$/);
      }
      expect(call.heard().at(-1)?.method).toBeUndefined();
      counts.push(notices.length);
    }
    expect(silent.heard().map(({ method }) => method)).toEqual([undefined]);
    await leg.roundTrip();
    expect(told.map((call) => noticesOf(call).length)).toEqual(counts);
  });

  it('says how long a wait has waited, and on what', async () => {
    await using leg = await openLeg(name);
    const started = await leg.call('execute_command', { command: 'echo begun; sleep 60', wait_seconds: 0, stdin: '' });
    expect(await eventually(() => isAnswered(started), 20_000)).toBe(true);
    const shown = started.heard()[0]?.result?.['structuredContent'] as { readonly execution_id: string } | undefined;
    const wait = await leg.call('wait', { execution_id: shown?.execution_id, until: 'exit', wait_seconds: 3 }, 'token-3');
    expect(await eventually(() => isAnswered(wait), 20_000)).toBe(true);
    const notices = noticesOf(wait);
    expect(notices.length).toBeGreaterThanOrEqual(1);
    for (const { message } of notices) expect(message).toMatch(/^waiting for \d+ s: begun$/);
  });
});
