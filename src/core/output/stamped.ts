import { formatTime } from '../../lib/strftime.ts';
import { endsLine, lineStarts } from './line-edges.ts';
import type { Stamp } from './presenter.ts';
import { slice, type View } from './view.ts';

/** Lines of a view with their times in front. */

export interface Stamper {
  /** What stands in front of a line that begins at this position of the view. */
  at(position: number): string;
  /** What a stamp takes, at most, in bytes. */
  readonly bytes: number;
}

/** Names of days and months differ in length. */
const SLACK_BYTES = 8;

export const createStamper = (view: View, { format, zone, startedMs }: Stamp): Stamper => {
  const timeOf = (position: number): number => {
    const [segment] = slice(view.segments, position, 1);
    return segment === undefined ? 0 : view.clock.at(segment.stream, segment.offset);
  };
  const write = (ms: number): string => formatTime(format, new Date(startedMs + ms), zone);
  return { at: (position) => write(timeOf(position)), bytes: Buffer.byteLength(write(0)) + SLACK_BYTES };
};

/** How many of the bytes fit with their stamps into `limit`: whole lines, unless the first does not fit. */
export const fittingLines = (bytes: Uint8Array, newline: Uint8Array, stamper: Stamper, limit: number): number => {
  const [, ...ends] = [...lineStarts(bytes, newline), bytes.length];
  let fitting = 0;
  for (const [index, end] of ends.entries()) {
    if (end + (index + 1) * stamper.bytes > limit) break;
    fitting = end;
  }
  return fitting > 0 ? fitting : Math.max(1, Math.min(bytes.length, limit - stamper.bytes));
};

/** How many to leave off the front, so that the rest with its stamps takes at most `limit`: whole lines, at least the last. */
export const excessLines = (bytes: Uint8Array, newline: Uint8Array, stamper: Stamper, limit: number): number => {
  const starts = lineStarts(bytes, newline);
  let first = starts.length - 1;
  const taken = (index: number): number => bytes.length - (starts[index] ?? 0) + (starts.length - index) * stamper.bytes;
  while (first > 0 && taken(first - 1) <= limit) first -= 1;
  return starts[first] ?? 0;
};

/** The text of these bytes of the view, a stamp in front of each line that begins in them. */
export const stampLines = (
  bytes: Uint8Array,
  newline: Uint8Array,
  stamper: Stamper,
  from: number,
  before: Uint8Array,
  textOf: (line: Uint8Array) => string,
): string => {
  const starts = lineStarts(bytes, newline);
  const begins = before.length === 0 || endsLine(before, newline);
  return starts
    .map((start, index) => {
      const text = textOf(bytes.subarray(start, starts[index + 1] ?? bytes.length));
      return start === 0 && !begins ? text : `${stamper.at(from + start)}${text}`;
    })
    .join('');
};
