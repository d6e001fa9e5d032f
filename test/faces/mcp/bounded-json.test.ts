import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBoundedJson } from '../../../src/faces/mcp/bounded-json.ts';

const parse = (text: string, limits?: Parameters<typeof parseBoundedJson>[1]) => parseBoundedJson(Buffer.from(text), limits);

/** Depth and size as the limits count them, from the finished value. */
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('what is JSON', () => {
  it('is given back as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes('__proto__'));
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it('is refused exactly when it is nested deeper than allowed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 8 }), (value, depth) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('__proto__'));
        expect(parse(text, { depth, elements: 1e6 }).ok).toBe(depthOf(JSON.parse(text)) <= depth);
      }),
    );
  });

  it('may hold brackets, commas and escaped quotes in its strings', () => {
    const text = JSON.stringify({ a: '[[[[{{{{,,,:::"\\"\\\\', 'b\\"[[': '\\' });
    expect(parse(text, { depth: 1, elements: 4 })).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it.each([
    ['keys', '{"a":1,"b":2,"c":3}', 6],
    ['values', '[1,2,3,4,5,6]', 6],
  ])('is counted in %s', (_name, text, elements) => {
    expect(parse(text, { depth: 9, elements }).ok).toBe(true);
    expect(parse(text, { depth: 9, elements: elements - 1 })).toMatchObject({ ok: false, fault: 'limit' });
  });
});

describe('what is not', () => {
  it.each(['', '{', '[1,]', 'nul', '{"a"}', '"', '"\\', '\u{feff}{}', '{"a":1}x'])('is a fault of syntax: %j', (text) => {
    expect(parse(text)).toMatchObject({ ok: false, fault: 'syntax' });
  });

  it('is said so for invalid UTF-8', () => {
    expect(parseBoundedJson(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toMatchObject({
      ok: false,
      fault: 'syntax',
      message: 'not valid UTF-8',
    });
  });

  it.each(['{"__proto__":1}', '[{"a":{"\\u005f_proto__":{}}}]'])('a prototype key: %s', (text) => {
    expect(parse(text)).toMatchObject({ ok: false, fault: 'limit' });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parseBoundedJson(Buffer.from(bytes), { depth: 3, elements: 10 });
      }),
    );
  });
});
