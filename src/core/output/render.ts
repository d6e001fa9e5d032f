import type { Codec } from './codec.ts';
import { decode } from '../../lib/utf8.ts';
import { fold } from './fold.ts';

export interface Rendered {
  readonly text: string;
  /** It is not all text: bytes that are no UTF-8, or NUL, are written as `\xHH`. */
  readonly binary: boolean;
}

/** Kept bytes as the text of an answer, UTF-8 unless a codec says otherwise; `raw` keeps control sequences as they are. */
export const render = (bytes: Uint8Array, raw = false, codec?: Codec): Rendered => {
  if (codec !== undefined) {
    const text = codec.decode(bytes);
    return { text: raw ? text : fold(text), binary: text.includes('\0') };
  }
  const { text, escaped } = decode(bytes);
  return { text: raw ? text : fold(text), binary: escaped || bytes.includes(0) };
};
