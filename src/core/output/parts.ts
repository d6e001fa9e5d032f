import { fittingLength, unfinishedLength } from '../../lib/utf8.ts';
import { condense, type Condensed, foldedIn, sizeOf, textOf } from './condense.ts';
import { type Behind, cutBack, cutFront } from './cut.ts';
import { render } from './render.ts';
import type { Stretch } from './stretch.ts';

const NEWLINE = 0x0a;

/** So much is looked at for so much text: what repeats is folded before anything is cut. */
const WINDOW_TIMES = 8;
const MAX_WINDOW = 64 * 1024;

/** Bytes to read for an answer of so many bytes. */
export const windowOf = (limit: number): number => Math.max(limit, Math.min(MAX_WINDOW, limit * WINDOW_TIMES));

/** A beginning or an end of some bytes as it is shown. */
export interface Part {
  readonly text: string;
  /** Bytes that the text takes, line ends of all rows included. */
  readonly size: number;
  /** Of the stream. */
  readonly bytes: number;
  readonly folded: number;
  readonly binary: boolean;
  /** It holds part of a line, or of what hangs together. */
  readonly cut: boolean;
}

/** Bytes together with what is worth reading of them; no stretches: every byte is shown. */
export interface Piece extends Condensed {
  readonly bytes: Uint8Array;
  readonly raw: boolean;
}

const total = (stretches: readonly Stretch[], of: (stretch: Stretch) => number): number =>
  stretches.reduce((sum, stretch) => sum + of(stretch), 0);

const bytesOf = ({ bytes }: Stretch): number => bytes;

/** How many in a row, one after the other, take no more than the room. */
const fitting = (stretches: Iterable<Stretch>, room: number): number => {
  let count = 0;
  let left = room;
  for (const stretch of stretches) {
    left -= sizeOf(stretch);
    if (left < 0) return count;
    count += 1;
  }
  return count;
};

const join = (stretches: readonly Stretch[], piece: Piece, cut: Uint8Array, atFront: boolean): Part => {
  const whole = textOf(stretches);
  const { text, binary } = render(cut, piece.raw);
  return {
    text: atFront ? text + whole : whole + text,
    size: total(stretches, sizeOf) + Buffer.byteLength(text),
    bytes: total(stretches, bytesOf) + cut.length,
    folded: foldedIn(stretches),
    binary: binary || (stretches.length > 0 && piece.binary),
    cut: cut.length > 0,
  };
};

/** Text of rows whose last one has no line end in the stream. */
const unended = (part: Part): Part => ({ ...part, text: part.text.slice(0, -1) });

/** The beginning, at most `room` bytes of text: whole lines; of one that is too long for it, a part. */
export const front = (piece: Piece, room: number): Part => {
  const taken = piece.stretches.slice(0, fitting(piece.stretches, room));
  const rest = piece.bytes.subarray(total(taken, bytesOf));
  const left = room - total(taken, sizeOf);
  const isLong = taken.length === 0 || (rest.length > left && !rest.subarray(0, left).includes(NEWLINE));
  const cut = left > room / 2 && rest.length > 0 && isLong ? cutFront(rest, left, 'more') : 0;
  const part = join(taken, piece, rest.subarray(0, cut), false);
  return rest.length === 0 && taken.length > 0 && piece.bytes.at(-1) !== NEWLINE ? unended(part) : part;
};

/** The end, likewise. `isBeginning`: the bytes begin with a line. */
export const back = (piece: Piece, room: number, isBeginning: boolean): Part => {
  const { stretches } = piece;
  const taken = stretches.slice(stretches.length - fitting(stretches.toReversed(), room));
  const rest = piece.bytes.subarray(0, piece.bytes.length - total(taken, bytesOf));
  const left = room - total(taken, sizeOf);
  const isLong = taken.length === 0 || (rest.length > left && !rest.subarray(rest.length - left, -1).includes(NEWLINE));
  const cut = left > room / 2 && rest.length > 0 && isLong ? rest.subarray(cutBack(rest, left, isBeginning)) : new Uint8Array();
  const part = join(taken, piece, cut, true);
  return taken.length > 0 && piece.bytes.at(-1) !== NEWLINE ? unended(part) : part;
};

/** All of it, where that takes no more than the room. */
export const everything = (piece: Piece, room: number): Part | undefined => {
  if (piece.stretches.length === 0) {
    const fits = fittingLength(piece.bytes, room) === piece.bytes.length;
    return fits ? join([], piece, piece.bytes, false) : undefined;
  }
  return total(piece.stretches, sizeOf) <= room ? back(piece, room, true) : undefined;
};

export const pieceOf = async (bytes: Uint8Array, raw: boolean): Promise<Piece> => ({
  ...(raw ? { stretches: [], binary: false } : await condense(bytes)),
  bytes,
  raw,
});

/** All of it, however much that is. */
export const allOf = async (bytes: Uint8Array): Promise<Part> => back(await pieceOf(bytes, false), Infinity, true);

/** A page from the front of what was read: to the end of a line, and not into a character that is still being written. At least one byte. */
export const pageOf = async (bytes: Uint8Array, limit: number, behind: Behind): Promise<Part> => {
  const lineEnd = bytes.lastIndexOf(NEWLINE) + 1;
  const finished = bytes.length - unfinishedLength(bytes);
  const usable = behind === 'nothing' || finished === 0 ? bytes.length : behind === 'growing' ? finished : lineEnd;
  const piece = await pieceOf(bytes.subarray(0, usable), false);
  return front(behind === 'more' ? { ...piece, bytes } : piece, limit);
};
