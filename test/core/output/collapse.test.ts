import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collapse } from '../../../src/core/output/collapse.ts';
import { condense, foldedIn, textOf } from '../../../src/core/output/condense.ts';

const shown = async (lines: readonly string[]): Promise<string[]> => {
  const { stretches } = await condense(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  return textOf(stretches).split('\n').slice(0, -1);
};

const times = <T>(count: number, line: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => line(index));

describe('what repeats is told once', () => {
  test.each<[string, string[], string[]]>([
    [
      'the same line',
      ['begin', ...times(413, () => 'connection refused, next'), 'end'],
      ['begin', 'connection refused, next', '… the line above 412 more times …', 'end'],
    ],
    [
      'a block of lines',
      [...times(20, () => ['GET /health', '200 OK', '--']).flat(), 'end'],
      ['GET /health', '200 OK', '--', '… the 3 lines above 19 more times …', 'end'],
    ],
    [
      'the same but for the time',
      times(9, (index) => `2026-11-28T10:00:0${index}Z waiting for the database`),
      [
        '2026-11-28T10:00:00Z waiting for the database',
        '… 7 more such lines, other times …',
        '2026-11-28T10:00:08Z waiting for the database',
      ],
    ],
    [
      'states of one progress',
      ['begin', ...times(101, (index) => `Downloading model.bin ${index}% [${'='.repeat(index / 10)}>]`), 'end'],
      ['begin', '… 100 earlier states of what the next line says …', `Downloading model.bin 100% [==========>]`, 'end'],
    ],
    [
      'dots of wget',
      times(
        40,
        (index) =>
          `${String(index * 50).padStart(6)}K .......... .......... ..........  ${String(index * 2).padStart(2)}% 1.2${index % 10}M ${40 - index}s`,
      ),
      ['… 39 earlier states of what the next line says …', '  1950K .......... .......... ..........  78% 1.29M 1s'],
    ],
    [
      'one message for each of many things',
      times(50, (index) => `Processing record ${index + 1}`),
      ['Processing record 1', '… 48 more such lines, other numbers …', 'Processing record 50'],
    ],
    [
      'a progress that begins anew is another one',
      [
        ...times(10, (index) => `pulling layer: ${index * 10}% complete`),
        ...times(10, (index) => `pulling layer: ${index * 11}% complete`),
      ],
      [
        '… 9 earlier states of what the next line says …',
        'pulling layer: 90% complete',
        '… 9 earlier states of what the next line says …',
        'pulling layer: 99% complete',
      ],
    ],
  ])('%s', async (_, from, to) => {
    expect(await shown(from)).toEqual(to);
  });

  test.each<[string, string[]]>([
    ['few lines', times(3, () => 'the same line, three times')],
    ['numbers by themselves', times(200, (index) => String(index))],
    ['numbered lines', times(200, (index) => `line ${index}`)],
    ['rows of a table', times(200, (index) => `${index},${index * 3},0.${index}`)],
    ['files by number', times(50, (index) => `Processing file${index}.txt`)],
    ['devices', times(10, (index) => `/dev/loop${index} 64M 64M 0 10${index}% /snap/core/${index}`)],
    ['places in files', times(50, (index) => `src/a.ts:${index}: processing it`)],
    ['errors with numbers', times(50, (index) => `error: processing record ${index} failed`)],
    ['warnings with times', times(50, (index) => `10:00:${String(index).padStart(2, '0')} WARN slow`)],
    ['values that are measured', times(50, (index) => `step ${index}/50 loss: 0.${index}`)],
    ['values that are named', times(50, (index) => `processed n=${index}`)],
    ['shares in no order', [80, 20, 75, 60, 10, 90].map((share) => `module covered ${share}%`)],
    ['paths by number', times(20, (index) => `data/1/${index}`)],
    ['short lines', times(6, () => 'ok')],
    ['lines that say what was left out', times(30, () => '… the line above 5 more times …')],
    ['blocks of which one says so', times(20, () => ['a line of some length', '… the line above 5 more times …']).flat()],
  ])('but not %s', async (_, lines) => {
    expect(await shown(lines)).toEqual(lines);
  });

  const line = fc.oneof(
    fc.constantFrom('same', 'a somewhat longer line that repeats now and then', 'b', '', '… x …', 'error: no', 'plain'),
    fc.nat(30).map((value) => `Processing record ${value} of the whole list of records`),
    fc.nat(100).map((value) => `Downloading something large: ${value}%`),
    fc.nat(9).map((value) => `2026-11-28T10:00:0${value}Z waiting for the database`),
  );
  const runs = fc
    .array(fc.tuple(fc.array(line, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 14 })), { maxLength: 12 })
    .map((parts) => parts.flatMap(([block, count]) => Array.from({ length: count }, () => block).flat()));

  test('done once it is done: twice changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (lines) => {
        const once = await shown(lines);
        expect(await shown(once)).toEqual(once);
      }),
      { numRuns: 1_000 },
    );
  });

  test('every line is shown, or counted where it was; bytes stay', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (lines) => {
        const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(''));
        const { stretches } = await condense(bytes);
        const rows = stretches.flatMap((stretch) => stretch.rows);
        const markers = rows.filter((row) => /^… .*(?:more times|other (?:times|numbers)|next line says) …$/.test(row)).length;
        expect(rows.length - markers + foldedIn(stretches)).toBe(lines.length);
        expect(stretches.reduce((sum, stretch) => sum + stretch.bytes, 0)).toBe(bytes.length);
        for (const one of new Set(lines)) if (/error|plain/.test(one)) expect(rows).toContain(one);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['one line of ten megabytes', `${'1% error '.repeat(1_200_000)}`],
    ['many empty lines', '\n'.repeat(1_000_000)],
    ['lines that look like markers', '… x …\n'.repeat(200_000)],
    [
      'alike but for one letter at the end',
      times(100_000, (index) => `Processing ${'1 '.repeat(200)}${index % 2 === 0 ? 'x' : 'y'}\n`).join(''),
    ],
    ['blocks that nearly repeat', times(100_000, (index) => (index % 11 === 0 ? 'odd\n' : `${'ab'[index % 2]}\n`)).join('')],
    ['digits and dots', times(20_000, (index) => `${index}ing ${'1.'.repeat(230)}\n`).join('')],
    ['slashes', times(20_000, (index) => `${index}ing ${'1/ '.repeat(160)}\n`).join('')],
  ])('hostile output takes time in proportion, and lets others have their turn: %s', async (_, text) => {
    const bytes = Buffer.from(text);
    const begun = process.cpuUsage();
    const { stretches } = await condense(bytes);
    const { user } = process.cpuUsage(begun);
    expect(stretches.reduce((sum, stretch) => sum + stretch.bytes, 0)).toBe(bytes.length);
    expect(user / 1_000).toBeLessThan(1_000 + bytes.length / 2_000);
  });

  test('leaves what is not one line alone', () => {
    const area = { rows: ['a', 'a', 'a', 'a'], bytes: 90, folded: 30 };
    expect(collapse(times(5, () => 'x').map(() => area))).toEqual(times(5, () => 'x').map(() => area));
  });
});
