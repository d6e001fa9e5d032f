const NEWLINE = 0x0a;

/** Kept of both ends of a message that is too long, to find its id. */
const EDGE_BYTES = 512;

/** One line, or what is left of a line that was longer than allowed. */
export type MessageLine =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too_long'; readonly length: number; readonly head: Buffer; readonly tail: Buffer };

/** Cuts a byte stream into lines. Holds at most one line of the allowed length; a longer one is counted and dropped as it arrives. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;
  #overflow: { head: Buffer; tail: Buffer } | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Buffer): Generator<MessageLine> {
    let from = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, from)) {
      this.#take(chunk.subarray(from, newline));
      from = newline + 1;
      yield this.#finish();
    }
    this.#take(chunk.subarray(from));
  }

  /** The last line when the stream ended without a newline. */
  rest(): MessageLine | undefined {
    return this.#length === 0 ? undefined : this.#finish();
  }

  #take(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#overflow === undefined) {
      this.#parts.push(part);
      if (this.#length <= this.#maxBytes) return;
      const held = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#overflow = { head: Buffer.from(held.subarray(0, EDGE_BYTES)), tail: Buffer.from(held.subarray(-EDGE_BYTES)) };
      return;
    }
    this.#overflow.tail = Buffer.from(Buffer.concat([this.#overflow.tail, part.subarray(-EDGE_BYTES)]).subarray(-EDGE_BYTES));
  }

  #finish(): MessageLine {
    const line: MessageLine =
      this.#overflow === undefined
        ? { kind: 'line', bytes: this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts) }
        : { kind: 'too_long', length: this.#length, ...this.#overflow };
    this.#parts = [];
    this.#length = 0;
    this.#overflow = undefined;
    return line;
  }
}

const ID = String.raw`(-?\d{1,15}|"[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}")`;
const ID_FIRST = new RegExp(String.raw`^\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*${ID}\s*[,}]`);
const ID_LAST = new RegExp(String.raw`,\s*"id"\s*:\s*${ID}\s*\}\s*$`);

/**
 * The id of a request that is not parsed, when it stands where clients put it: among the first members, or as the very last one. Lets the
 * refusal reach the call that it refuses.
 */
export const salvageId = (head: Buffer, tail: Buffer): string | number | null => {
  const found = ID_FIRST.exec(head.toString('latin1')) ?? ID_LAST.exec(tail.toString('latin1'));
  return found?.[1] === undefined ? null : (JSON.parse(found[1]) as string | number);
};
