import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createOutput } from '../../../src/core/output/output.ts';
import type { PageRequest } from '../../../src/core/output/presenter.ts';
import { encode } from '../../../src/lib/utf8.ts';
import type { LogRun } from '../../../src/ports/logs.ts';
import { someBytes } from '../../support/bytes.ts';
import { memoryLogs, REF } from './logs.ts';

const open: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of open) await one[Symbol.asyncDispose]();
});

const outputOf = (content: Parameters<typeof memoryLogs>[0]) => {
  const kept = memoryLogs(content);
  const output = createOutput({ logs: kept.logs });
  open.push(output);
  const page = (request: Partial<PageRequest> = {}, signal?: AbortSignal) =>
    output.presenter.page(REF, { stream: 'stdout', limitBytes: 32_768, raw: false, ...request }, signal);
  return { ...kept, page };
};

/** All pages, as the bytes that they stand for. */
const readAll = async (page: ReturnType<typeof outputOf>['page'], request: Partial<PageRequest>): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for (let cursor: string | undefined, count = 0; ; count += 1) {
    const shown = await page({ ...request, cursor, raw: true });
    // A page without an escape is plain text, even where it holds NUL.
    parts.push(encode({ text: shown.text, escaped: shown.binary === true && !isPlain(shown.text) }));
    cursor = shown.nextCursor;
    if (cursor === undefined) return Buffer.concat(parts);
    if (count > 10_000) throw new Error('the pages do not end');
  }
};

const isPlain = (text: string): boolean => text.includes('\0') && !/\\x[89a-f][0-9a-f]/.test(text);

