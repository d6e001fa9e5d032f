import type { Span } from './span.ts';

/**
 * Secrets that are known by their form. Every pattern begins at the edge of a word and is bounded, and its parts cannot stand for one another:
 * each letter is looked at a fixed number of times.
 */
const TOKENS = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    '(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])',
    'gh[pousr]_[A-Za-z0-9]{20,255}',
    'github_pat_[A-Za-z0-9_]{20,255}',
    'gl(?:pat|rt|dt|ptt|ft|cbt|agent|soat|imt|oas)-[A-Za-z0-9_.-]{16,255}',
    'xox[abceoprs]-[A-Za-z0-9-]{10,255}',
    'xapp-[A-Za-z0-9-]{10,255}',
    'sk-[A-Za-z0-9_-]{16,255}',
    '(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}',
    'whsec_[A-Za-z0-9+/=]{16,255}',
    'eyJ[A-Za-z0-9_-]{5,8192}\\.[A-Za-z0-9_-]{5,8192}(?:\\.[A-Za-z0-9_-]{0,8192}){1,3}',
    'npm_[A-Za-z0-9]{20,255}',
    'pypi-[A-Za-z0-9_-]{32,255}',
    'AIza[A-Za-z0-9_-]{30,255}',
    'ya29\\.[A-Za-z0-9_.-]{16,1024}',
    '1//0[A-Za-z0-9_-]{20,255}',
    'GOCSPX-[A-Za-z0-9_-]{16,255}',
    'hf_[A-Za-z0-9]{20,255}',
    'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,128}',
    'do[opr]_v1_[a-f0-9]{32,128}',
    'shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,128}',
    'dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,128}',
    'hv[sbr]\\.[A-Za-z0-9_-]{16,255}',
    'AGE-SECRET-KEY-1[A-Z0-9]{30,128}',
    '[0-9]{8,10}:AA[A-Za-z0-9_-]{30,40}',
  ].join('|')})`,
  'g',
);

/** Every token above begins with one of these: text without them is not looked at twice. */
const TOKEN_HINT =
  /A[KSBCRI][A-Z]{2}|gh[pousr]_|hub_pat_|gl[a-z]{2,5}-|xox|xapp-|sk-|k_(?:live|test)_|whsec_|eyJ|npm_|pypi-|AIza|ya29\.|1\/\/0|GOCSPX-|hf_|SG\.|_v1_|shp[acps]|dckr_|hv[sbr]\.|AGE-|:AA/;

const SCHEME = /(?<![A-Za-z0-9])(?:Bearer|Basic)[ \t]{1,8}([A-Za-z0-9._~+/=-]{6,8192})/gi;

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const PEM_END = '-----END ';
/** A key block without an end is covered for this long. */
const PEM_MAX = 65_536;

const USERINFO_MAX = 1024;
/** A user name this long is a token. */
const USER_TOKEN = 20;
/** The characters that end the authority of an address. */
const AFTER_AUTHORITY = /[/?#\s"'`<>\\|;]/;

const findKeyBlocks = (text: string, add: (span: Span) => void): void => {
  if (!text.includes('PRIVATE KEY')) return;
  PEM_BEGIN.lastIndex = 0;
  for (let found = PEM_BEGIN.exec(text); found !== null; found = PEM_BEGIN.exec(text)) {
    const body = found.index + found[0].length;
    const limit = Math.min(text.length, found.index + PEM_MAX);
    const mark = text.indexOf(PEM_END, body);
    const close = mark < 0 ? -1 : text.indexOf('-----', mark + PEM_END.length);
    const end = close < 0 ? limit : Math.min(close + 5, limit);
    add({ context: found.index, start: found.index, end });
    PEM_BEGIN.lastIndex = end;
  }
};

/** `scheme://user:password@host`: the password, or a user name that is a token. */
const findUserinfo = (text: string, add: (span: Span) => void): void => {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const from = at + 3;
    const rest = text.slice(from, from + USERINFO_MAX);
    const stop = rest.search(AFTER_AUTHORITY);
    const authority = stop < 0 ? rest : rest.slice(0, stop);
    const end = authority.lastIndexOf('@');
    if (end <= 0) continue;
    const colon = authority.indexOf(':');
    const context = Math.max(0, at - 16);
    if (colon >= 0 && colon < end) add({ context, start: from + colon + 1, end: from + end });
    else if (end >= USER_TOKEN) add({ context, start: from, end: from + end });
  }
};

/** All that looks like a known kind of secret. */
export const findShapes = (text: string, add: (span: Span) => void): void => {
  if (TOKEN_HINT.test(text))
    for (const found of text.matchAll(TOKENS)) add({ context: found.index, start: found.index, end: found.index + found[0].length });
  if (/bearer|basic/i.test(text))
    for (const found of text.matchAll(SCHEME)) {
      const end = found.index + found[0].length;
      add({ context: found.index, start: end - (found[1]?.length ?? 0), end });
    }
  findKeyBlocks(text, add);
  findUserinfo(text, add);
};
