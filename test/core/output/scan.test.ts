import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold } from '../../../src/core/output/fold.ts';
import { splitLines } from '../../../src/core/output/line-splitter.ts';
import { scanGrep, scanLocate } from '../../../src/core/output/scan.ts';

const chunked = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));

const text = fc
  .array(fc.constantFrom('err\n', 'ok\n', 'error 7\n', '\n', 'a b\n', '\u001b[1merr\u001b[0mor\n', 'é', 'er', 'r', '\xff'), {
    maxLength: 60,
  })
  .map((parts) => parts.join(''));

/** grep -n -C, the simple way. */
const expected = (whole: string, pattern: RegExp, context: number): string[] => {
  const lines = whole.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const hits = lines.flatMap((line, index) => (pattern.test(line) ? [index] : []));
  return lines.flatMap((line, index) => {
    if (hits.includes(index)) return [`${index + 1}:${line}`];
    return hits.some((hit) => Math.abs(hit - index) <= context) ? [`${index + 1}-${line}`] : [];
  });
};

describe('scanning', () => {
  test.each(['err', 'e.r', '^$', 'error \\d', '(?:err|a) ?[b7]?$', 'r+', '^er*o', 'ok(?!\\s)'])(
    'finds what grep finds, however it is chunked: %s',
    (pattern) => {
      fc.assert(
        fc.property(text, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 3 }), (whole, size, context) => {
          const scan = scanGrep({ pattern, ignoreCase: false, raw: true, context, max: 1_000, maxBytes: 1e6, firstLine: 1 });
          for (const chunk of chunked(Buffer.from(whole), size)) scan.push(chunk);
          const { lines, more } = scan.finish();
          expect(lines.map((line) => `${line.line}${line.match ? ':' : '-'}${line.text}`)).toEqual(
            expected(whole, new RegExp(pattern), context),
          );
          expect(more).toBe(false);
        }),
        { numRuns: 300 },
      );
    },
  );

  test.each(['error', 'ok|err', '\\x1b'])('matches what is shown, in blocks and line by line alike: %s', (pattern) => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 200 }), (whole, size) => {
        const scan = scanGrep({ pattern, ignoreCase: false, raw: false, context: 0, max: 1_000, maxBytes: 1e6, firstLine: 1 });
        for (const chunk of chunked(Buffer.from(whole), size)) scan.push(chunk);
        expect(scan.finish().lines.map((line) => `${line.line}:${line.text}`)).toEqual(expected(fold(whole), new RegExp(pattern), 0));
      }),
      { numRuns: 300 },
    );
  });

  test('a pattern that could run through many lines is tried on one at a time', () => {
    const scan = scanGrep({ pattern: '[^x]*y', ignoreCase: false, raw: true, context: 0, max: 9, maxBytes: 1e6, firstLine: 1 });
    const begun = performance.now();
    scan.push(Buffer.alloc(400_000, 'a line\n'));
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  test('lines that are longer than the bound come in pieces of one number', () => {
    const seen: [number, number, boolean][] = [];
    const splitter = splitLines(({ bytes, number, finished }) => {
      seen.push([number, bytes.length, finished]);
      return true;
    });
    splitter.push(Buffer.from(`a\n${'x'.repeat(100_000)}`));
    splitter.push(Buffer.from(`${'y'.repeat(50_000)}\nend`));
    splitter.end();
    expect(seen).toEqual([
      [1, 1, true],
      [2, 65_536, true],
      [2, 65_536, true],
      [2, 18_928, true],
      [3, 3, false],
    ]);
  });

  test('lines are located as they are counted', () => {
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 0, max: 5 }),
        (whole, size, from, further) => {
          const bytes = Buffer.from(whole);
          const scan = scanLocate(from, from + further);
          for (const chunk of chunked(bytes, size)) if (!scan.push(chunk)) break;
          const { start, end, total } = scan.finish();
          const lines = whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
          expect(bytes.subarray(start, end).toString()).toBe(lines.slice(from - 1, from + further).join(''));
          if (total !== undefined) expect(total).toBe(lines.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
