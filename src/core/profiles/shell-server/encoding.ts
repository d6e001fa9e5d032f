import { type Codec as AnyCodec, findCodec } from '../../output/codec.ts';
import type { Environment } from './allow-list.ts';
import { mistake } from './texts.ts';

/** How the bytes of a program are read and written. */
export interface Codec extends Pick<AnyCodec, 'decode' | 'unit'> {
  /** Throws when a character has no place in the encoding. */
  encode(text: string): Uint8Array;
}

/** Throws `unknown encoding: X`. */
export const codecFor = async (name: string): Promise<Codec> => {
  const codec = await findCodec(name);
  if (codec === undefined) throw mistake(`unknown encoding: ${name.slice(0, 64)}`);
  return {
    ...codec,
    encode: (text) => {
      const bytes = codec.encode(text);
      if (bytes === undefined) throw mistake(`stdin cannot be written in the encoding ${name}`);
      return bytes;
    },
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
  if (name === '') return undefined;
  if ((await findCodec(name)) !== undefined) return undefined;
  return `DEFAULT_ENCODING names no encoding: ${JSON.stringify(name)}. Use one such as utf-8, gbk, cp1252 or shift_jis.`;
};
