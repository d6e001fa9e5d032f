import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CorralError } from '../../ports/errors.ts';

export interface NamedKey {
  readonly path: string;
  /** For messages; default: audit key. */
  readonly what?: string;
}

const OTHERS = 0o077;
const KEY_BYTES = 32;
const MAX_FILE = 4096;

const unusable = ({ path, what = 'audit key' }: NamedKey, why: string, hint: string, cause?: unknown): CorralError =>
  new CorralError('unavailable', `The ${what} ${path} ${why}.`, { hint, cause });

/** Throws `unavailable`; undefined when there is no such file. */
const readKey = async (named: NamedKey): Promise<KeyObject | undefined> => {
  const { path } = named;
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unusable(named, 'is a link', 'Name the file itself.', error);
    throw unusable(named, `cannot be read: ${message}`, 'Let the user that runs Corral read it.', error);
  }
  try {
    const { mode, uid, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw unusable(named, 'is not a regular file', 'Name a file that holds the key.');
    if ((mode & OTHERS) !== 0) throw unusable(named, 'can be read or changed by others', `Run: chmod 600 ${path}`);
    const own = process.getuid?.();
    if (own !== undefined && uid !== own && uid !== 0) throw unusable(named, 'belongs to another user', `Run: chown ${own} ${path}`);
    if (size > MAX_FILE) throw unusable(named, `has ${size} bytes`, 'A key is a line of 32 to 4096 signs: openssl rand -hex 32');
    const text = (await file.readFile('utf8')).trim();
    if (text.length < KEY_BYTES)
      throw unusable(named, `holds ${text.length} signs`, 'A key is a line of 32 to 4096 signs: openssl rand -hex 32');
    return createSecretKey(Buffer.from(text));
  } finally {
    await file.close();
  }
};

/** Complete under another name first: whoever finds the file finds a whole key. Of several servers that begin at once, one makes it. */
const makeKey = async (path: string): Promise<void> => {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
    await file.sync();
    await link(draft, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
};

export interface KeyOptions extends NamedKey {
  /** Make one when there is none. A key that the operator named is never made for them. */
  readonly make: boolean;
}

/** The key of the audit log, or another that is kept in the same way. Throws `unavailable` when there is none to be had. */
export const loadKey = async ({ make, ...named }: KeyOptions): Promise<KeyObject> => {
  const { path } = named;
  const found = await readKey(named);
  if (found !== undefined) return found;
  if (!make) throw unusable(named, 'does not exist', `Make it: (umask 077; openssl rand -hex 32 > ${path})`);
  try {
    await makeKey(path);
  } catch (error) {
    throw unusable(named, `cannot be made: ${(error as Error).message}`, 'Let the user that runs Corral write to its state folder.', error);
  }
  const made = await readKey(named);
  if (made === undefined) throw unusable(named, 'vanished while it was made', 'See who removes files in the state folder.');
  return made;
};