const lines = (count: number, prefix = 'line '): string => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}\n`).join('');

describe('pages', () => {
  test('one after the other they are the whole stream, for any bytes and any limit', async () => {
    const withoutNul = someBytes.map((bytes) => bytes.map((byte) => (byte === 0 ? 1 : byte)));
    await fc.assert(
      fc.asyncProperty(fc.array(withoutNul, { maxLength: 8 }), fc.integer({ min: 4, max: 700 }), async (parts, limitBytes) => {
        const stdout = Buffer.concat(parts);
        const { page } = outputOf({ stdout });
        expect((await readAll(page, { limitBytes })).equals(stdout)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('of both streams they hold every byte once, in the order of arrival', async () => {
    const run = fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      text: fc.string({ minLength: 1, maxLength: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { maxLength: 30 }), fc.integer({ min: 4, max: 200 }), async (runs, limitBytes) => {
        const of = (stream: string) =>
          runs
            .filter((one) => one.stream === stream)
            .map(({ text }) => text)
            .join('');
        const order = runs.map(({ stream, text }, index): LogRun => ({ stream, bytes: Buffer.byteLength(text), atMs: index }));
        const { page } = outputOf({ stdout: of('stdout'), stderr: of('stderr'), order });
        expect((await readAll(page, { stream: 'both', limitBytes })).toString()).toBe(runs.map(({ text }) => text).join(''));
      }),
      { numRuns: 300 },
    );
  });

  test('end at line ends, say that there is more, and fit', async () => {
    const { page } = outputOf({ stdout: lines(1_000) });
    const first = await page({ limitBytes: 256 });
    expect(first.text.endsWith('\n')).toBe(true);
    expect(first).toMatchObject({ truncated: true, nextCursor: `o:${first.text.length}`, bytes: lines(1_000).length });
    const second = await page({ limitBytes: 256, cursor: first.nextCursor });
    expect(lines(1_000).startsWith(first.text + second.text)).toBe(true);
  });

  test('the last one has no cursor, unless more may come', async () => {
    const { page, append } = outputOf({ stdout: 'abc' });
    expect(await page()).toEqual({ text: 'abc', bytes: 3 });
    const live = await page({ growing: true });
    expect(live).toEqual({ text: 'abc', bytes: 3, nextCursor: 'o:3' });
    append('stdout', 'def');
    expect(await page({ cursor: live.nextCursor })).toEqual({ text: 'def', bytes: 6 });
  });

  test('a character that is still being written waits for its rest', async () => {
    const euro = Buffer.from('€');
    const { page, append } = outputOf({ stdout: Buffer.concat([Buffer.from('price '), euro.subarray(0, 2)]) });
    const first = await page({ growing: true });
    expect(first).toMatchObject({ text: 'price ', nextCursor: 'o:6' });
    append('stdout', euro.subarray(2));
    expect(await page({ cursor: first.nextCursor })).toMatchObject({ text: '€' });
  });

  test('an empty or unknown output is an empty page, a cursor past the end too', async () => {
    const { page } = outputOf({});
    expect(await page()).toEqual({ text: '', bytes: 0 });
    expect(await page({ cursor: 'o:99' })).toEqual({ text: '', bytes: 0 });
  });

  test.each(['12', 'o:', 'o:-1', 'o:1.5', 'x:1', 'o:1 ', 'b:1', 'o:99999999999999999999', 'e:1', 'b:1,2', "o:1'; --"])(
    'the cursor %j is refused',
    async (cursor) => {
      const { page } = outputOf({ stdout: 'abc' });
      await expect(page({ cursor })).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('cursor') });
    },
  );

  test('colours and progress are folded, and kept when asked for', async () => {
    const { page } = outputOf({ stdout: '\u001b[32mok\u001b[0m\n 1%\r 2%\n' });
    expect((await page()).text).toBe('ok\n 2%\n');
    expect((await page({ raw: true })).text).toBe('\u001b[32mok\u001b[0m\n 1%\r 2%\n');
  });

  test('the tail is the last lines, as many as fit', async () => {
    const { page } = outputOf({ stdout: lines(1_000) });
    expect(await page({ tail: 2 })).toEqual({ text: 'line 999\nline 1000\n', bytes: lines(1_000).length });
    expect((await page({ tail: 5_000 })).text).toBe(lines(1_000));
    const cut = await page({ tail: 500, limitBytes: 256 });
    expect(cut.truncated).toBe(true);
    expect(cut.text.startsWith('line ')).toBe(true);
    expect(lines(1_000).endsWith(cut.text)).toBe(true);
    expect((await outputOf({ stdout: 'a\n\nb' }).page({ tail: 2 })).text).toBe('\nb');
  });

  test('lines by number, with a cursor where the page could not hold them', async () => {
    const { page } = outputOf({ stdout: lines(1_000) });
    expect((await page({ lines: { from: 3, to: 5 } })).text).toBe('line 3\nline 4\nline 5\n');
    expect(await page({ lines: { from: 999, to: 2_000 } })).toMatchObject({ text: 'line 999\nline 1000\n', lines: 1_000 });
    expect(await page({ lines: { from: 5_000, to: 6_000 } })).toMatchObject({ text: '', lines: 1_000 });
    const cut = await page({ lines: { from: 1, to: 900 }, limitBytes: 256 });
    expect(cut.truncated).toBe(true);
    expect((await page({ cursor: cut.nextCursor, limitBytes: 256 })).text.startsWith(`line ${cut.text.split('\n').length}\n`)).toBe(true);
  });

  test('by time of arrival', async () => {
    const order: LogRun[] = [
      { stream: 'stdout', bytes: 6, atMs: 0 },
      { stream: 'stderr', bytes: 5, atMs: 300 },
      { stream: 'stdout', bytes: 5, atMs: 900 },
    ];
    const { page } = outputOf({ stdout: 'early\nlate\nunrecorded\n', stderr: 'oops\n', order });
    expect((await page({ stream: 'both' })).text).toBe('early\noops\nlate\nunrecorded\n');
    expect((await page({ stream: 'both', sinceMs: 300 })).text).toBe('oops\nlate\nunrecorded\n');
    expect((await page({ stream: 'both', untilMs: 300 })).text).toBe('early\noops\n');
    expect((await page({ sinceMs: 500 })).text).toBe('late\nunrecorded\n');
  });

  test('matching lines with their numbers and what is around them', async () => {
    const { page } = outputOf({ stdout: lines(100) });
    const grep = { pattern: 'line (7|9|50)$', context: 1, ignoreCase: false, max: 10 };
    const text = '6-line 6\n7:line 7\n8-line 8\n9:line 9\n10-line 10\n--\n49-line 49\n50:line 50\n51-line 51\n';
    expect(await page({ grep })).toEqual({ text, bytes: lines(100).length, matches: 3 });
    expect((await page({ grep: { ...grep, pattern: 'LINE 7$', context: 0 } })).matches).toBe(0);
    expect((await page({ grep: { ...grep, pattern: 'LINE 7$', context: 0, ignoreCase: true } })).text).toBe('7:line 7\n');
    expect((await page({ grep: { ...grep, pattern: '(?i)LINE 7$', context: 0 } })).text).toBe('7:line 7\n');
  });

  test('more matches than wanted: the cursor goes on behind the last, and numbers stay true', async () => {
    const { page } = outputOf({ stdout: lines(100) });
    const grep = { pattern: '5$', context: 0, ignoreCase: false, max: 4 };
    const first = await page({ grep });
    expect(first).toMatchObject({ matches: 4, truncated: true });
    const second = await page({ grep, cursor: first.nextCursor });
    expect(second.text).toBe('45:line 45\n55:line 55\n65:line 65\n75:line 75\n');
    const third = await page({ grep, cursor: second.nextCursor });
    expect(third).toMatchObject({ matches: 2 });
    expect(third.truncated).toBeUndefined();
    expect(third.nextCursor).toBeUndefined();
    expect(await page({ grep, limitBytes: 30 })).toMatchObject({ matches: 2, truncated: true });
  });

  test('matches see the text without its colours, lines cut around the match', async () => {
    const { page } = outputOf({
      stdout: `\u001b[1mready\u001b[0m in \u001b[32m300\u001b[0m ms\n${'x'.repeat(20_000)}needle${'y'.repeat(20_000)}\n`,
    });
    const grep = { pattern: 'ready in \\d+ ms', context: 0, ignoreCase: false, max: 9 };
    expect((await page({ grep })).text).toBe('1:ready in 300 ms\n');
    const long = (await page({ grep: { ...grep, pattern: 'needle' } })).text;
    expect(long).toContain('needle');
    expect(long.length).toBeLessThan(1_100);
  });

  test('matches in both streams come in the order of arrival', async () => {
    const order: LogRun[] = [
      { stream: 'stdout', bytes: 4, atMs: 0 },
      { stream: 'stderr', bytes: 4, atMs: 1 },
    ];
    const { page } = outputOf({ stdout: 'a 1\nc 3\n', stderr: 'b 2\n', order });
    expect((await page({ stream: 'both', grep: { pattern: '\\d', context: 0, ignoreCase: false, max: 9 } })).text).toBe(
      '1:a 1\n2:b 2\n3:c 3\n',
    );
  });

  test('a pattern that is none is refused with the reason', async () => {
    const { page } = outputOf({ stdout: 'a\n' });
    await expect(page({ grep: { pattern: '(', context: 0, ignoreCase: false, max: 9 } })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/pattern: .*[Uu]nterminated group/),
    });
  });
});
