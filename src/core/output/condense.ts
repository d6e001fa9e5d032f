import { setImmediate } from 'node:timers/promises';
import { decode } from '../../lib/utf8.ts';
import { collapse } from './collapse.ts';
import { redraw } from './redraw.ts';
import type { Stretch } from './stretch.ts';

const NEWLINE = 0x0a;

/** Bytes of a stream as what is worth reading of them. */
export interface Condensed {
  readonly stretches: readonly Stretch[];
  /** Bytes that are no UTF-8, or NUL, are written as `\xHH`. */
  readonly binary: boolean;
}

const lengthsOf = (bytes: Uint8Array): number[] => {
  const lengths: number[] = [];
  let at = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
    lengths.push(end + 1 - at);
    at = end + 1;
  }
  if (at < bytes.length) lengths.push(bytes.length - at);
  return lengths;
};

/** Bytes that are condensed in one turn of the event loop: a few milliseconds. */
const TURN_BYTES = 48 * 1024;

const condenseTurn = (bytes: Uint8Array): Condensed => {
  const { text, escaped } = decode(bytes);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { stretches: collapse(redraw(lines, lengthsOf(bytes))), binary: escaped || bytes.includes(0) };
};

/**
 * Folded line by line, redrawn rows as they stood last, repetitions counted. The stretches take exactly these bytes. Much of it is done in
 * turns, so that the event loop goes on; what repeats across them is counted in each.
 */
export const condense = async (bytes: Uint8Array): Promise<Condensed> => {
  if (bytes.length <= TURN_BYTES) return condenseTurn(bytes);
  const stretches: Stretch[] = [];
  let binary = false;
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.lastIndexOf(NEWLINE, at + TURN_BYTES) + 1;
    const next = bytes.indexOf(NEWLINE, at + TURN_BYTES) + 1;
    const end = at + TURN_BYTES >= bytes.length ? bytes.length : lineEnd > at ? lineEnd : next > 0 ? next : bytes.length;
    const turn = condenseTurn(bytes.subarray(at, end));
    for (const stretch of turn.stretches) stretches.push(stretch);
    binary ||= turn.binary;
    at = end;
    if (at < bytes.length) await setImmediate();
  }
  return { stretches, binary };
};

/** What the stretches show, each row with its line end. */
export const textOf = (stretches: readonly Stretch[]): string =>
  stretches.map(({ rows }) => rows.map((row) => `${row}\n`).join('')).join('');

export const foldedIn = (stretches: readonly Stretch[]): number => stretches.reduce((sum, { folded }) => sum + folded, 0);

/** Bytes that it takes in an answer. */
export const sizeOf = ({ rows }: Stretch): number => rows.reduce((sum, row) => sum + Buffer.byteLength(row) + 1, 0);
