import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createFileLogs } from '../../../src/drivers/logs/file-logs.ts';
import { decodeOrder, encodeOrder } from '../../../src/drivers/logs/order.ts';
import type { LogStore } from '../../../src/ports/logs.ts';
import { failure, temporaryState, text } from '../../support/sandboxes.ts';

const REF = { sandbox: 's1', execution: 'e1' };

let logs: LogStore;
let folder: string;

beforeEach(() => {
  const state = temporaryState();
  onTestFinished(() => state[Symbol.dispose]());
  folder = join(state.path, 'sandboxes', REF.sandbox, 'log');
  mkdirSync(folder, { recursive: true });
  logs = createFileLogs({ stateFolder: state.path });
});

describe('logs as files', () => {
  test('give the bytes from an offset, shorter at the end, none past it', async () => {
    writeFileSync(join(folder, 'e1.out'), '0123456789');
    expect(text(await logs.read(REF, 'stdout', 0, 4))).toBe('0123');
    expect(text(await logs.read(REF, 'stdout', 8, 100))).toBe('89');
    expect(await logs.read(REF, 'stdout', 11, 5)).toHaveLength(0);
    expect(await logs.size(REF, 'stdout')).toBe(10);
  });

  test('are empty where nothing was printed', async () => {
    expect(await logs.read(REF, 'stderr', 0, 10)).toHaveLength(0);
    expect(await logs.size(REF, 'stderr')).toBe(0);
    expect(await logs.order(REF)).toEqual([]);
    await logs.remove(REF);
  });

  test('give at most 4 MiB a call', async () => {
    writeFileSync(join(folder, 'e1.out'), Buffer.alloc(5 * 1024 * 1024, 'x'));
    expect(await logs.read(REF, 'stdout', 0, 100 * 1024 * 1024)).toHaveLength(4 * 1024 * 1024);
  });

  test('tell how the streams interleave, without a torn last record', async () => {
    const runs = [
      { stream: 'stdout', bytes: 3, atMs: 0 },
      { stream: 'stderr', bytes: 2_147_483_647, atMs: 4_000_000_000 },
    ] as const;
    writeFileSync(join(folder, 'e1.ord'), Buffer.concat([encodeOrder(runs), Buffer.from([1, 2, 3])]));
    expect(await logs.order(REF)).toEqual(runs);
  });

  test('read an order of many slices whole', async () => {
    const runs = Array.from(
      { length: 20_001 },
      (_, index) => ({ stream: index % 2 === 0 ? 'stdout' : 'stderr', bytes: index, atMs: index }) as const,
    );
    writeFileSync(join(folder, 'e1.ord'), encodeOrder(runs));
    expect(await logs.order(REF)).toEqual(runs);
  });

  test('are forgotten without the others', async () => {
    for (const name of ['e1.out', 'e1.err', 'e1.ord', 'e2.out']) writeFileSync(join(folder, name), 'x');
    await logs.remove(REF);
    expect(readdirSync(folder)).toEqual(['e2.out']);
  });

  test('that are links are not followed', async () => {
    symlinkSync('/etc/passwd', join(folder, 'e1.out'));
    expect(await failure(logs.read(REF, 'stdout', 0, 10))).toMatchObject({ code: 'internal', message: expect.stringContaining('ELOOP') });
  });

  test('that are pipes are refused at once', async () => {
    execFileSync('sh', ['-c', 'exec mkfifo "$1"', 'sh', join(folder, 'e1.out')]);
    expect(await failure(logs.read(REF, 'stdout', 0, 10))).toMatchObject({ code: 'internal', message: expect.stringContaining('regular') });
    expect((await failure(logs.size(REF, 'stdout'))).code).toBe('internal');
  });

  test.each([
    { sandbox: '..', execution: 'e1' },
    { sandbox: 's1', execution: '../../x' },
    { sandbox: 's1', execution: '' },
  ])('of $sandbox/$execution are no path', async (ref) => {
    expect((await failure(logs.read(ref, 'stdout', 0, 10))).code).toBe('invalid_input');
    expect((await failure(logs.path(ref, 'stdout'))).code).toBe('invalid_input');
  });
});

test('an order survives its encoding', () => {
  const run = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    bytes: fc.nat(0x7fff_ffff),
    atMs: fc.nat(0xffff_ffff),
  });
  fc.assert(
    fc.property(fc.array(run), (runs) => {
      expect(decodeOrder(encodeOrder(runs))).toEqual(runs);
    }),
  );
});
