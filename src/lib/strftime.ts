/** Times as text, by the directives of strftime. */

/** Where a time is told: this machine's zone, or UTC. */
export type Zone = 'local' | 'utc';

/** The fields of a moment in a zone. */
interface Fields {
  readonly ms: number;
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  /** From 0, Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** East of Greenwich. */
  readonly offsetMinutes: number;
}

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
const MINUTE_MS = 60_000;

/** A moment as the clock on a wall in that zone shows it: the UTC fields of a moment that is moved by the zone's offset. */
const fieldsOf = (at: Date, zone: Zone): Fields => {
  const offsetMinutes = zone === 'utc' ? 0 : -at.getTimezoneOffset();
  const wall = new Date(at.getTime() + offsetMinutes * MINUTE_MS);
  return {
    ms: at.getTime(),
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth(),
    day: wall.getUTCDate(),
    weekday: wall.getUTCDay(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
    millisecond: wall.getUTCMilliseconds(),
    offsetMinutes,
  };
};

const two = (value: number): string => String(value).padStart(2, '0');

const dayOfYear = ({ year, month, day }: Fields): number => Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / DAY_MS) + 1;

const offset = ({ offsetMinutes }: Fields, between: string): string => {
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${between}${two(minutes % 60)}`;
};

const DIRECTIVES: Readonly<Record<string, (at: Fields) => string>> = {
  Y: ({ year }) => String(year).padStart(4, '0'),
  y: ({ year }) => two(year % 100),
  m: ({ month }) => two(month + 1),
  d: ({ day }) => two(day),
  e: ({ day }) => String(day).padStart(2, ' '),
  H: ({ hour }) => two(hour),
  I: ({ hour }) => two(hour % 12 === 0 ? 12 : hour % 12),
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  M: ({ minute }) => two(minute),
  S: ({ second }) => two(second),
  L: ({ millisecond }) => String(millisecond).padStart(3, '0'),
  f: ({ millisecond }) => `${String(millisecond).padStart(3, '0')}000`,
  j: (at) => String(dayOfYear(at)).padStart(3, '0'),
  a: ({ weekday }) => (DAYS[weekday] ?? '').slice(0, 3),
  A: ({ weekday }) => DAYS[weekday] ?? '',
  b: ({ month }) => (MONTHS[month] ?? '').slice(0, 3),
  h: ({ month }) => (MONTHS[month] ?? '').slice(0, 3),
  B: ({ month }) => MONTHS[month] ?? '',
  w: ({ weekday }) => String(weekday),
  u: ({ weekday }) => String(weekday === 0 ? 7 : weekday),
  s: ({ ms }) => String(Math.floor(ms / 1000)),
  z: (at) => offset(at, ''),
  ':z': (at) => offset(at, ':'),
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
  T: (at) => write('%H:%M:%S', at),
  R: (at) => write('%H:%M', at),
  F: (at) => write('%Y-%m-%d', at),
  D: (at) => write('%m/%d/%y', at),
  x: (at) => write('%m/%d/%y', at),
  X: (at) => write('%H:%M:%S', at),
  c: (at) => write('%a %b %e %H:%M:%S %Y', at),
};

const write = (format: string, at: Fields): string =>
  format.replace(/%(:?.)/gs, (whole, directive: string) => DIRECTIVES[directive]?.(at) ?? whole);

/** `%L` is milliseconds, `%f` microseconds, `%:z` an offset such as +01:00. What is no directive stays as it is. */
export const formatTime = (format: string, at: Date, zone: Zone = 'local'): string =>
  Number.isNaN(at.getTime()) ? format : write(format, fieldsOf(at, zone));
