import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SECRET_BYTES } from './protocol.ts';

/** What client and supervisor prove to each other. They live in the sandbox's folder, mode 0600, and nowhere else. */
export interface Secrets {
  readonly client: Uint8Array;
  readonly supervisor: Uint8Array;
}

const FILE = 'secret';

const split = (bytes: Buffer): Secrets => ({ client: bytes.subarray(0, SECRET_BYTES), supervisor: bytes.subarray(SECRET_BYTES) });

/** Makes and stores new secrets. Fails with EEXIST when the folder has some: it belongs to another life of the sandbox. */
export const createSecrets = async (folder: string): Promise<Secrets> => {
  const bytes = randomBytes(2 * SECRET_BYTES);
  await using file = await open(join(folder, FILE), 'wx', 0o600);
  await file.writeFile(bytes);
  return split(bytes);
};

/** The stored secrets, or undefined when there are none or they are not whole. */
export const readSecrets = async (folder: string): Promise<Secrets | undefined> => {
  const bytes = await readSmallFile(join(folder, FILE), 2 * SECRET_BYTES + 1);
  return bytes?.length === 2 * SECRET_BYTES ? split(bytes) : undefined;
};

/** At most `max` bytes of a regular file that is no link; undefined when there is no such file. */
export const readSmallFile = async (path: string, max: number): Promise<Buffer | undefined> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  await using owned = file;
  if (!(await owned.stat()).isFile()) return undefined;
  const { buffer, bytesRead } = await owned.read(Buffer.alloc(max), 0, max, 0);
  return buffer.subarray(0, bytesRead);
};
