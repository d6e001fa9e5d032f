import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** sockaddr_un holds 108 bytes, the last of them NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

export interface ShortPath extends AsyncDisposable {
  readonly path: string;
}

/**
 * A path to `name` in `folder` that fits a socket address, whatever the length of `folder`: long ones are reached through a descriptor of
 * this process, which other processes of this user can use too. Valid until disposed.
 */
export const openShortPath = async (folder: string, name: string): Promise<ShortPath> => {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { path, [Symbol.asyncDispose]: async () => {} };
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { path: `/proc/${process.pid}/fd/${handle.fd}/${name}`, [Symbol.asyncDispose]: () => handle.close() };
};
