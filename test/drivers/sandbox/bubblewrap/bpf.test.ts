import { describe, expect, test } from 'vitest';
import { assemble, jump, jumpIf, label, load, ret } from '../../../../src/drivers/sandbox/bubblewrap/bpf.ts';
import { runFilter } from '../../../support/bpf-interpreter.ts';

describe('BPF assembler', () => {
  test('encodes the records of the kernel, little-endian', () => {
    const program = assemble([load(4), jumpIf('equal', 0xc000003e, { no: 'bad' }), ret(0x7fff0000), label('bad'), ret(0x80000000)]);
    expect(Buffer.from(program).toString('hex')).toBe(
      ['2000000004000000', '150000013e0000c0', '060000000000ff7f', '0600000000000080'].join(''),
    );
  });

  test.each([
    ['equal', 7, 7, true],
    ['equal', 7, 8, false],
    ['greater', 7, 7, false],
    ['greater', 7, 0xffffffff, true],
    ['atLeast', 7, 7, true],
    ['atLeast', 0x80000000, 0x7fffffff, false],
    ['anyBit', 0x80000001, 0x80000000, true],
    ['anyBit', 6, 9, false],
  ] as const)('%s %i on %i is %s', (test, value, actual, taken) => {
    const program = assemble([load(0), jumpIf(test, value, { yes: 'yes' }), ret(0), label('yes'), ret(1)]);
    expect(runFilter(program, { arch: 0, nr: actual })).toBe(taken ? 1 : 0);
  });

  test.each([
    ['a missing label', [jump('nowhere'), ret(0)], /leads nowhere/],
    ['a label behind the last record', [jump('end'), ret(0), label('end')], /leads nowhere/],
    ['a backward jump', [label('top'), load(0), jump('top'), ret(0)], /spans -2/],
    ['a label twice', [label('a'), label('a'), ret(0)], /twice/],
    ['no return at the end', [ret(0), load(0)], /does not end/],
    ['nothing', [], /of 0 records/],
    [
      'a conditional jump over more than 255 records',
      [jumpIf('equal', 1, { yes: 'far' }), ...Array.from({ length: 256 }, () => load(0)), label('far'), ret(0)],
      /spans 256/,
    ],
  ])('refuses %s', (_name, steps, message) => {
    expect(() => assemble(steps)).toThrow(message);
  });
});
