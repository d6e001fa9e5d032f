import type { Zone } from './strftime.ts';

/** Moments as people and programs write them. */

const ISO = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

const MINUTE_MS = 60_000;

/** A date, with or without a time, in ms since 1970; undefined when it is none. Without a zone it is taken in that one. */
export const parseIso = (text: string, without: Zone = 'local'): number | undefined => {
  const match = ISO.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const parts = [
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Math.floor(Number(`0.${fraction || '0'}`) * 1000),
  ] as const;
  const utc = new Date(Date.UTC(...parts));
  // A field out of its range would have moved the next one.
  const kept = [utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), utc.getUTCHours(), utc.getUTCMinutes(), utc.getUTCSeconds()];
  if (kept.some((field, index) => field !== parts[index])) return undefined;
  if (zone === undefined) return without === 'utc' ? utc.getTime() : new Date(...parts).getTime();
  if (zone.toUpperCase() === 'Z') return utc.getTime();
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0');
  return utc.getTime() - (zone.startsWith('-') ? -minutes : minutes) * MINUTE_MS;
};

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 1440 * MINUTE_MS,
  w: 10_080 * MINUTE_MS,
};
const DURATION = /^(?:\d{1,12}(?:\.\d{1,6})?(?:ms|[smhdw]))+$/;

/** `90s`, `1h30m`, `1.5d`, in ms; undefined when it is none. */
export const parseDuration = (text: string): number | undefined => {
  if (text.length > 64 || !DURATION.test(text)) return undefined;
  let sum = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) sum += Number(count) * (UNIT_MS[unit] ?? 0);
  return sum;
};

export interface Clocks {
  /** ms since 1970. */
  readonly now: number;
  /** What `+5s` is reckoned from; absent where nothing began. */
  readonly start?: number | undefined;
  /** Of a time that names none. */
  readonly zone: Zone;
}

/** Beyond it, an epoch number counts milliseconds: in seconds it would be after the year 5138. */
const SECONDS_END = 100_000_000_000;

/**
 * ms since 1970 for `2026-11-28T14:00:00Z`, seconds (or milliseconds) since 1970, `5m` (so long ago), or `+5s` (so long after the start);
 * undefined for anything else.
 */
export const parseInstant = (text: string, { now, start, zone }: Clocks): number | undefined => {
  const word = text.trim();
  if (/^\d{9,14}(?:\.\d{1,9})?$/.test(word)) {
    const number = Number(word);
    return number < SECONDS_END ? number * 1000 : number;
  }
  if (word.startsWith('+')) {
    const after = parseDuration(word.slice(1));
    return after === undefined || start === undefined ? undefined : start + after;
  }
  const ago = parseDuration(word.endsWith(' ago') ? word.slice(0, -4) : word);
  return ago === undefined ? parseIso(word, zone) : now - ago;
};
