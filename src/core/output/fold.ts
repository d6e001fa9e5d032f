import { escapeByte } from '../../lib/utf8.ts';

/** What a person would see on a terminal, as plain text: colours away, overwritten progress lines as they stood last. */

/** Anything that is not a plain line: escape sequences, carriage return, backspace and other controls. */
const NOT_PLAIN = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;

/** One escape sequence (CSI, OSC, other strings, short ones), also one that the end cuts off; then what else moves the cursor. */
const TOKENS =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]|$)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$|(?=\x1b))|\x1b[ -/]*(?:[0-~]|$)|[\r\b]|[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/** What moves the cursor back or takes away what stands there: only such a line must be written cell by cell. */
const OVERWRITES = /[\r\b]|(?:\x1b\[|\x9b)[0-?]*K/;

/** A gap that a program leaves when it erases and goes on further right; a larger one is closed up. */
const MAX_GAP = 1_000;

const STRING_STARTS = '\x90\x98\x9b\x9d\x9e\x9f';

/** A control character by itself is shown; an escape sequence and the bell are not. */
const visible = (token: string): string =>
  token.length > 1 || `\x1b\x07${STRING_STARTS}`.includes(token) ? '' : escapeByte(token.charCodeAt(0));

/** Writes a line as a terminal does that is as wide as it needs to be. */
const overwrite = (line: string): string => {
  const cells: string[] = [];
  let column = 0;
  const write = (text: string): void => {
    if (column - cells.length > MAX_GAP) column = cells.length;
    while (cells.length < column) cells.push(' ');
    for (const cell of text) cells[column++] = cell;
  };
  let at = 0;
  for (const match of line.matchAll(TOKENS)) {
    const [token, parameters, final] = match;
    write(line.slice(at, match.index));
    at = match.index + token.length;
    if (token === '\r') column = 0;
    else if (token === '\b') column = Math.max(0, column - 1);
    else if (final === 'K') cells.length = parameters === '2' ? 0 : Math.min(column, cells.length);
    else write(visible(token));
  }
  write(line.slice(at));
  return cells.join('');
};

const foldLine = (line: string): string => {
  if (!NOT_PLAIN.test(line)) return line;
  return OVERWRITES.test(line) ? overwrite(line) : line.replace(TOKENS, visible);
};

/** It is shown as it is. */
export const isPlain = (text: string): boolean => !NOT_PLAIN.test(text);

/** Line by line; the number of lines stays. */
export const fold = (text: string): string => {
  if (!NOT_PLAIN.test(text)) return text;
  return text
    .split('\n')
    .map((line) => foldLine(line.endsWith('\r') ? line.slice(0, -1) : line))
    .join('\n');
};
