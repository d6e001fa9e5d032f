import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWaitCursor, parseWaitCursor, type WaitState } from '../../../src/core/executions/wait-cursor.ts';

const IDS = ['xa', 'xb'];
const UNTIL = [{ output: 'x' }];
const START: WaitState = { scanned: { stdout: 0, stderr: 0 } };
const bytes = fc.integer({ min: 0, max: 2 ** 40 });

const state = fc.record(
  {
    scanned: fc.record({ stdout: bytes, stderr: bytes }),
    silent: fc.record({ bytes, ms: fc.integer({ min: 1, max: 3_600_000 }) }),
    met: fc.constantFrom('exit', 'output', 'screen', 'port', 'silence', 'bytes', 'needs_input', 'file'),
  },
  { requiredKeys: ['scanned'] },
) as fc.Arbitrary<WaitState>;

describe('the cursor of a wait', () => {
  it('carries all that a wait has come to', () =>
    fc.assert(
      fc.property(fc.array(state, { minLength: 2, maxLength: 2 }), (states) => {
        const cursor = formatWaitCursor(IDS, UNTIL, states);
        expect(parseWaitCursor(cursor, IDS, UNTIL)).toEqual(states);
      }),
    ));

  it('is not there where the same call is as good', () => {
    expect(formatWaitCursor(IDS, UNTIL, [START, START])).toBeUndefined();
    expect(parseWaitCursor(undefined, IDS, UNTIL)).toEqual([START, START]);
  });

  it('of another condition only says where to look on', () => {
    const states: WaitState[] = [{ scanned: { stdout: 7, stderr: 0 }, silent: { bytes: 9, ms: 5 }, met: 'output' }, START];
    const cursor = formatWaitCursor(IDS, UNTIL, states);
    expect(parseWaitCursor(cursor, IDS, [{ port: 1 }])).toEqual([{ scanned: { stdout: 7, stderr: 0 } }, START]);
  });

  it('is small for a hundred executions', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `x${index}`);
    const states = ids.map((): WaitState => ({ scanned: { stdout: 1_234_567, stderr: 4_321 }, met: 'output' }));
    expect(formatWaitCursor(ids, UNTIL, states)?.length).toBeLessThan(1_600);
  });

  it.each(['', 'b:1,2', 'w:xxxxyyyy:1,2', 'w:short:1'])('refuses %j', (cursor) =>
    expect(() => parseWaitCursor(cursor, IDS, UNTIL)).toThrow(/cursor/),
  );

  it('refuses one of other executions, and one with fewer states', () => {
    const cursor = formatWaitCursor(IDS, UNTIL, [{ scanned: { stdout: 1, stderr: 0 } }, START]) ?? '';
    expect(() => parseWaitCursor(cursor, ['xb', 'xa'], UNTIL)).toThrow(/other executions/);
    expect(() => parseWaitCursor(cursor.replace(/,.*$/, ''), IDS, UNTIL)).toThrow(/not one of wait/);
    expect(() => parseWaitCursor(`${cursor}!`, IDS, UNTIL)).toThrow(/not one of wait/);
  });
});
