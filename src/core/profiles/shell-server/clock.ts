import { mistake } from './texts.ts';

const two = (value: number): string => String(value).padStart(2, '0');

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const DAY_MS = 86_400_000;

const dayOfYear = (at: Date): number =>
  Math.round((Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 1)) / DAY_MS) + 1;

const offset = (at: Date): string => {
  const minutes = -at.getTimezoneOffset();
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
};

const DIRECTIVES: Readonly<Record<string, (at: Date) => string>> = {
  Y: (at) => String(at.getFullYear()).padStart(4, '0'),
  y: (at) => two(at.getFullYear() % 100),
  m: (at) => two(at.getMonth() + 1),
  d: (at) => two(at.getDate()),
  e: (at) => String(at.getDate()).padStart(2, ' '),
  H: (at) => two(at.getHours()),
  I: (at) => two(at.getHours() % 12 === 0 ? 12 : at.getHours() % 12),
  p: (at) => (at.getHours() < 12 ? 'AM' : 'PM'),
  M: (at) => two(at.getMinutes()),
  S: (at) => two(at.getSeconds()),
  f: (at) => `${String(at.getMilliseconds()).padStart(3, '0')}000`,
  j: (at) => String(dayOfYear(at)).padStart(3, '0'),
  a: (at) => (DAYS[at.getDay()] ?? '').slice(0, 3),
  A: (at) => DAYS[at.getDay()] ?? '',
  b: (at) => (MONTHS[at.getMonth()] ?? '').slice(0, 3),
  h: (at) => (MONTHS[at.getMonth()] ?? '').slice(0, 3),
  B: (at) => MONTHS[at.getMonth()] ?? '',
  w: (at) => String(at.getDay()),
  u: (at) => String(at.getDay() === 0 ? 7 : at.getDay()),
  s: (at) => String(Math.floor(at.getTime() / 1000)),
  z: offset,
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
  T: (at) => formatTime('%H:%M:%S', at),
  R: (at) => formatTime('%H:%M', at),
  F: (at) => formatTime('%Y-%m-%d', at),
  D: (at) => formatTime('%m/%d/%y', at),
  x: (at) => formatTime('%m/%d/%y', at),
  X: (at) => formatTime('%H:%M:%S', at),
  c: (at) => formatTime('%a %b %e %H:%M:%S %Y', at),
};

/** strftime, in the local time of the server. What is no directive stays as it is. */
export const formatTime = (format: string, at: Date): string =>
  format.replace(/%(.)/gs, (whole, letter: string) => DIRECTIVES[letter]?.(at) ?? whole);

const ISO = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** A moment, in ms since the epoch. With a time zone it is that moment; without, it is local time, as people write it. */
export const readInstant = (name: 'since' | 'until', value: unknown): number => {
  const wrong = () => mistake(`'${name}' must be a valid ISO format datetime string (e.g. '2021-01-01T00:00:00')`);
  const match = typeof value === 'string' ? ISO.exec(value.trim()) : null;
  if (match === null) throw wrong();
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
  if (kept.some((field, index) => field !== parts[index])) throw wrong();
  if (zone === undefined) return new Date(...parts).getTime();
  if (zone.toUpperCase() === 'Z') return utc.getTime();
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0');
  return utc.getTime() - (zone.startsWith('-') ? -minutes : minutes) * 60_000;
};
