import { decode } from '../../../lib/utf8.ts';
import type { Environment } from './allow-list.ts';
import { mistake } from './texts.ts';

/** How the bytes of a program are read and written. */
export interface Codec {
  /** Never throws. Of UTF-8 nothing is lost: a byte that is none is written as `\xHH`; elsewhere it becomes U+FFFD. */
  decode(bytes: Uint8Array): string;
  /** Throws when a character has no place in the encoding. */
  encode(text: string): Uint8Array;
  /** Is a line's end one byte 0x0a, which is never a part of something else? */
  readonly linesAreBytes: boolean;
}

const UTF8_NAMES = /^(?:utf[-_ ]?8|u8|utf|cp65001)$/i;
/** No encodings of text, or ones whose characters depend on those before. */
const NOT_TEXT = /^(?:base64|hex|binary|internal|utf[-_]?7(?:[-_]?imap)?)$/i;
const WIDE = /^(?:utf[-_]?(?:16|32)|ucs[-_]?[24])/i;

const UTF8: Codec = {
  decode: (bytes) => decode(bytes).text,
  encode: (text) => Buffer.from(text, 'utf8'),
  linesAreBytes: true,
};

/** Throws `unknown encoding: X`. What is not UTF-8 is loaded when it is first asked for. */
export const codecFor = async (name: string): Promise<Codec> => {
  if (UTF8_NAMES.test(name)) return UTF8;
  const { default: iconv } = await import('iconv-lite');
  if (name.length > 64 || NOT_TEXT.test(name) || !iconv.encodingExists(name)) throw mistake(`unknown encoding: ${name.slice(0, 64)}`);
  return {
    decode: (bytes) => iconv.decode(Buffer.from(bytes), name),
    encode: (text) => {
      const bytes = iconv.encode(text, name);
      if (iconv.decode(bytes, name) !== text) throw mistake(`stdin cannot be written in the encoding ${name}`);
      return bytes;
    },
    linesAreBytes: !WIDE.test(name),
  };
};

/** DEFAULT_ENCODING, else that of the locale, else utf-8. */
export const defaultEncoding = (env: Environment): string => {
  const named = env['DEFAULT_ENCODING']?.trim() ?? '';
  if (named !== '') return named;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return /\.([A-Za-z0-9_-]+)/.exec(locale ?? '')?.[1] ?? 'utf-8';
};

/** What is wrong with DEFAULT_ENCODING, if anything. A locale that nobody can read is no reason not to start: it is said when it is used. */
export const encodingProblem = async (env: Environment): Promise<string | undefined> => {
  const name = env['DEFAULT_ENCODING']?.trim() ?? '';
  if (name === '' || UTF8_NAMES.test(name)) return undefined;
  try {
    await codecFor(name);
    return undefined;
  } catch {
    return `DEFAULT_ENCODING names no encoding: ${JSON.stringify(name)}. Use one such as utf-8, gbk, cp1252 or shift_jis.`;
  }
};
