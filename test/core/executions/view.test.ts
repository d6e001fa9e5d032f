import { describe, expect, test } from 'vitest';
import { startFields } from '../../../src/core/executions/input.ts';
import { metaOf, recordFromMeta } from '../../../src/core/executions/records.ts';
import { durationOf, hintsFor } from '../../../src/core/executions/view.ts';
import type { ExecutionRecord } from '../../../src/ports/store.ts';

const record = (change: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id: 'x1',
  sandbox: 's1',
  status: 'running',
  steps: '[]',
  title: 'make',
  cwd: '/workspace',
  labels: '{}',
  meta: '{}',
  caller: 'local',
  startedMs: Date.now() - 5000,
  ...change,
});

describe('durationOf', () => {
  test('of one that runs is the time so far', () => expect(durationOf(record()).duration_ms).toBeGreaterThanOrEqual(5000));
  test('is never negative, though the clock was set back', () =>
    expect(durationOf(record({ startedMs: Date.now() + 60_000 }))).toEqual({ duration_ms: 0 }));
  test('of one whose end nobody saw is left out: it does not grow with every look', () =>
    expect(durationOf(record({ status: 'finished', outcome: { kind: 'lost' } }))).toEqual({}));
});

test('a lost execution does not claim that its sandbox is gone when another cause is known', () => {
  const hints = hintsFor(
    record({ status: 'finished', outcome: { kind: 'lost' }, message: 'the process that watched over the program was killed' }),
  );
  expect(hints.join(' ')).toContain('watched over');
  expect(hints.join(' ')).not.toMatch(/sandbox ended/);
});

test('labels that are taken travel with the execution whole; more are refused with words that say so', () => {
  const many = (count: number, sign: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`label-${at}`, sign.repeat(256)]));
  const refused = startFields({ waitSeconds: 30, maxWaitSeconds: 50 }).labels.safeParse(many(16, '"'));
  expect(refused.error?.issues[0]?.message).toContain('bytes together');
  const taken = many(7, '"');
  expect(startFields({ waitSeconds: 30, maxWaitSeconds: 50 }).labels.safeParse(taken).success).toBe(true);
  const meta = metaOf(record({ title: '"'.repeat(500), cwd: `/${'ü'.repeat(2000)}`, labels: JSON.stringify(taken) }));
  expect(Buffer.byteLength(meta)).toBeLessThanOrEqual(16 * 1024);
  const back = recordFromMeta('s1', { execution: 'x1', pid: 2, startedMs: 1, meta, stdoutBytes: 0, stderrBytes: 0 });
  expect(JSON.parse(back.labels)).toEqual(taken);
});
