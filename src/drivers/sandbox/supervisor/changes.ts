import { type FileChanges, MAX_LISTED_CHANGES } from '../../../ports/sandbox.ts';
import { FrameReader, ProtocolViolation } from './frames.ts';
import { MAX_CHANGES_BYTES } from './protocol.ts';

/** The `changes` of EXIT; empty when nobody looked. */
export const decodeChanges = (bytes: Uint8Array): FileChanges | undefined => {
  if (bytes.length > MAX_CHANGES_BYTES) throw new ProtocolViolation('a list of changed files that is longer than allowed');
  if (bytes.length === 0) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const from = new FrameReader(buffer, 0, buffer.length, false);
  const complete = from.u8() === 1;
  const more = from.u32();
  const created = from.list(MAX_LISTED_CHANGES);
  const changed = from.list(MAX_LISTED_CHANGES);
  const removed = from.list(MAX_LISTED_CHANGES);
  const why = from.str();
  from.finish();
  return { created, changed, removed, more, complete, ...(why !== '' && { why }) };
};
