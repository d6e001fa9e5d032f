const SPACE = /[ \t\r\n]/;
/** What a backslash keeps its meaning before, within double quotes. A line end is joined. */
const ESCAPABLE = new Set(['$', '`', '"', '\\', '\n']);

export type Words = { readonly words: readonly string[] } | { readonly problem: string };

/** Splits a text into words as a POSIX shell would, without any expansion: blanks, backslashes, single and double quotes. */
export const splitWords = (text: string): Words => {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (quote === "'") {
      if (letter === "'") quote = undefined;
      else word = `${word ?? ''}${letter}`;
    } else if (letter === '\\') {
      const next = text.charAt(at + 1);
      if (next === '') return { problem: 'the last character is a lone backslash' };
      at += 1;
      if (quote === '"' && !ESCAPABLE.has(next)) word = `${word ?? ''}\\${next}`;
      else if (next !== '\n') word = `${word ?? ''}${next}`;
    } else if (letter === '"' || (letter === "'" && quote === undefined)) {
      quote = quote === '"' ? undefined : letter;
      word ??= '';
    } else if (quote === undefined && SPACE.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = `${word ?? ''}${letter}`;
  }
  if (quote !== undefined) return { problem: 'missing closing quote' };
  if (word !== undefined) words.push(word);
  return { words };
};
