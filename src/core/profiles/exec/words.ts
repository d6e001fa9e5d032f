import { exception } from './texts.ts';

/** Splits a command into words as a POSIX shell would, without expanding anything: for a command that gets no shell. */
export const splitWords = (text: string): readonly string[] => {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      word ??= '';
      for (at += 1; text.charAt(at) !== char; at += 1) {
        if (at >= text.length) throw exception('No closing quotation');
        if (char === '"' && text.charAt(at) === '\\' && /["\\$`\n]/.test(text.charAt(at + 1))) at += 1;
        word += text.charAt(at);
      }
    } else {
      if (char === '\\') at += 1;
      if (at >= text.length) throw exception('No escaped character');
      word = (word ?? '') + text.charAt(at);
    }
  }
  if (word !== undefined) words.push(word);
  return words;
};
