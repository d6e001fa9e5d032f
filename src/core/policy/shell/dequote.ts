import { codePoint, FOREIGN_BLANK, INVISIBLE } from '../text.ts';
import { refuse } from './refuse.ts';

/** Removes the backslashes of unquoted text, and says which characters stood without one. */
export const dequoteBare = (text: string, at: number): { readonly value: string; readonly bare: string } => {
  const odd = INVISIBLE.exec(text) ?? FOREIGN_BLANK.exec(text);
  if (odd !== null) return refuse(`character ${codePoint(odd[0])} outside quotes`, at + odd.index, 'quote it when it is meant');
  if (!text.includes('\\')) return { value: text, bare: text };
  let value = '';
  let bare = '';
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? '';
    if (char !== '\\') {
      value += char;
      bare += char;
      continue;
    }
    index += 1;
    const next = text[index];
    if (next === undefined) return refuse('a backslash at the end', at + index - 1, 'it escapes nothing');
    // `{a}\<newline>>f` names a descriptor once the two are gone.
    if (next === '\n') return refuse('a line that goes on within a word', at + index - 1, 'put a blank before the backslash');
    value += next;
    // A letter stands for whatever was escaped: it must not look like syntax.
    bare += 'q';
  }
  return { value, bare };
};

/** Inside double quotes a backslash escapes only these; otherwise it stands for itself. */
export const dequoteDouble = (text: string): string =>
  text.includes('\\') ? text.replace(/\\(\n|[$`"\\])/g, (_, next: string) => (next === '\n' ? '' : next)) : text;

/** What may stand in $'...': each has one meaning in every locale, and none makes a NUL or half a character. */
const ANSI_C =
  /^\$'(?:[^'\\]|\\(?:[abeEfnrtv\\'"?]|x[0-7][0-9A-Fa-f](?![0-9A-Fa-f])|[01]?[0-7]{2}(?![0-7])|u[0-9A-Fa-f]{4}|U000[0-9A-Fa-f]{5}))*'$/;

export const checkAnsiC = (text: string, value: string, at: number): string => {
  if (!ANSI_C.test(text) || value.includes('\0'))
    return refuse("an escape in $'...'", at, 'only the plain ones are accepted (\\n, \\t, \\x41, \\u00e9)');
  return value;
};
