/** Unquoted, these end a word of shell text or a value in an address. */
const ENDS_WORD = new Set([' ', '\t', '\n', '\r', ';', '&', '|', '<', '>', ')', '`']);

/** Where the shell word that begins at `at` ends: quoted parts, escapes and unquoted parts side by side are one word. */
export const wordEnd = (text: string, at: number): number => {
  let quote = '';
  for (let i = at; i < text.length; i += 1) {
    const sign = text.charAt(i);
    if (quote !== '') {
      if (sign === quote) quote = '';
      else if (sign === '\\' && quote === '"') i += 1;
    } else if (sign === '"' || sign === "'") {
      // A quote that closes what was opened before the value ends the value.
      if (i > at && !text.includes(sign, i + 1)) return i;
      quote = sign;
    } else if (sign === '\\') i += 1;
    else if (ENDS_WORD.has(sign)) return i;
  }
  return text.length;
};

/** Where a quoted value ends that begins with `quote` at `at`; the quote may be escaped, as in JSON within a string. */
export const quotedEnd = (text: string, at: number, quote: string): number => {
  for (let i = at + quote.length; i < text.length; i += 1) {
    if (text.startsWith(quote, i)) return i + quote.length;
    if (quote === '"' && text.charAt(i) === '\\') i += 1;
  }
  return text.length;
};

/** Where the line, or the quotes around it, end: for the value of a header. */
export const lineEnd = (text: string, at: number): number => {
  for (let i = at; i < text.length; i += 1) {
    const sign = text.charAt(i);
    if (sign === '\n' || sign === '\r' || sign === '"' || sign === "'") return i;
  }
  return text.length;
};

/** `-x`, `--word`, `--word=`: more likely the next option than a secret. */
export const looksLikeOption = (word: string): boolean => /^(?:-[A-Za-z]|--[A-Za-z][A-Za-z-]*)(?:=|$)/.test(word);
