import { isUtf8 } from 'node:buffer';

/** Bytes as text and back, without loss: what is no UTF-8 is written as `\xHH`. */

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Bytes that a first byte announces; 0 when no character begins with it. */
const announced = (first: number): number => {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
};

/** The second byte decides whether it is overlong, half a surrogate pair, or beyond U+10FFFF. */
const isSecond = (first: number, second: number | undefined): boolean => {
  if (second === undefined || !isContinuation(second)) return false;
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  return first !== 0xf4 || second < 0x90;
};

/** Length of the character at `at`; 0 when there is none, or only its beginning. */
export const characterLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at];
  if (first === undefined) return 0;
  const length = announced(first);
  if (length < 2) return length;
  if (!isSecond(first, bytes[at + 1])) return 0;
  for (let next = 2; next < length; next += 1) if (!isContinuation(bytes[at + next])) return 0;
  return length;
};

/** Length of a beginning of a character that ends the bytes and could be completed by more of them; 0 when there is none. */
export const unfinishedLength = (bytes: Uint8Array): number => {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const first = bytes[bytes.length - back] ?? 0;
    if (isContinuation(first)) continue;
    const wanted = announced(first);
    if (wanted <= back) return 0;
    return back === 1 || isSecond(first, bytes[bytes.length - back + 1]) ? back : 0;
  }
  return 0;
};

/** How many bytes at the front belong to a character that began before them. */
export const leadingContinuation = (bytes: Uint8Array): number => {
  let count = 0;
  while (count < 3 && isContinuation(bytes[count])) count += 1;
  return count;
};

export const escapeByte = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;

/** A backslash that would read as an escape: in escaped text it is escaped itself. */
const AMBIGUOUS = /\\(?=x[0-9a-f]{2})/g;

export interface Decoded {
  readonly text: string;
  /** Some of it was no UTF-8 and is written as `\xHH`. */
  readonly escaped: boolean;
}

/** Calls back with each stretch of valid text and each invalid byte, until told to stop. */
const walk = (bytes: Uint8Array, visit: (from: number, to: number, valid: boolean) => boolean): void => {
  for (let at = 0; at < bytes.length;) {
    let end = at;
    for (let length = characterLength(bytes, end); length > 0; length = characterLength(bytes, end)) end += length;
    if (end > at && !visit(at, end, true)) return;
    if (end < bytes.length && !visit(end, end + 1, false)) return;
    at = end + 1;
  }
};

export const decode = (bytes: Uint8Array): Decoded => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return { text: buffer.toString('utf8'), escaped: false };
  const parts: string[] = [];
  walk(bytes, (from, to, valid) => {
    parts.push(valid ? buffer.toString('utf8', from, to).replace(AMBIGUOUS, '\\x5c') : escapeByte(bytes[from] ?? 0));
    return true;
  });
  return { text: parts.join(''), escaped: true };
};

/** The bytes that were decoded. */
export const encode = ({ text, escaped }: Decoded): Uint8Array => {
  if (!escaped) return Buffer.from(text, 'utf8');
  const parts = text.split(/(\\x[0-9a-f]{2})/);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part, 'utf8') : Buffer.from(part.slice(2), 'hex'))));
};

/** What `\xHH` takes. */
const ESCAPE_BYTES = 4;

/** A control character that answers show as `\xHH`: all but tab, line end, and those that terminals act upon. */
const isShownEscaped = (byte: number): boolean =>
  byte < 0x20 ? byte < 0x07 || byte === 0x0b || byte === 0x0c || (byte > 0x0d && byte !== 0x1b) : byte === 0x7f;

const escapesNothing = (bytes: Uint8Array): boolean => {
  for (const byte of bytes) if (isShownEscaped(byte)) return false;
  return true;
};

/** The largest number of leading bytes whose text takes at most `limit` bytes; at least one byte, so that reading goes on. */
export const fittingLength = (bytes: Uint8Array, limit: number): number => {
  const finished = bytes.subarray(0, bytes.length - unfinishedLength(bytes));
  if (isUtf8(finished) && escapesNothing(finished)) return Math.min(bytes.length, limit);
  let used = 0;
  let count = 0;
  walk(bytes, (from, to, valid) => {
    for (let at = from; at < to; at += 1) {
      const cost = valid && !isShownEscaped(bytes[at] ?? 0) ? 1 : ESCAPE_BYTES;
      if (used + cost > limit) return false;
      used += cost;
      count += 1;
    }
    return true;
  });
  return Math.max(1, count);
};
