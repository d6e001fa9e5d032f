import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../../src/faces/cli/commands/policy-lines.ts';

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

const read = async (...parts: readonly (string | Uint8Array)[]): Promise<readonly string[]> => {
  const lines: string[] = [];
  for await (const line of linesOf(chunks(...parts), 10)) lines.push('text' in line ? line.text : `! ${line.reason}`);
  return lines;
};

describe('lines', () => {
  it.each<readonly [string, readonly (string | Uint8Array)[], readonly string[]]>([
    ['are cut at newlines, wherever the chunks are', ['a\nb', 'c\n\nd'], ['a', 'bc', '', 'd']],
    ['need no newline at the end', ['a'], ['a']],
    ['are none without input', [], []],
    ['that are too long are told and forgotten', ['0123456', '789ab\nx\n'], ['! the line is longer than 10 bytes', 'x']],
    ['of the longest length are whole', ['0123456789\n'], ['0123456789']],
    ['that are no UTF-8 are told', [new Uint8Array([0xff, 0x0a]), 'x'], ['! the line is no UTF-8', 'x']],
    ['keep characters that a chunk divides', [new Uint8Array([0xc3]), new Uint8Array([0xa9, 0x0a])], ['é']],
    ['keep a byte order mark', ['\ufeffx\n'], ['\ufeffx']],
  ])('%s', async (_name, parts, lines) => {
    expect(await read(...parts)).toEqual(lines);
  });
});
