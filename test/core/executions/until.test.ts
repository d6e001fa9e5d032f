import { describe, expect, it } from 'vitest';
import { parseUntil } from '../../../src/core/executions/until.ts';

describe('parseUntil', () => {
  it.each([
    [undefined, { exit: true }],
    ['exit', { exit: true }],
    ['port:3000', { exit: true, port: 3000 }],
    ['silence', { exit: true, silenceSeconds: 2 }],
    ['silence:0.5', { exit: true, silenceSeconds: 0.5 }],
    ['output:ready', { exit: true, output: 'ready' }],
    ['/rea.y/', { exit: true, output: 'rea.y' }],
    [
      { output: 'x', stream: 'stderr' as const, port: 1 },
      { exit: true, output: 'x', stream: 'stderr', port: 1 },
    ],
  ])('%j', (value, expected) => expect(parseUntil(value)).toEqual(expected));
  it.each(['port:0', 'port:99999', 'silence:0', 'done', ''])('refuses %j and says what there is', (value) =>
    expect(() => parseUntil(value)).toThrow(/is not a condition/),
  );
});
