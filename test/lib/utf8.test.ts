import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { decode, encode, fittingLength, leadingContinuation, unfinishedLength } from '../../src/lib/utf8.ts';

describe('utf8', () => {
  test('decoding loses nothing, whatever the bytes', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const decoded = decode(bytes);
        expect(Buffer.from(encode(decoded)).equals(Buffer.from(bytes))).toBe(true);
        expect(decoded.text).not.toMatch(/\p{Surrogate}/u);
        expect(decoded.escaped).toBe(!isUtf8(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test('valid text is left as it is, escapes and all', () => {
    expect(decode(Buffer.from('a\\x41 é 😀'))).toEqual({ text: 'a\\x41 é 😀', escaped: false });
  });

  test('invalid bytes are named one by one', () => {
    const cases: readonly (readonly [number[], string])[] = [
      [[0x61, 0xff, 0x62], 'a\\xffb'],
      [[0xc0, 0x80], '\\xc0\\x80'],
      [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
      [[0xf4, 0x90, 0x80, 0x80], '\\xf4\\x90\\x80\\x80'],
      [[0xe2, 0x82], '\\xe2\\x82'],
      [[0xf0, 0x9f, 0x98, 0x80, 0xf0], '😀\\xf0'],
    ];
    for (const [bytes, text] of cases) expect(decode(Uint8Array.from(bytes)).text).toBe(text);
  });

  test('agrees with Node on which bytes are text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
        expect(decode(bytes).text.includes('\\x') && !Buffer.from(bytes).includes('\\x')).toBe(
          !isUtf8(bytes) && !Buffer.from(bytes).includes('\\x'),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  test('a character cut anywhere is seen as unfinished, its rest as leading', () => {
    for (const character of ['é', '€', '😀']) {
      const bytes = Buffer.from(`a${character}b`);
      const length = Buffer.byteLength(character);
      for (let cut = 1; cut < length; cut += 1) {
        expect(unfinishedLength(bytes.subarray(0, 1 + cut))).toBe(cut);
        expect(leadingContinuation(bytes.subarray(1 + cut))).toBe(length - cut);
      }
      expect(unfinishedLength(bytes.subarray(0, 1 + length))).toBe(0);
    }
    expect(unfinishedLength(Uint8Array.of(0xff))).toBe(0);
    expect(unfinishedLength(Uint8Array.of(0xe0, 0x80))).toBe(0);
  });

  test('what fits takes no more room than there is', () => {
    fc.assert(
      fc.property(someBytes, fc.integer({ min: 8, max: 100 }), (bytes, limit) => {
        const count = fittingLength(bytes, limit);
        const cut = bytes.subarray(0, count);
        const whole = cut.subarray(0, cut.length - unfinishedLength(cut));
        expect(count).toBeLessThanOrEqual(limit);
        // A literal backslash before xHH grows too: it is the only thing that is not counted.
        if (!Buffer.from(bytes).includes('\\')) expect(Buffer.byteLength(decode(whole).text)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 2_000 },
    );
  });
});
