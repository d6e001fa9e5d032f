import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { condense, textOf } from '../../../src/core/output/condense.ts';
import { redraw } from '../../../src/core/output/redraw.ts';

const shown = async (text: string): Promise<string> => textOf((await condense(Buffer.from(text))).stretches);

const frame = (one: string, two: string): string => `\u001b[2K layer1: ${one}\n\u001b[2K layer2: ${two}\n`;

describe('rows that are drawn over', () => {
  test.each([
    [
      'two rows, again and again',
      `start\n${frame('1%', '0%')}\u001b[2A${frame('50%', '20%')}\u001b[2A${frame('done', 'done')}end\n`,
      'start\n layer1: done\n layer2: done\nend\n',
    ],
    ['up to the beginning of a line', 'a\nb\n\u001b[2Fx\n\u001b[Ey\n', 'x\nb\ny\n'],
    ['erased below', 'keep\nold 1\nold 2\n\u001b[2A\u001b[Jnew\n', 'keep\nnew\n'],
    ['column by number', 'abcdef\u001b[3GXY\u001b[1G_\n', '_bXYef\n'],
    ['left and right', 'abc\u001b[2DX\u001b[2CY\n', 'aXc Y\n'],
    ['a screen drawn again and again', 'before\n\u001b[H\u001b[2Jload 1\ntop\n\u001b[H\u001b[2Jload 2\ntop\n', 'before\nload 2\ntop\n'],
    ['a screen of its own leaves what it showed last', 'a\n\u001b[?1049h\u001b[Hone\u001b[Htwo\n\u001b[?1049lb\n', 'a\ntwo\nb\n'],
    ['a status line at the edge of the terminal', 'Get:1 x\n\u001b7\u001b[24;1fProgress: 10%\u001b8Get:2 y\n', 'Get:1 x\nGet:2 y\n'],
    ['up beyond the beginning', '\u001b[99Aa\n\u001b[99Ab\n', 'b\n'],
    ['what spoke of trouble stays', 'x\nError: disk full\n\u001b[1A\u001b[2Kstep 2\n', 'x\nError: disk full\nstep 2\n'],
    [
      'trouble on a screen that was cleared stays',
      '\u001b[H\u001b[2Jbuild failed: a.c\nx\n\u001b[H\u001b[2Jwaiting\n',
      'build failed: a.c\nwaiting\n',
    ],
    ['tabs stay', 'a\tb\n\u001b[1Ac\n', 'c\tb\n'],
    ['reverse index', 'a\nb\u001bMc\n', 'ac\nb\n'],
  ])('%s', async (_, from, to) => {
    expect((await shown(from)).replaceAll(/ +$/gm, '')).toBe(to.replaceAll(/ +$/gm, ''));
  });

  test('takes exactly the bytes of its lines, loses no row, whatever moves there are', () => {
    const piece = fc.constantFrom(
      '\u001b[1A',
      '\u001b[3A',
      '\u001b[B',
      '\u001b[J',
      '\u001b[2J',
      '\u001b[H',
      '\u001b[5;2H',
      '\u001b7',
      '\u001b8',
      '\u001b[?1049h',
      '\u001b[?1049l',
      '\u001b[2K',
      '\u001b[4G',
      '\u001bM',
      '\r',
      'text',
      'error 1',
      '😀',
      '\t',
      '',
    );
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 4 }), { maxLength: 60 }), (parts) => {
        const lines = parts.map((one) => one.join(''));
        const lengths = lines.map((line) => Buffer.byteLength(line) + 1);
        const stretches = redraw(lines, lengths);
        expect(stretches.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(lengths.reduce((sum, length) => sum + length, 0));
        for (const { rows, folded } of stretches) {
          expect(folded).toBeGreaterThanOrEqual(0);
          for (const row of rows) expect(row).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f]/);
        }
        if (!lines.some((line) => line.includes('\u001b'))) expect(stretches).toHaveLength(lines.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a line that nothing draws over is a stretch of its own, so that it can be cut there', () => {
    const lines = [...Array.from({ length: 20 }, (_, index) => `line ${index}`), '\u001b[1Alast', 'after'];
    expect(
      redraw(
        lines,
        lines.map(() => 1),
      ).map(({ rows }) => rows.length),
    ).toEqual([...Array.from({ length: 19 }, () => 1), 2]);
  });

  test('what is drawn over without end is shown in pieces that can be cut', () => {
    const lines = Array.from({ length: 8_000 }, (_, index) => (index % 2 === 0 ? '\u001b[1Ax' : 'y\u001b[1B'));
    const stretches = redraw(
      lines,
      lines.map(() => 1),
    );
    expect(stretches.length).toBeGreaterThan(5);
    for (const { rows } of stretches) expect(rows.length).toBeLessThan(1_000);
  });

  test.each([
    ['up and two lines down for ever', '\u001b[1Ax\ny\n'.repeat(4_000)],
    ['as far up as it goes', '\u001b[200A\n\n\n\n'.repeat(4_000)],
    ['screens', '\u001b[H\u001b[2Jerror 1\n'.repeat(3_000)],
    ['erased below', '\u001b[5A\u001b[Jerror\na\nb\nc\n'.repeat(2_000)],
  ])('hostile output takes little time: %s', async (_, text) => {
    const begun = process.cpuUsage();
    await condense(Buffer.from(text));
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(500);
  });
});
