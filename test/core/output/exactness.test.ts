import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createOutput } from '../../../src/core/output/output.ts';
import { memoryLogs, newlinesIn, REF } from './logs.ts';

const open: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of open) await one[Symbol.asyncDispose]();
});

const outputOf = (stdout: Uint8Array) => {
  const output = createOutput({ logs: memoryLogs({ stdout }).logs });
  open.push(output);
  return output.presenter;
};

/** Output as programs print it: repetition, progress, redrawn rows, long lines, bytes that are no text. Every line with a `#` is the only one of its kind. */
let unique = 0;
const part = fc.oneof(
  fc
    .tuple(fc.constantFrom('the same line of some length\n', 'a\nbb\nccc of a block\n', '\n', 'é😀\n'), fc.integer({ min: 1, max: 40 }))
    .map(([line, count]) => line.repeat(count)),
  fc.integer({ min: 1, max: 60 }).map((count) => Array.from({ length: count }, (_, index) => `Downloading it ${index}%\n`).join('')),
  fc
    .integer({ min: 1, max: 20 })
    .map((count) => `layer 1: 0%\nlayer 2: 0%\n${'\u001b[2A\u001b[2Klayer 1: 5%\n\u001b[2Klayer 2: 5%\n'.repeat(count)}`),
  fc.integer({ min: 1, max: 1_500 }).map((length) => `${'long '.repeat(length)}\n`),
  fc.constantFrom('\u001b[31mred\u001b[0m\r\n', ' 1%\r 2%\r', 'no newline'),
  fc.nat().map(() => `#${(unique += 1)} is the answer\n`),
);

/** What takes rows away that others wrote, and what is no text. */
const spoiling = fc.oneof(
  fc.constantFrom('\u001b[H\u001b[2Jscreen\n', '\u001b[3A', '\u001b[J', '\u001b[?1049h'),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

const text = fc.array(part, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')));
const anything = fc
  .array(fc.oneof({ weight: 5, arbitrary: part }, spoiling), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));
const stream = fc.oneof(
  text.map((bytes) => ({ bytes, isText: true })),
  anything.map((bytes) => ({ bytes, isText: false })),
);

/** Answers that stand at the beginning of a line, in order. */
const answersIn = (text: string): string[] => [...text.matchAll(/^#\d+ is the answer$/gm)].map(([line]) => line);

describe('positions stay exact, whatever is folded', () => {
  test('pages follow one another without a gap, and hold every answer once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.integer({ min: 256, max: 3_000 }), async ({ bytes, isText }, limitBytes) => {
        const presenter = outputOf(bytes);
        const texts: string[] = [];
        let at = 0;
        for (let cursor: string | undefined; ;) {
          const page = await presenter.page(REF, { stream: 'stdout', limitBytes, raw: false, cursor });
          expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(limitBytes * 4);
          texts.push(page.text);
          cursor = page.nextCursor;
          if (cursor === undefined) break;
          expect(page.truncated).toBe(true);
          const next = Number(cursor.slice(2));
          expect(next).toBeGreaterThan(at);
          at = next;
        }
        if (!isText) return;
        const whole = bytes.toString();
        const shown = texts.join('');
        expect(answersIn(shown)).toEqual(answersIn(whole));
      }),
      { numRuns: 300 },
    );
  });

  test('between head and tail lies what the line between them says, and an answer is in one of the three', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.integer({ min: 256, max: 4_000 }), async ({ bytes, isText }, budget) => {
        if (bytes.length === 0) return;
        const newlines = newlinesIn(bytes);
        const source = {
          record: { id: 'x1', sandbox: 's1', stdout: { newlines } },
          exit: undefined,
          stdoutBytes: bytes.length,
          stderrBytes: 0,
        };
        const { stdout } = await outputOf(bytes).excerpt(source, budget);
        expect(stdout).toMatchObject({ bytes: bytes.length, lines: newlines + (bytes.at(-1) === 10 ? 0 : 1) });
        const marker = /^… ([\d,]+) bytes(?: \(([\d,]+) lines\))? left out; read_output with cursor "o:(\d+)" shows them …$/m.exec(
          stdout?.text ?? '',
        );
        expect(marker === null).toBe(stdout?.truncated !== true);
        const [left, from] = [Number(marker?.[1]?.replaceAll(',', '') ?? 0), Number(marker?.[3] ?? 0)];
        const hidden = bytes.subarray(from, from + left);
        if (marker !== null) {
          expect(left).toBeGreaterThan(0);
          expect(newlinesIn(hidden)).toBe(Number(marker[2]?.replaceAll(',', '') ?? 0));
          expect(stdout?.nextCursor).toBe(`o:${from}`);
        }
        if (!isText) return;
        const around = `${bytes.subarray(0, from).toString()}\n${bytes.subarray(from + left).toString()}`;
        expect(answersIn(stdout?.text ?? '')).toEqual(answersIn(around));
      }),
      { numRuns: 400 },
    );
  });

  test('lines by number and matches are as they were printed', async () => {
    const text = `${'the same line\n'.repeat(50)}Downloading 1%\nDownloading 2%\nDownloading 3%\nDownloading 4%\nDownloading 5%\nend\n`;
    const presenter = outputOf(Buffer.from(text));
    const page = (more: object) => presenter.page(REF, { stream: 'stdout', limitBytes: 32_768, raw: false, ...more });
    expect((await page({ lines: { from: 49, to: 53 } })).text).toBe(
      'the same line\nthe same line\nDownloading 1%\nDownloading 2%\nDownloading 3%\n',
    );
    expect((await page({ grep: { pattern: 'Down', context: 0, ignoreCase: false, max: 9 } })).text.split('\n')).toHaveLength(6);
    expect(await page({})).toMatchObject({
      text: 'the same line\n… the line above 49 more times …\nDownloading 1%\nDownloading 2%\nDownloading 3%\nDownloading 4%\nDownloading 5%\nend\n',
      folded: 49,
    });
    expect((await page({ raw: true })).text).toBe(text);
    expect((await page({ tail: 30 })).text).toContain('… the line above');
  });
});
