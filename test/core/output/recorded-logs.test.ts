import { expect, onTestFinished, test } from 'vitest';
import { createOutput } from '../../../src/core/output/output.ts';
import { createRecordedLogs } from '../../../src/core/output/recorded-logs.ts';
import type { RecordedOutput } from '../../../src/ports/store.ts';
import { memoryLogs, REF } from './logs.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

const recorded = (output: RecordedOutput | undefined, file = '') => {
  const { logs } = memoryLogs({ stdout: file });
  return createRecordedLogs({ ...logs, path: async () => '/never/there' }, async (id) => (id === REF.execution ? output : undefined));
};

const SMALL = { stdout: bytes('one\ntwo\nthree\n'), stderr: bytes('') };

test('output without a file is read from its record', async () => {
  const logs = recorded(SMALL);
  expect([await logs.size(REF, 'stdout'), await logs.size(REF, 'stderr')]).toEqual([14, 0]);
  expect(text(await logs.read(REF, 'stdout', 4, 3))).toBe('two');
  expect(text(await logs.read(REF, 'stdout', 8, 1000))).toBe('three\n');
  expect((await logs.read(REF, 'stdout', 14, 10)).length).toBe(0);
  expect((await logs.read(REF, 'stderr', 0, 10)).length).toBe(0);
  expect(await logs.path(REF, 'stdout')).toBeUndefined();
});

test('output in a file is read from there, and found there by a search', async () => {
  const logs = recorded(undefined, 'file\n');
  expect(text(await logs.read(REF, 'stdout', 0, 9))).toBe('file\n');
  expect([await logs.size(REF, 'stdout'), await logs.path(REF, 'stdout')]).toEqual([5, '/never/there']);
  expect((await recorded(undefined).read(REF, 'stdout', 0, 9)).length).toBe(0);
});

test('pages, lines and searches are the same over a record', async () => {
  const output = createOutput({ logs: recorded(SMALL) });
  onTestFinished(() => output[Symbol.asyncDispose]());
  const page = (more: object) => output.presenter.page(REF, { stream: 'stdout', limitBytes: 1000, raw: false, ...more });
  expect((await page({})).text).toBe('one\ntwo\nthree\n');
  expect((await page({ tail: 1 })).text).toBe('three\n');
  expect((await page({ lines: { from: 2, to: 2 } })).text).toBe('two\n');
  expect((await page({ grep: { pattern: 't', ignoreCase: false, context: 0, max: 9 } })).text).toBe('2:two\n3:three\n');
  expect(await output.watch.search({ ref: REF, pattern: 'th.*' })).toMatchObject({ match: { line: 'three' } });
});
