import { randomBytes } from 'node:crypto';

/** RFC 4648 base32 in lower case: 32 signs, so one sign is exactly five random bits. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Asking the system for a handful of bytes costs as much as for a page of them: they are fetched ahead, and each is used once. */
const createSource = (): ((count: number) => Uint8Array) => {
  let ahead = new Uint8Array(0);
  return (count) => {
    if (ahead.length < count) ahead = randomBytes(4096);
    const taken = ahead.subarray(0, count);
    ahead = ahead.subarray(count);
    return taken;
  };
};
const take = createSource();

const randomSigns = (count: number): string => {
  let text = '';
  for (const byte of take(count)) text += ALPHABET[byte & 31];
  return text;
};

/** Opaque name of a sandbox: 's' and 45 random bits. */
export const newSandboxId = (): string => `s${randomSigns(9)}`;

/** Opaque name of an execution: 'x' and 55 random bits. */
export const newExecutionId = (): string => `x${randomSigns(11)}`;

/** Opaque name of a server process: 'v' and 45 random bits. */
export const newServerId = (): string => `v${randomSigns(9)}`;

/** Opaque name of one call, for the audit log: 'c' and 55 random bits. */
export const newCallId = (): string => `c${randomSigns(11)}`;

/** Opaque name of a question that waits for a person: 'a' and 55 random bits. */
export const newApprovalId = (): string => `a${randomSigns(11)}`;
