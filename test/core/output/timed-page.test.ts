import iconv from 'iconv-lite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOutput } from '../../../src/core/output/output.ts';
import type { PageRequest } from '../../../src/core/output/presenter.ts';
import { createRecordedLogs } from '../../../src/core/output/recorded-logs.ts';
import { timeBounds, stampOf } from '../../../src/core/output/times.ts';
import { codecNamed } from '../../../src/core/output/encoding.ts';
import type { LogRun } from '../../../src/ports/logs.ts';
import { memoryLogs, REF } from './logs.ts';

const START = Date.UTC(2026, 10, 28, 14, 0, 0);
const STAMP = { format: '[%S.%L] ', zone: 'utc', startedMs: START } as const;

const pagesOf = (content: Parameters<typeof memoryLogs>[0]) => {
  const { logs } = memoryLogs(content);
  const output = createOutput({ logs });
  onTestFinished(() => output[Symbol.asyncDispose]());
  return (request: Partial<PageRequest> = {}) =>
    output.presenter.page(REF, { stream: 'stdout', limitBytes: 32_768, raw: false, ...request });
};

/** Pieces with the times at which they arrived. */
const arriving = (pieces: readonly (readonly [number, string, 'stdout' | 'stderr'])[]) => ({
  stdout: pieces.flatMap(([, text, stream]) => (stream === 'stdout' ? [text] : [])).join(''),
  stderr: pieces.flatMap(([, text, stream]) => (stream === 'stderr' ? [text] : [])).join(''),
  order: pieces.map(([atMs, text, stream]): LogRun => ({ stream, bytes: Buffer.byteLength(text), atMs })),
});

const TALE = arriving([
  [0, 'begun\nhalf a ', 'stdout'],
  [1000, 'line\n', 'stdout'],
  [1500, 'warning\n', 'stderr'],
  [2000, 'on\nand on\n', 'stdout'],
  [5000, 'done\n', 'stdout'],
]);

describe('the time of a line', () => {
  test('is that of its first byte', async () => {
    const page = pagesOf(TALE);
    expect((await page({ stamp: STAMP })).text).toBe('[00.000] begun\n[00.000] half a line\n[02.000] on\n[02.000] and on\n[05.000] done\n');
    expect((await page({ stamp: STAMP, stream: 'both' })).text).toBe(
      '[00.000] begun\n[00.000] half a line\n[01.500] warning\n[02.000] on\n[02.000] and on\n[05.000] done\n',
    );
    expect((await page({ stamp: STAMP, tail: 2 })).text).toBe('[02.000] and on\n[05.000] done\n');
    expect((await page({ stamp: STAMP, lines: { from: 3, to: 3 } })).text).toBe('[02.000] on\n');
    expect((await page({ stamp: STAMP, grep: { pattern: 'on', context: 0, ignoreCase: false, max: 9 } })).text).toBe(
      '[02.000] 3:on\n[02.000] 4:and on\n[05.000] 5:done\n',
    );
  });

  test('stands once in front of a line that is shown on two pages, and every page fits', async () => {
    const text = `${'x'.repeat(300)}\n${Array.from({ length: 100 }, (_, index) => `line ${String(index)}\n`).join('')}`;
    const page = pagesOf({ stdout: text });
    let all = '';
    let cursor: string | undefined;
    do {
      const shown = await page({ stamp: STAMP, limitBytes: 256, cursor });
      expect(Buffer.byteLength(shown.text)).toBeLessThanOrEqual(256 + 20);
      all += shown.text;
      cursor = shown.nextCursor;
    } while (cursor !== undefined);
    expect(all).toBe(text.replace(/^/gm, '[00.000] ').replace(/\[00\.000\] $/, ''));
    const tail = await page({ stamp: STAMP, limitBytes: 256, tail: 100 });
    expect(Buffer.byteLength(tail.text)).toBeLessThanOrEqual(256);
    expect(tail).toMatchObject({ truncated: true, text: expect.stringMatching(/^\[00\.000\] line \d+\n(?:.|\n)*line 99\n$/) });
  });

  test('of output that has no file is that of the end, to which it belongs', async () => {
    const stdout = Buffer.from('only\n');
    const logs = createRecordedLogs(
      memoryLogs({}).logs,
      async () => ({ stdout, stderr: new Uint8Array() }),
      async () => 10_000,
    );
    const output = createOutput({ logs });
    onTestFinished(() => output[Symbol.asyncDispose]());
    const page = (more: Partial<PageRequest>) =>
      output.presenter.page(REF, { stream: 'stdout', limitBytes: 1000, raw: false, stamp: STAMP, ...more });
    expect((await page({})).text).toBe('[10.000] only\n');
    expect((await page({ sinceMs: 9_000 })).text).toBe('[10.000] only\n');
    expect((await page({ sinceMs: 20_000 })).text).toBe('');
  });
});

