import type { Refusal } from './types.ts';

const LONE_SURROGATE = /\p{Surrogate}/u;
/** C0 but tab and newline, DEL, C1. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
/** Characters that change how a line looks, or do not show: bidi controls, joiners, BOM, fillers, tags. How an emoji is drawn (U+FE0E, U+FE0F) is harmless. */
export const INVISIBLE = /(?!\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]/u;
/** What looks like a blank and is none to a shell. */
export const FOREIGN_BLANK = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** U+00AD, as the standard writes it. */
export const codePoint = (text: string): string => `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

export const isWellFormed = (text: string): boolean => !LONE_SURROGATE.test(text);

const ASCII = /^[\t\n\x20-\x7e]*$/;

/** UTF-8 length; the common case needs no encoder. */
export const utf8Length = (text: string): number => (ASCII.test(text) ? text.length : Buffer.byteLength(text));

/** What no shell text may hold, anywhere. */
export const refuseCharacters = (text: string): Refusal | undefined => {
  if (ASCII.test(text)) return undefined;
  const control = CONTROL.exec(text);
  if (control !== null)
    return {
      ok: false,
      construct: `control character ${codePoint(control[0])}`,
      reason: `control character ${codePoint(control[0])}: only tab and newline may stand in shell text`,
      at: control.index,
    };
  const lone = LONE_SURROGATE.exec(text);
  return lone === null
    ? undefined
    : { ok: false, construct: 'ill-formed UTF-16', reason: 'half a surrogate pair cannot be written as UTF-8', at: lone.index };
};

const SHOWN = 300;

/** For messages: shortened, and with everything that does not show written out. */
export const printable = (text: string): string => {
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => `<${codePoint(char)}>`);
};
