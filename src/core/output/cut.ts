import { characterLength, fittingLength, leadingContinuation, unfinishedLength } from '../../lib/utf8.ts';

const NEWLINE = 0x0a;

/** What comes after the bytes: more of them, perhaps more in a while, or nothing ever. */
export type Behind = 'more' | 'growing' | 'nothing';

/**
 * How many bytes from the front make a page of at most `limit`: up to the last line end in its second half, else to the end of a character.
 * A character that is not all there yet is left to the next page, unless nothing else would be on this one. At least one byte.
 */
export const cutFront = (bytes: Uint8Array, limit: number, behind: Behind): number => {
  const fitting = fittingLength(bytes, limit);
  if (fitting === bytes.length && behind === 'nothing') return fitting;
  const lineEnd = bytes.lastIndexOf(NEWLINE, fitting - 1) + 1;
  if (lineEnd > fitting / 2 && (fitting < bytes.length || behind === 'more')) return lineEnd;
  const complete = fitting - unfinishedLength(bytes.subarray(0, fitting));
  return complete > 0 ? complete : Math.max(fitting, characterLength(bytes, 0));
};

/** How many bytes to leave off the front so that the rest begins with a line, else with a character, and takes at most `limit`. */
export const cutBack = (bytes: Uint8Array, limit: number, isBeginning: boolean): number => {
  let start = Math.max(0, bytes.length - limit);
  // Escapes take room: what is left off grows until the rest fits.
  for (let rest = bytes.subarray(start); rest.length > 1 && fittingLength(rest, limit) < rest.length; rest = bytes.subarray(start))
    start += Math.max(1, Math.ceil((rest.length - fittingLength(rest, limit)) / 2));
  if (start === 0 && isBeginning) return 0;
  if (start > 0 && bytes[start - 1] === NEWLINE) return start;
  const lineStart = bytes.indexOf(NEWLINE, start) + 1;
  if (lineStart > 0 && lineStart < bytes.length && lineStart - start < (bytes.length - start) / 2) return lineStart;
  return start + leadingContinuation(bytes.subarray(start));
};

export const countNewlines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};