describe('since and until', () => {
  test('show whole lines, those that began before or after left out', async () => {
    const page = pagesOf(TALE);
    expect((await page({ sinceMs: 900 })).text).toBe('on\nand on\ndone\n');
    expect((await page({ untilMs: 500 })).text).toBe('begun\nhalf a line\n');
    expect((await page({ sinceMs: 1_900, untilMs: 2_100 })).text).toBe('on\nand on\n');
    expect((await page({ sinceMs: 1_400, untilMs: 2_000, stream: 'both' })).text).toBe('warning\non\nand on\n');
  });

  test('leave nothing out that may have come since: a run tells its begin alone', async () => {
    expect((await pagesOf(TALE)({ sinceMs: 2_200 })).text).toBe('on\nand on\ndone\n');
    expect((await pagesOf(TALE)({ sinceMs: 2_251 })).text).toBe('done\n');
  });

  test('what is not recorded yet is new', async () => {
    const page = pagesOf({ stdout: 'old\nnew\n', order: [{ stream: 'stdout', bytes: 4, atMs: 0 }] });
    expect((await page({ sinceMs: 3_600_000, growing: true })).text).toBe('new\n');
  });

  test('quick output without an index is from the start', async () => {
    const page = pagesOf({ stdout: 'quick\n' });
    expect((await page({ sinceMs: 100 })).text).toBe('quick\n');
    expect((await page({ sinceMs: 1_000 })).text).toBe('');
    expect((await page({ untilMs: 0 })).text).toBe('quick\n');
    expect((await page({ untilMs: -1 })).text).toBe('');
  });

  test('before the start is everything, in the future nothing: a clock that jumped harms nobody', async () => {
    const page = pagesOf(TALE);
    expect((await page({ sinceMs: -1e15 })).text).toBe(TALE.stdout);
    expect((await page({ sinceMs: 1e15 })).text).toBe('');
    expect((await page({ untilMs: 1e15 })).text).toBe(TALE.stdout);
  });

  test('pages go on with a cursor, and grep keeps the line numbers of the whole', async () => {
    const page = pagesOf(TALE);
    const first = await page({ sinceMs: 1_900, limitBytes: 11 });
    expect(first).toMatchObject({ text: 'on\nand on\n', truncated: true });
    expect((await page({ sinceMs: 1_900, cursor: first.nextCursor })).text).toBe('done\n');
    const grep = { pattern: 'on', context: 0, ignoreCase: false, max: 9 };
    expect((await page({ sinceMs: 1_900, grep })).text).toBe('3:on\n4:and on\n5:done\n');
  });

  test('are read as moments, and refused by name', () => {
    const base = { startedMs: START, zone: 'utc', now: START + 60_000 } as const;
    expect(timeBounds({ ...base, since: '+5s', until: '10s' })).toEqual({ sinceMs: 5_000, untilMs: 50_000 });
    expect(timeBounds({ ...base, since: START / 1000 + 1 })).toEqual({ sinceMs: 1_000, untilMs: undefined });
    expect(() => timeBounds({ ...base, since: 'soon' })).toThrow('since: "soon" is no time.');
    expect(() => timeBounds({ ...base, since: '1s', until: '5s' })).toThrow('until lies before since.');
    expect(() => stampOf('x'.repeat(101), 0, 'utc')).toThrow('A time format');
  });
});

describe('what is not UTF-8', () => {
  const TEXT = '日本語のログ\n二行目\n終わり\n';

  test.each(['shift_jis', 'euc-jp', 'gb18030', 'big5', 'utf-16le', 'utf-16be', 'utf-32le'])('%s is read page by page', async (encoding) => {
    const text = encoding === 'big5' ? '中文記錄\n第二行\n完\n' : TEXT;
    const page = pagesOf({ stdout: iconv.encode(text.repeat(40), encoding, { addBOM: false }) });
    const codec = await codecNamed(encoding);
    for (const limitBytes of [9, 64, 257]) {
      let all = '';
      let cursor: string | undefined;
      do {
        const shown = await page({ codec, encoding, limitBytes, cursor });
        all += shown.text;
        cursor = shown.nextCursor;
      } while (cursor !== undefined);
      expect(all).toBe(text.repeat(40));
    }
    const last = text.split('\n').at(-2) ?? '';
    expect((await page({ codec, encoding, tail: 1, stamp: STAMP })).text).toBe(`[00.000] ${last}\n`);
  });

  test('is searched by its characters, and shown so', async () => {
    const encoding = 'shift_jis';
    const page = pagesOf({ stdout: iconv.encode(TEXT, encoding) });
    const codec = await codecNamed(encoding);
    expect((await page({ codec, encoding, grep: { pattern: '二.目', context: 0, ignoreCase: false, max: 9 } })).text).toBe('2:二行目\n');
  });

  test('of an encoding that does not exist is refused by name', async () => {
    await expect(codecNamed('klingon')).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('"klingon"') });
    expect(await codecNamed('utf8')).toBeUndefined();
  });
});
