import { createCells } from './cells.ts';
import { isPlain, TOKENS, visible } from './escapes.ts';

/** What a person would see on a terminal, as plain text: colours away, overwritten progress lines as they stood last. */

/** What moves the cursor within a line or takes away what stands there: only such a line must be written cell by cell. */
const OVERWRITES = /[\r\b]|(?:\x1b\[|\x9b)[0-?]*[KGCD`]/;

const overwrite = (line: string): string => {
  const row = createCells();
  let at = 0;
  for (const match of line.matchAll(TOKENS)) {
    const [token, parameters, final] = match;
    row.write(line.slice(at, match.index));
    at = match.index + token.length;
    if (!row.move(token, parameters, final)) row.write(visible(token));
  }
  row.write(line.slice(at));
  return row.text();
};

/** One line, without its newline. */
export const foldLine = (line: string): string => {
  const unended = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (isPlain(unended)) return unended;
  return OVERWRITES.test(unended) ? overwrite(unended) : unended.replace(TOKENS, visible);
};

/** Line by line; the number of lines stays. */
export const fold = (text: string): string => (isPlain(text) ? text : text.split('\n').map(foldLine).join('\n'));
