import type { Codec } from './codec.ts';
import type { Behind } from './cut.ts';
import { lineStarts, nextLine } from './line-edges.ts';

/** The cuts of `cut.ts` for what is not UTF-8: at line ends, else between characters. */

const LONGEST_CHARACTER = 4;

/** A character that is cut off at the end reads as U+FFFD, and is gone when the cut lies before it. */
const characterEnd = (bytes: Uint8Array, codec: Codec): number => {
  for (let left = 0; left < LONGEST_CHARACTER && left < bytes.length; left += codec.unit) {
    const end = bytes.length - left;
    if (!codec.decode(bytes.subarray(0, end)).endsWith('\ufffd')) return end;
  }
  return bytes.length;
};

export const cutFrontEncoded = (bytes: Uint8Array, limit: number, behind: Behind, codec: Codec, newline: Uint8Array): number => {
  const fitting = Math.min(bytes.length, Math.max(codec.unit, limit - (limit % codec.unit)));
  if (fitting === bytes.length && behind === 'nothing') return fitting;
  const front = bytes.subarray(0, fitting);
  if (fitting < bytes.length || behind === 'more') {
    const lineEnd = lineStarts(front, newline).at(-1) ?? 0;
    if (nextLine(front, newline, lineEnd) !== -1) return fitting;
    if (lineEnd > fitting / 2) return lineEnd;
  }
  return characterEnd(front, codec);
};

export const cutBackEncoded = (bytes: Uint8Array, limit: number, isBeginning: boolean, codec: Codec, newline: Uint8Array): number => {
  const over = Math.max(0, bytes.length - limit);
  if (over === 0 && isBeginning) return 0;
  const start = over + ((codec.unit - (over % codec.unit)) % codec.unit);
  const line = nextLine(bytes, newline, Math.max(0, start - newline.length));
  return line !== -1 && line < bytes.length && line - start < (bytes.length - start) / 2 ? line : start;
};
