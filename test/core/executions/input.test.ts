import { describe, expect, it } from 'vitest';
import { ARGUMENT_BYTES, checkArgv, stdinBytes } from '../../../src/core/executions/input.ts';

describe('checkArgv', () => {
  it.each([[[]], [['']], [['', 'a']]])('refuses %j: no program', (argv) => expect(() => checkArgv(argv)).toThrow(/names no program/));
  it('refuses NUL and names the word', () => expect(() => checkArgv(['a', 'b\0c'])).toThrow(/command\[1\].*NUL/));
  it('refuses what the kernel would, by bytes', () => {
    expect(() => checkArgv(['a', 'x'.repeat(ARGUMENT_BYTES)])).not.toThrow();
    expect(() => checkArgv(['a', 'ä'.repeat(ARGUMENT_BYTES / 2 + 1)])).toThrow(/at most/);
  });
  it('lets an empty argument pass', () => expect(() => checkArgv(['printf', ''])).not.toThrow());
});

it('stdinBytes bounds what one call carries', () => {
  expect(stdinBytes(undefined)).toBeUndefined();
  expect(stdinBytes('ä')).toHaveLength(2);
  expect(() => stdinBytes('x'.repeat(3 * 1024 * 1024))).toThrow(/at most/);
});
