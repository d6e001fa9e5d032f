import { decode } from '../../lib/utf8.ts';

/** How the bytes of a program are read as text. */
export interface Codec {
  /** Never throws. Of UTF-8 nothing is lost: a byte that is none is written as `\xHH`; elsewhere it becomes U+FFFD. */
  decode(bytes: Uint8Array): string;
  /** What the text is in this encoding; undefined when a character has no place in it. */
  encode(text: string): Uint8Array | undefined;
  /** Bytes of the smallest character. With 1, a line's end is the byte 0x0a, which is never a part of something else. */
  readonly unit: 1 | 2 | 4;
}

const UTF8_NAMES = /^(?:utf[-_ ]?8|u8|utf|cp65001)$/i;
/** No encodings of text, or ones whose characters depend on those before. */
const NOT_TEXT = /^(?:base64|hex|binary|internal|utf[-_]?7(?:[-_]?imap)?)$/i;
const LONGEST_NAME = 64;

export const UTF8: Codec = {
  decode: (bytes) => decode(bytes).text,
  encode: (text) => Buffer.from(text, 'utf8'),
  unit: 1,
};

const unitOf = (name: string): Codec['unit'] =>
  /^(?:utf[-_]?32|ucs[-_]?4)/i.test(name) ? 4 : /^(?:utf[-_]?16|ucs[-_]?2)/i.test(name) ? 2 : 1;

/** Undefined when there is no such encoding. What is not UTF-8 is loaded when it is first asked for. */
export const findCodec = async (name: string): Promise<Codec | undefined> => {
  if (UTF8_NAMES.test(name)) return UTF8;
  if (name.length > LONGEST_NAME || NOT_TEXT.test(name)) return undefined;
  const { default: iconv } = await import('iconv-lite');
  if (!iconv.encodingExists(name)) return undefined;
  return {
    decode: (bytes) => iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name),
    encode: (text) => {
      const bytes = iconv.encode(text, name);
      return iconv.decode(bytes, name) === text ? bytes : undefined;
    },
    unit: unitOf(name),
  };
};
