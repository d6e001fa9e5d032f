import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, salvageId } from '../../../src/faces/mcp/message-lines.ts';

const LIMIT = 64;

/** Pushes the text in pieces of the given sizes, over and over. */
const split = (text: string, sizes: readonly number[]) => {
  const splitter = new LineSplitter(LIMIT);
  const bytes = Buffer.from(text);
  const lines = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    lines.push(...splitter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  const rest = splitter.rest();
  return rest === undefined ? lines : [...lines, rest];
};

it('finds the same lines however the bytes arrive', () => {
  const line = fc.string({ maxLength: 200 }).map((text) => text.replaceAll('\n', ' '));
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 4 }),
      (texts, sizes) => {
        const found = split(texts.map((text) => `${text}\n`).join(''), sizes);
        expect(found).toHaveLength(texts.length);
        for (const [index, text] of texts.entries()) {
          const bytes = Buffer.from(text);
          if (bytes.length <= LIMIT) expect(found[index]).toEqual({ kind: 'line', bytes });
          else
            expect(found[index]).toEqual({
              kind: 'too_long',
              length: bytes.length,
              head: bytes.subarray(0, Math.min(bytes.length, 512)),
              tail: bytes.subarray(-512),
            });
        }
      },
    ),
  );
});

it('keeps both ends of a line that is far too long', () => {
  const [line] = split(`${'a'.repeat(600)}${'b'.repeat(5000)}${'c'.repeat(600)}\n`, [100]);
  expect(line).toMatchObject({ kind: 'too_long', length: 6200 });
  expect(line?.kind === 'too_long' && line.tail.toString()).toBe('c'.repeat(512));
  expect(line?.kind === 'too_long' && line.head.toString()).toMatch(/^a{100,512}$/);
});

it('gives what stands after the last newline at the end', () => {
  expect(split('one\ntwo', [100])).toMatchObject([{ bytes: Buffer.from('one') }, { bytes: Buffer.from('two') }]);
});

describe('the id of a message that is not parsed', () => {
  const salvage = (text: string) => salvageId(Buffer.from(text).subarray(0, 512), Buffer.from(text).subarray(-512));
  const filler = 'x'.repeat(2000);

  it.each([
    ['first', `{"id":7,"params":"${filler}"}`, 7],
    ['after the version', `{"jsonrpc":"2.0","id":"a b","params":"${filler}"}`, 'a b'],
    ['after the method', `{ "method" : "tools/call", "jsonrpc":"2.0", "id" : -1 ,"params":"${filler}"}`, -1],
    ['last', `{"params":{"text":"${filler}"},"jsonrpc":"2.0","id":12}`, 12],
    ['last, with spaces', `{"params":{"text":"${filler}"}, "id": "z" }\r`, 'z'],
  ])('is found when it stands %s', (_name, text, id) => {
    expect(salvage(text)).toBe(id);
  });

  it.each([
    ['is inside params', `{"params":{"text":"${filler}","id":5}}`],
    ['is text in a string', `{"params":"${filler}\\",\\"id\\":5}"}`],
    ['is no valid id', `{"id":{"a":1},"params":"${filler}"}`],
    ['is missing', `{"params":"${filler}"}`],
  ])('is not guessed when it %s', (_name, text) => {
    expect(salvage(text)).toBeNull();
  });
});
