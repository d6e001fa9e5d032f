import { isSecretName, SECRET_HINT } from './names.ts';
import type { Span } from './span.ts';
import { lineEnd, looksLikeOption, quotedEnd, wordEnd } from './words.ts';

/** A name is looked at this far to either side of the hint. */
const REACH = 64;
const MAX_BLANKS = 8;

const NAME_SIGN = /[A-Za-z0-9_.-]/;
const LINE_VALUE = /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i;
const SCHEME_WORD = /^(?:bearer|basic|digest|token|apikey|negotiate)$/i;

const skipBlanks = (text: string, at: number): number => {
  let i = at;
  while (i < at + MAX_BLANKS && (text.charAt(i) === ' ' || text.charAt(i) === '\t')) i += 1;
  return i;
};

/** The end of a value that begins at `at`; a first word such as "Bearer" takes the next with it. Behind a quoted name, quotes are its bounds. */
const valueEnd = (text: string, at: number, quoted: boolean): number => {
  const escaped = (quoted ? /^\\{0,4}["']/ : /^\\{1,4}["']/).exec(text.slice(at, at + 6))?.[0];
  if (escaped !== undefined) return quotedEnd(text, at, escaped);
  const end = wordEnd(text, at);
  if (!SCHEME_WORD.test(text.slice(at, Math.min(end, at + 16)))) return end;
  const next = skipBlanks(text, end);
  return next > end ? wordEnd(text, next) : end;
};

/** The value that a secret name, which ends at `end`, announces; undefined when it announces none. */
const valueAfter = (text: string, name: string, from: number, end: number): Span | undefined => {
  const closing = /^\\{0,4}["'\]]/.exec(text.slice(end, end + 6))?.[0].length ?? 0;
  const gap = skipBlanks(text, end + closing);
  const separator = /^(?::=|=>|==|=|:)/.exec(text.slice(gap, gap + 2))?.[0];
  if (separator !== undefined) {
    const start = skipBlanks(text, gap + separator.length);
    const stop = separator === ':' && closing === 0 && LINE_VALUE.test(name) ? lineEnd(text, start) : valueEnd(text, start, closing > 0);
    return stop > start ? { context: from, start, end: stop } : undefined;
  }
  if (text.charAt(from) !== '-' || gap === end + closing) return undefined;
  const stop = wordEnd(text, gap);
  return stop > gap && !looksLikeOption(text.slice(gap, Math.min(stop, gap + REACH)))
    ? { context: from, start: gap, end: stop }
    : undefined;
};

/** `-u name:password`: what stands behind the colon. */
const LOGIN = /(?<![^\s"'])(?:-u|-U|--user|--proxy-user)(?:=|[ \t]{1,8})/g;
const SSHPASS = /(?<![A-Za-z0-9_-])sshpass[ \t]{1,8}-p[ \t]{0,8}/g;

const findLogins = (text: string, add: (span: Span) => void): void => {
  if (text.includes('-u') || text.includes('-U') || text.includes('--proxy-user'))
    for (const found of text.matchAll(LOGIN)) {
      const at = found.index + found[0].length;
      const end = wordEnd(text, at);
      const colon = text.slice(at, Math.min(end, at + 256)).indexOf(':');
      if (colon >= 0) add({ context: found.index, start: at + colon + 1, end });
    }
  if (text.includes('sshpass'))
    for (const found of text.matchAll(SSHPASS)) {
      const at = found.index + found[0].length;
      add({ context: found.index, start: at, end: wordEnd(text, at) });
    }
};

/**
 * Values behind secret names, wherever text assigns them: `NAME=value`, `--name value`, `"name": "value"`, `Name: value`, `?name=value`. Each
 * value is passed over once, so the time is linear.
 */
export const findAssignments = (text: string, add: (span: Span) => void): void => {
  findLogins(text, add);
  const hint = new RegExp(SECRET_HINT);
  for (let found = hint.exec(text); found !== null; found = hint.exec(text)) {
    let from = found.index;
    while (from > 0 && from > found.index - REACH && NAME_SIGN.test(text.charAt(from - 1))) from -= 1;
    let end = hint.lastIndex;
    while (end < text.length && end < found.index + REACH && NAME_SIGN.test(text.charAt(end))) end += 1;
    hint.lastIndex = end;
    const name = text.slice(from, end).replace(/^-+/, '');
    if (!isSecretName(name)) continue;
    const span = valueAfter(text, name, from, end);
    if (span === undefined) continue;
    add(span);
    hint.lastIndex = Math.max(end, span.end);
  }
};
