import type { LogRun } from '../../ports/logs.ts';

export const ORDER_RECORD_BYTES = 8;
const STDERR = 0x8000_0000;
const BYTES = 0x7fff_ffff;

/** Records of the supervisor's `.ord` file: u32 milliseconds since the start, u32 run (bit 31: stderr). A torn last record is left out. */
export const decodeOrder = (bytes: Uint8Array): readonly LogRun[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / ORDER_RECORD_BYTES) }, (_, index) => {
    const at = index * ORDER_RECORD_BYTES;
    const run = view.getUint32(at + 4, true);
    return { stream: (run & STDERR) === 0 ? 'stdout' : 'stderr', bytes: run & BYTES, atMs: view.getUint32(at, true) };
  });
};

/** The inverse of `decodeOrder`. */
export const encodeOrder = (runs: readonly LogRun[]): Uint8Array => {
  const bytes = new Uint8Array(runs.length * ORDER_RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  runs.forEach(({ stream, bytes: length, atMs }, index) => {
    view.setUint32(index * ORDER_RECORD_BYTES, atMs, true);
    view.setUint32(index * ORDER_RECORD_BYTES + 4, (stream === 'stderr' ? STDERR : 0) + length, true);
  });
  return bytes;
};
