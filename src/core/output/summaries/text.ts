/** What summarisers share: looking through lines. */

/** The last line that matches, looked for from the end. */
export const lastMatch = (
  lines: readonly string[],
  pattern: RegExp,
  within = Infinity,
): { readonly at: number; readonly match: RegExpExecArray } | undefined => {
  for (let at = lines.length - 1; at >= Math.max(0, lines.length - within); at -= 1) {
    const match = pattern.exec(lines[at] ?? '');
    if (match !== null) return { at, match };
  }
  return undefined;
};

/** Blocks that begin with a line that matches and end before the next such line, or before one that `ends`. */
export const blocks = (
  lines: readonly string[],
  begins: RegExp,
  ends?: RegExp,
): readonly { readonly match: RegExpExecArray; readonly lines: readonly string[] }[] => {
  const found: { match: RegExpExecArray; lines: string[] }[] = [];
  let open: string[] | undefined;
  for (const line of lines) {
    const match = begins.exec(line);
    if (match !== null) {
      open = [];
      found.push({ match, lines: open });
    } else if (ends?.test(line) === true) open = undefined;
    else open?.push(line);
  }
  return found;
};

/** Without empty lines at either end, and without the blanks that all lines begin with. */
export const trimmed = (lines: readonly string[]): string => {
  const first = lines.findIndex((line) => line.trim() !== '');
  if (first === -1) return '';
  const last = lines.findLastIndex((line) => line.trim() !== '');
  const kept = lines.slice(first, last + 1);
  const margin = Math.min(...kept.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return kept.map((line) => line.slice(margin).trimEnd()).join('\n');
};

export const numberOf = (text: string | undefined): number => (text === undefined ? 0 : Number(text.replaceAll(',', '')));

/** `3 failed, 2 passed` as counts; words are as the tool writes them. */
export const wordCounts = (text: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const [, value, word] of text.matchAll(/(\d+) ([a-z]+)/g)) if (word !== undefined) counts.set(word, Number(value));
  return counts;
};
