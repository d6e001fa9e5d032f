import { escapeByte } from '../../lib/utf8.ts';

/** What in a text is not a character to be shown: escape sequences and controls, as terminals read them. */

/** Anything that is not a plain line: escape sequences, carriage return, backspace and other controls. */
const NOT_PLAIN = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;

/** One escape sequence (CSI, OSC, other strings, short ones), also one that the end cuts off; then what else moves the cursor. */
export const TOKENS =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]|$)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$|(?=\x1b))|\x1b[ -/]*(?:[0-~]|$)|[\r\b]|[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

const STRING_STARTS = '\x90\x98\x9b\x9d\x9e\x9f';

/** A control character by itself is shown; an escape sequence and the bell are not. */
export const visible = (token: string): string =>
  token.length > 1 || `\x1b\x07${STRING_STARTS}`.includes(token) ? '' : escapeByte(token.charCodeAt(0));

/** It is shown as it is. */
export const isPlain = (text: string): boolean => !NOT_PLAIN.test(text);

/** A number of a sequence; terminals take a missing one, and 0, as 1. */
export const parameter = (parameters: string | undefined, index = 0): number =>
  Math.max(1, Number.parseInt(parameters?.split(';')[index] ?? '', 10) || 1);
