import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameDecoder, FrameReader, FrameWriter, ProtocolViolation } from '../../../../src/drivers/sandbox/supervisor/frames.ts';
import { MAX_FRAME_BYTES } from '../../../../src/drivers/sandbox/supervisor/protocol.ts';

interface Frame {
  readonly type: number;
  readonly id: number;
  readonly text: string;
  readonly blob: Uint8Array;
}

const frames = fc.array(
  fc.record({
    type: fc.nat(255),
    id: fc.nat(0xffff_ffff),
    text: fc.string({ unit: 'binary', maxLength: 300 }),
    blob: fc.uint8Array({ maxLength: 3000 }),
  }),
  { maxLength: 12 },
);

const encode = ({ type, id, text, blob }: Frame): Buffer => new FrameWriter(1).head(type, id).str(text).str(blob).finish();

const decodeAll = (bytes: Buffer, cuts: readonly number[]): { seen: Frame[]; clean: boolean } => {
  const seen: Frame[] = [];
  const decoder = new FrameDecoder((type, id, payload) => {
    seen.push({ type, id, text: payload.str(), blob: Uint8Array.from(payload.blob()) });
    payload.finish();
  });
  // One buffer for all pieces, as a socket reuses its own.
  const shared = Buffer.alloc(bytes.length);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const end = Math.max(at, Math.min(cut, bytes.length));
    bytes.copy(shared, 0, at, end);
    decoder.push(shared, end - at);
    at = end;
  }
  return { seen, clean: decoder.clean };
};

describe('frames', () => {
  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(20_000), { maxLength: 20 }), (wanted, cuts) => {
        const bytes = Buffer.concat(wanted.map(encode));
        const { seen, clean } = decodeAll(
          bytes,
          cuts.toSorted((a, b) => a - b),
        );
        expect(seen).toEqual(wanted);
        expect(clean).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('that are cut byte by byte come out whole', () => {
    const wanted = [{ type: 1, id: 7, text: 'é', blob: new Uint8Array([0, 255]) }];
    const bytes = Buffer.concat(wanted.map(encode));
    expect(decodeAll(bytes, Array.from(bytes.keys())).seen).toEqual(wanted);
  });

  test('give bytes that the next piece does not overwrite', () => {
    const kept: Uint8Array[] = [];
    const decoder = new FrameDecoder((_type, _id, payload) => void kept.push(payload.blob()));
    const piece = new FrameWriter().head(1, 1).str('first').finish();
    const buffer = Buffer.from(piece);
    decoder.push(buffer);
    buffer.fill(0x58);
    expect(Buffer.from(kept[0]!).toString()).toBe('first');
  });

  test('of random bytes never do anything but violate', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const decoder = new FrameDecoder((_type, _id, payload) => {
          payload.u8();
          payload.list(10);
          payload.u64();
          payload.nested().finish();
          payload.finish();
        });
        try {
          decoder.push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([0, 4, MAX_FRAME_BYTES + 1, 0xffff_ffff])('that claim %i bytes are refused before they are read', (length) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(length);
    const decoder = new FrameDecoder(() => {});
    expect(() => decoder.push(head)).toThrow(ProtocolViolation);
  });

  test('larger than allowed are not sent', () => {
    expect(() => new FrameWriter().head(1, 1).bytes(new Uint8Array(MAX_FRAME_BYTES)).finish()).toThrow(RangeError);
  });
});

describe('a payload', () => {
  const read = (bytes: readonly number[]): FrameReader => new FrameReader(Buffer.from(bytes), 0, bytes.length, false);

  test('keeps numbers up to 2^53 - 1 and refuses larger ones', () => {
    const bytes = new FrameWriter().u64(Number.MAX_SAFE_INTEGER).u32(0xffff_ffff).i32(-5).u16(65_535).payload();
    const reader = new FrameReader(bytes, 0, bytes.length, false);
    expect([reader.u64(), reader.u32(), reader.i32(), reader.u16()]).toEqual([Number.MAX_SAFE_INTEGER, 0xffff_ffff, -5, 65_535]);
    reader.finish();
    expect(() => read([0, 0, 0, 0, 0, 0, 0x20, 0]).u64()).toThrow(ProtocolViolation);
  });

  test('is not read past its end, though the buffer goes on', () => {
    const reader = new FrameReader(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), 2, 4, false);
    expect(reader.u16()).toBe(0x0403);
    expect(() => reader.u8()).toThrow(ProtocolViolation);
  });

  test('with a length that passes its end is refused', () => {
    expect(() => read([5, 0, 0, 0, 65]).str()).toThrow(ProtocolViolation);
    expect(() => read([0xff, 0xff, 0xff, 0xff]).blob()).toThrow(ProtocolViolation);
    expect(() => read([0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0]).list(0xffff_ffff)).toThrow(ProtocolViolation);
  });

  test('with bytes left over is refused', () => {
    expect(() => read([1]).finish()).toThrow(ProtocolViolation);
  });
});
