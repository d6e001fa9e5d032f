/** What makes two lines of output say the same but for a time or a count. Cautious: a line that may hold an answer is like no other. */

/** Words with which programs speak of trouble, and of what they found instead. Such a line is only ever the same as its own copy. */
const TROUBLE =
  /err(?:or)?s?\b|warn|fail|fatal|panic|exception|assert|denied|refus|cannot|can't|could not|couldn't|unable|not found|missing|invalid|undefined|traceback|time[d -]?out|abort|kill|unexpected|expected|conflict|deprecat|illegal|segmentation|critical|vulnerab|corrupt|mismatch|reject|unreachable|forbidden|not ok|retry|retries|lost|leak|overflow|[✗✖✘×⚠]/i;

export const mentionsTrouble = (line: string): boolean => TROUBLE.test(line);

/** Longer lines are compared as they are. */
const MAX_CHARS = 500;

/** Points in time: ISO dates, clock times, names of months and days before a number, seconds since the start in brackets. */
const TIMES =
  /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?|\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?=[A-Z\d])|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2}\b|^\[ *\d+\.\d+\]/g;

const IDS = /\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** A number that stands by itself or before a unit; one in a name (`file2`, `/dev/loop0`, `v1.2`) tells things apart. */
const NUMBERS = /(?<![\w/.-])\d+(?:[.,]\d+)*(?=(?: ?(?:[kKMGT]i?)?(?:B|bytes|bits?)?(?:\/s)?|ms|s|m|h|it|it\/s|x|°)(?![\w-])|[hm]\d)/g;

/** Behind a masked number: what grows comes to larger ones. */
const UNITS = /0 ?(?:[kKMGT]i?)?B?(?:\/s)?(?![\w/-])/g;

/** What bars and spinners are made of. */
const BARS = /[=#>.\-_~|/\\*+ \u2500-\u259f\u2801-\u28ff]{2,}|[=#>\u2500-\u259f\u2801-\u28ff]/g;

/** So much of so much, as a part of a line that stands by itself. */
const PART = /(?:^|[\s[(|])(\d+(?:[.,]\d+)?)\s?(?:[kKMGT]i?)?B?\s?(?:\/|of)\s?\d+(?:[.,]\d+)?\s?(?:[kKMGT]i?)?B?(?![\w/.-])/;

const SHARE = /(?<![\w.])(\d+(?:\.\d+)?) ?%/;

/** Something measured beside the progress: it may be what is asked for. */
const MEASURED =
  /[A-Za-z_]\s?[=:]\s?-?\d+(?![\d.,]*\s?(?:%|\/))|\b(?:acc|accuracy|loss|score|coverage|usage|used|cpu|mem|memory|precision|recall)\b/i;

/** What is doing or was done, once for each of many things. */
const ACTIVITY =
  /(?:^|[^\w])(?:[a-z]{2,}ing|processed|downloaded|copied|fetched|received|sent|loaded|indexed|scanned|step|iteration|batch|chunk|item|heartbeat|tick|poll)\b/i;

/** A place in a file, or a value that is no count and no duration. */
const ANSWERS = /[\w/-]\.\w+:\d|=|\d\.\d+(?!\d*\s?(?:m?s|sec|[kKMGT]i?B|B|%)\b)|["'{}[\]]\s*[:,]|:\s*-?\d+(?:\.\d+)?\s*$/;

export type Likeness =
  /** The same but for points in time. */
  | { readonly kind: 'times'; readonly key: string }
  /** A state of the same progress; `done` grows. */
  | { readonly kind: 'progress'; readonly key: string; readonly done: number }
  /** The same but for counts and ids. */
  | { readonly kind: 'counts'; readonly key: string };

/** How far it is. */
const progressOf = (line: string): number | undefined => {
  const found = SHARE.exec(line) ?? PART.exec(line);
  return found?.[1] === undefined || MEASURED.test(line) ? undefined : Number(found[1].replace(',', ''));
};

/** How a line may be like its neighbours, if at all; equal lines need not be asked. */
export const likenessOf = (line: string): Likeness | undefined => {
  if (line.length > MAX_CHARS || !/\d/.test(line) || mentionsTrouble(line)) return undefined;
  const timeless = line.replace(TIMES, '⌚');
  const hasTime = timeless !== line;
  const key = timeless.replace(IDS, '#').replace(NUMBERS, '0').replace(BARS, ' ').replace(/ +/g, ' ').trim();
  if (!/\p{L}{2}|%/u.test(key)) return undefined;
  const done = progressOf(timeless);
  if (done !== undefined) return { kind: 'progress', key: key.replace(UNITS, '0').replace(/(?:0 ?)+/g, '0'), done };
  if (hasTime && !/\d/.test(timeless)) return { kind: 'times', key: timeless };
  if (ACTIVITY.test(timeless) && !ANSWERS.test(timeless)) return { kind: 'counts', key };
  return hasTime ? { kind: 'times', key: timeless } : undefined;
};

const UNIT_LETTERS = new Set(Array.from('BGKMT', (letter) => letter.charCodeAt(0)));

/** Digits and their units, what ids and bars are made of, and what stands between words. */
const isFiller = (code: number): boolean => code < 0x41 || (code > 0x5a && code < 0x67) || code > 0x7a || UNIT_LETTERS.has(code);

/** Nothing but filler tells them apart: a cheap look, before `likenessOf` is asked. */
export const mayBeAlike = (one: string, other: string): boolean => {
  if (one.length > MAX_CHARS || other.length > MAX_CHARS) return false;
  let a = 0;
  let b = 0;
  for (;;) {
    while (a < one.length && isFiller(one.charCodeAt(a))) a += 1;
    while (b < other.length && isFiller(other.charCodeAt(b))) b += 1;
    if (a === one.length || b === other.length) return a === one.length && b === other.length;
    if (one.charCodeAt(a) !== other.charCodeAt(b)) return false;
    a += 1;
    b += 1;
  }
};
