/** Lines out of chunks, without holding more than one. */

/** A longer line is looked at in pieces of this size. */
export const MAX_LINE_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

export interface Line {
  /** Without its newline. Valid during the call only. */
  readonly bytes: Uint8Array;
  /** From 1. Pieces of one long line have the same number. */
  readonly number: number;
  readonly start: number;
  /** After its newline. */
  readonly end: number;
  /** False: the bytes end here without a newline. */
  readonly finished: boolean;
}

/** Returns false when it needs no more. */
export type OnLine = (line: Line) => boolean;

export interface LineSplitter {
  /** False when the consumer needs no more. */
  push(chunk: Uint8Array): boolean;
  /** Gives the last line, when it has no newline. */
  end(): void;
  /** Where the line begins that is not finished. */
  lineStart(): number;
}

/** How many of the lines at the front of these whole lines need not be given: their bytes and newlines. */
export type SkipLines = (wholeLines: Uint8Array) => { readonly bytes: number; readonly newlines: number };

export const splitLines = (onLine: OnLine, firstLine = 1, skip?: SkipLines): LineSplitter => {
  let rest: Uint8Array = new Uint8Array();
  let restStart = 0;
  let number = firstLine;
  let wanted = true;

  const give = (bytes: Uint8Array, start: number, end: number, finished: boolean): void => {
    wanted = onLine({ bytes, number, start, end, finished });
  };

  return {
    push(chunk) {
      let bytes = chunk;
      if (rest.length > 0) bytes = Buffer.concat([rest, chunk]);
      const base = restStart;
      let at = 0;
      if (skip !== undefined) {
        const skipped = skip(bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1));
        at = skipped.bytes;
        number += skipped.newlines;
      }
      while (wanted) {
        const newline = bytes.indexOf(NEWLINE, at);
        const end = newline === -1 ? bytes.length : newline;
        if (end - at > MAX_LINE_BYTES) {
          give(bytes.subarray(at, at + MAX_LINE_BYTES), base + at, base + at + MAX_LINE_BYTES, true);
          at += MAX_LINE_BYTES;
        } else if (newline === -1) break;
        else {
          give(bytes.subarray(at, newline), base + at, base + newline + 1, true);
          number += 1;
          at = newline + 1;
        }
      }
      rest = Uint8Array.prototype.slice.call(bytes, at);
      restStart = base + at;
      return wanted;
    },
    end() {
      if (wanted && rest.length > 0) give(rest, restStart, restStart + rest.length, false);
    },
    lineStart: () => restStart,
  };
};
