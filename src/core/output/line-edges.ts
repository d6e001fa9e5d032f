import { type Codec, UTF8 } from './codec.ts';

/** Where lines begin and end in bytes of any encoding. */

const NEWLINE = Buffer.from('\n');

/** A line's end in this encoding. */
export const newlineOf = (codec: Codec = UTF8): Uint8Array =>
  codec.unit === 1 ? NEWLINE : (codec.encode('\n') ?? NEWLINE).subarray(-codec.unit);

/**
 * Where the line after the next line's end begins, from `from` on; -1 when there is no such end. `base` is the offset of the bytes in their
 * stream: characters of several bytes lie at multiples of their size.
 */
export const nextLine = (bytes: Uint8Array, newline: Uint8Array, from: number, base = 0): number => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = buffer.indexOf(newline, from); at !== -1; at = buffer.indexOf(newline, at + 1))
    if ((base + at) % newline.length === 0) return at + newline.length;
  return -1;
};

/** Do these bytes end with a line's end? */
export const endsLine = (bytes: Uint8Array, newline: Uint8Array): boolean =>
  bytes.length >= newline.length && Buffer.compare(bytes.subarray(-newline.length), newline) === 0;

/** Offsets at which lines begin, the first one included; none for no bytes. */
export const lineStarts = (bytes: Uint8Array, newline: Uint8Array, base = 0): number[] => {
  const starts: number[] = [];
  for (let at = 0; at !== -1 && at < bytes.length; at = nextLine(bytes, newline, at, base)) starts.push(at);
  return starts;
};
