import { FRAME_HEAD_BYTES, MAX_FRAME_BYTES } from './protocol.ts';

/** What arrived is not the protocol. The peer is broken or hostile; nothing more of it is read. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

const LENGTH_BYTES = 4;
const U32 = 0x1_0000_0000;

/** Builds one frame, or the payload alone with `payloadWriter`. Little-endian; grows as needed. */
export class FrameWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }

  /** Starts a frame; its length is filled in by `finish`. */
  head(type: number, id: number): this {
    this.#reserve(LENGTH_BYTES + FRAME_HEAD_BYTES);
    this.#at += LENGTH_BYTES;
    return this.u8(type).u32(id);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#at = this.#buffer.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#at = this.#buffer.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
    return this;
  }

  i32(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeInt32LE(value, this.#at);
    return this;
  }

  /** A whole number of at most 2^53. */
  u64(value: number): this {
    return this.u32(value % U32).u32(Math.floor(value / U32));
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  str(value: string | Uint8Array): this {
    if (typeof value !== 'string') return this.u32(value.length).bytes(value);
    this.#reserve(LENGTH_BYTES + value.length * 3);
    const written = this.#buffer.write(value, this.#at + LENGTH_BYTES, 'utf8');
    this.#buffer.writeUInt32LE(written, this.#at);
    this.#at += LENGTH_BYTES + written;
    return this;
  }

  list(values: readonly (string | Uint8Array)[]): this {
    this.u32(values.length);
    for (const value of values) this.str(value);
    return this;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#at;
  }

  /** The frame begun with `head`, complete. Throws RangeError when it is larger than the protocol allows. */
  finish(): Buffer {
    const length = this.#at - LENGTH_BYTES;
    if (length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length} bytes; at most ${MAX_FRAME_BYTES} are allowed`);
    this.#buffer.writeUInt32LE(length, 0);
    return this.#buffer.subarray(0, this.#at);
  }

  /** What was written, without any head. */
  payload(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

/** Reads a payload and never past its end. Every defect is a ProtocolViolation. */
export class FrameReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  /** True when the memory belongs to this frame alone, so that views of it may be given away. */
  readonly #owned: boolean;
  #at: number;

  constructor(buffer: Buffer, start: number, end: number, owned: boolean) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#owned = owned;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw new ProtocolViolation(`a field of ${bytes} bytes passes the end of its frame`);
    this.#at = at + bytes;
    return at;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#take(4));
  }

  /** Refused above 2^53 - 1: no honest size, count or time is so large. */
  u64(): number {
    const at = this.#take(8);
    const value = this.#buffer.readUInt32LE(at + 4) * U32 + this.#buffer.readUInt32LE(at);
    if (!Number.isSafeInteger(value)) throw new ProtocolViolation('a number is larger than 2^53');
    return value;
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    const view = this.#buffer.subarray(at, at + length);
    return this.#owned ? view : Uint8Array.prototype.slice.call(view);
  }

  /** Bytes of a `str`. */
  blob(): Uint8Array {
    return this.bytes(this.u32());
  }

  /** Text of a `str`; bytes that are not UTF-8 become U+FFFD. */
  str(): string {
    const length = this.u32();
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** A `u32` count, refused above `max`. Items that are not there are found out one by one. */
  count(max: number): number {
    const count = this.u32();
    if (count > max) throw new ProtocolViolation(`a count of ${count}, where at most ${max} are allowed`);
    return count;
  }

  list(max: number): string[] {
    return Array.from({ length: this.count(max) }, () => this.str());
  }

  /** A payload inside this one, such as the exit in a LIST. */
  nested(): FrameReader {
    const length = this.u32();
    const at = this.#take(length);
    return new FrameReader(this.#buffer, at, at + length, this.#owned);
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** Bytes left over mean that both sides disagree about the format. */
  finish(): void {
    if (this.left !== 0) throw new ProtocolViolation(`${this.left} bytes are left over in a frame`);
  }
}

/** Called once per whole frame, in order. The reader must be read before the call returns. */
export type OnFrame = (type: number, id: number, payload: FrameReader) => void;

/** Cuts a stream of bytes into frames. Holds at most one frame; whole frames are read where they lie. */
export class FrameDecoder {
  readonly #onFrame: OnFrame;
  readonly #head = Buffer.alloc(LENGTH_BYTES);
  #headBytes = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** True when the bytes so far end between two frames. */
  get clean(): boolean {
    return this.#headBytes === 0 && this.#partial === undefined;
  }

  /** Takes the first `length` bytes of `chunk`, which may be overwritten afterwards. Throws ProtocolViolation. */
  push(chunk: Buffer, length: number = chunk.length): void {
    let at = 0;
    while (at < length) {
      if (this.#partial !== undefined) {
        at = this.#fill(this.#partial, chunk, at, length);
        continue;
      }
      if (this.#headBytes > 0 || length - at < LENGTH_BYTES) {
        const taken = chunk.copy(this.#head, this.#headBytes, at, Math.min(length, at + LENGTH_BYTES - this.#headBytes));
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes < LENGTH_BYTES) return;
        this.#headBytes = 0;
        this.#begin(checkedLength(this.#head.readUInt32LE(0)));
        continue;
      }
      const size = checkedLength(chunk.readUInt32LE(at));
      at += LENGTH_BYTES;
      if (length - at < size) {
        this.#begin(size);
        continue;
      }
      this.#deliver(chunk, at, at + size, false);
      at += size;
    }
  }

  #begin(size: number): void {
    this.#partial = Buffer.allocUnsafeSlow(size);
    this.#partialBytes = 0;
  }

  #fill(partial: Buffer, chunk: Buffer, at: number, length: number): number {
    const taken = chunk.copy(partial, this.#partialBytes, at, length);
    this.#partialBytes += taken;
    if (this.#partialBytes === partial.length) {
      this.#partial = undefined;
      this.#deliver(partial, 0, partial.length, true);
    }
    return at + taken;
  }

  #deliver(buffer: Buffer, start: number, end: number, owned: boolean): void {
    this.#onFrame(buffer.readUInt8(start), buffer.readUInt32LE(start + 1), new FrameReader(buffer, start + FRAME_HEAD_BYTES, end, owned));
  }
}

const checkedLength = (length: number): number => {
  if (length < FRAME_HEAD_BYTES || length > MAX_FRAME_BYTES)
    throw new ProtocolViolation(`a frame claims ${length} bytes; ${FRAME_HEAD_BYTES} to ${MAX_FRAME_BYTES} are allowed`);
  return length;
};
