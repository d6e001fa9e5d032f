import { describe, expect, it } from 'vitest';
import { nextChange, sizeAt, sizesOf, withSize } from '../../../src/core/terminal/sizes.ts';

describe('the sizes of a terminal', () => {
  it('travel in the meta of its execution, beside what else is there', () => {
    const meta = withSize('{"asked":"x"}', { at: 0, cols: 80, rows: 24 });
    expect(JSON.parse(meta)).toEqual({ asked: 'x', pty: [{ at: 0, cols: 80, rows: 24 }] });
    const sizes = sizesOf(withSize(meta, { at: 10, cols: 40, rows: 12 })) ?? [];
    expect([0, 9, 10, 99].map((at) => sizeAt(sizes, at).cols)).toEqual([80, 80, 40, 40]);
    expect([0, 10].map((at) => nextChange(sizes, at))).toEqual([10, Infinity]);
  });

  it('of one without a terminal are none', () => expect(sizesOf('{"pty":true}')).toBeUndefined());

  it('stay few: the first and the last ones', () => {
    let meta = '{}';
    for (let at = 0; at < 100; at += 1) meta = withSize(meta, { at, cols: 1 + at, rows: 5 });
    const sizes = sizesOf(meta) ?? [];
    expect([sizes.length, sizes[0]?.at, sizes[1]?.at, sizes.at(-1)?.at]).toEqual([32, 0, 69, 99]);
  });

  it('that are none are left out: meta comes back from sandboxes', () => {
    const pty = [
      { at: 0, cols: 80, rows: 24 },
      { at: -1, cols: 1, rows: 1 },
      { at: 0, cols: 1e9, rows: 2 },
      'x',
      null,
      { at: 5, cols: 1.5, rows: 2 },
    ];
    expect(sizesOf(JSON.stringify({ pty }))).toEqual([{ at: 0, cols: 80, rows: 24 }]);
    expect(sizesOf('{"pty":[{}]}')).toEqual([{ at: 0, cols: 120, rows: 40 }]);
  });
});
