import type { FileChanges } from '../../../ports/sandbox.ts';
import { ProtocolViolation } from './frames.ts';
import { MAX_CHANGES_BYTES } from './protocol.ts';

/** The `changes` of EXIT; empty when nobody looked. */
export const decodeChanges = (bytes: Uint8Array): FileChanges | undefined => {
  if (bytes.length > MAX_CHANGES_BYTES) throw new ProtocolViolation('a list of changed files that is longer than allowed');
  return undefined;
};
