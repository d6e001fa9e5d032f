import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_LINE_BYTES } from './line.ts';
import { openForReading } from './folder.ts';

export interface RawLine {
  /** Without its newline. A line longer than any of ours comes in pieces, which are none of ours either. */
  readonly text: string;
  /** Byte offset in the file, and length with the newline. */
  readonly offset: number;
  readonly bytes: number;
  /** False for what stands behind the last newline. */
  readonly whole: boolean;
}

const SLICE = 128 * 1024;

/** The lines of a segment from a byte offset on. Gives the event loop its turn between slices. Nothing when the file is gone. */
export async function* readLines(path: string, from = 0): AsyncGenerator<RawLine, void, undefined> {
  const file = await openForReading(path);
  if (file === undefined) return;
  try {
    let rest: Buffer = Buffer.alloc(0);
    let offset = from;
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(SLICE), 0, SLICE, offset + rest.length);
      if (bytesRead === 0) break;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
        yield { text: rest.toString('utf8', start, end), offset: offset + start, bytes: end + 1 - start, whole: true };
        start = end + 1;
      }
      offset += start;
      rest = rest.subarray(start);
      if (rest.length > MAX_LINE_BYTES) {
        yield { text: rest.toString('utf8'), offset, bytes: rest.length, whole: true };
        offset += rest.length;
        rest = Buffer.alloc(0);
      }
      await nextTurn();
    }
    if (rest.length > 0) yield { text: rest.toString('utf8'), offset, bytes: rest.length, whole: false };
  } finally {
    await file.close();
  }
}

/** The last whole line within the last `reach` bytes; undefined when there is none. */
export const lastLine = async (path: string, reach = MAX_LINE_BYTES): Promise<string | undefined> => {
  const file = await openForReading(path);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - reach);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(reach, size)), 0, Math.min(reach, size), from);
    const text = buffer.toString('utf8', 0, bytesRead);
    const end = text.lastIndexOf('\n');
    if (end < 0) return undefined;
    return text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
  } finally {
    await file.close();
  }
};
