import { describe, expect, it } from 'vitest';
import { parseUntil } from '../../../src/core/executions/until.ts';

describe('parseUntil', () => {
  it.each([
    [undefined, { needsInput: true }],
    ['exit', {}],
    ['needs_input', { needsInput: true }],
    ['port:3000', { port: 3000 }],
    ['silence', { silenceSeconds: 2 }],
    ['silence:0.5', { silenceSeconds: 0.5 }],
    ['bytes:1000', { bytes: 1000 }],
    ['file:/tmp/a b', { file: '/tmp/a b' }],
    ['screen:^>', { screen: '^>' }],
    ['output:ready', { output: 'ready' }],
    ['regex:x', { output: 'x' }],
    ['/rea.y/', { output: 'rea.y' }],
    [{ exit: true }, {}],
    [
      { output: 'x', stream: 'stderr' as const, port: 1, needs_input: true },
      { output: 'x', stream: 'stderr', port: 1, needsInput: true },
    ],
  ])('%j', (value, expected) => expect(parseUntil(value)).toEqual(expected));

  it.each(['port:0', 'port:99999', 'silence:0', 'silence:99999', 'bytes:0', 'file:', '//', 'done', ''])(
    'refuses %j and says what there is',
    (value) => expect(() => parseUntil(value)).toThrow(/is not a condition/),
  );

  it('refuses a stream in which nothing is looked for', () => expect(() => parseUntil({ stream: 'stdout' })).toThrow(/give output too/));
});
