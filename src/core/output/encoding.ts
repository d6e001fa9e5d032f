import { type Codec, findCodec, UTF8 } from './codec.ts';
import { CorralError } from '../../ports/errors.ts';

/** Undefined for UTF-8, which everything speaks by itself. Throws `invalid_input` when there is no such encoding. */
export const codecNamed = async (name: string | undefined): Promise<Codec | undefined> => {
  if (name === undefined) return undefined;
  const codec = await findCodec(name);
  if (codec === undefined)
    throw new CorralError('invalid_input', `encoding: there is no encoding ${JSON.stringify(name.slice(0, 64))}.`, {
      hint: 'Use one such as latin1, cp1252, shift_jis, euc-jp, gbk, big5, koi8-r, utf-16le; without it, UTF-8.',
    });
  return codec === UTF8 ? undefined : codec;
};

/** Lines are counted and searched by the byte that ends them. Throws `unsupported` where that is more than one. */
export const requireByteLines = (codec: Codec | undefined, encoding: string | undefined, what: string): void => {
  if (codec !== undefined && codec.unit > 1)
    throw new CorralError('unsupported', `${what} does not work in the encoding ${encoding ?? ''}, whose characters are no single bytes.`, {
      hint: 'Use tail, since and until, or a cursor.',
    });
};
