import { open, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CorralError } from '../../ports/errors.ts';

/** Moving three files takes milliseconds; a lock this old was left by a server that died. */
const LOCK_STALE_MS = 10_000;
const LOCK_PAUSE_MS = 25;

const isErrno = (error: unknown, code: string): boolean => error instanceof Error && (error as NodeJS.ErrnoException).code === code;

/** Gives `otherwise` when there is no such file. */
const unlessMissing = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return otherwise;
    throw error;
  }
};

/** Tells one file from another of the same name; undefined when there is none. */
export const inodeOf = (path: string): Promise<bigint | undefined> =>
  unlessMissing(
    stat(path, { bigint: true }).then(({ ino }) => ino),
    undefined,
  );

const ageOf = (path: string): Promise<number> =>
  unlessMissing(
    stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs),
    0,
  );

const moveIfThere = (from: string, to: string): Promise<void> => unlessMissing(rename(from, to), undefined);

const removeIfThere = (path: string): Promise<void> => unlessMissing(unlink(path), undefined);

const takeLock = async (path: string): Promise<void> => {
  for (const deadline = Date.now() + 2 * LOCK_STALE_MS; ; await sleep(LOCK_PAUSE_MS)) {
    try {
      await (await open(path, 'wx', 0o600)).close();
      return;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      if (Date.now() > deadline)
        throw new CorralError('unavailable', `The lock ${path} is held too long.`, { hint: 'Remove that file.', cause: error });
    }
    if ((await ageOf(path)) > LOCK_STALE_MS) await removeIfThere(path);
  }
};

/**
 * Moves a damaged database and its WAL to `<path>.corrupt-<time>`, unless another server already did (the inode is no longer `inode`).
 * Gives the new name of what was moved. The WAL goes first: a fresh database must never find it and take its pages for its own.
 */
export const moveAside = async (path: string, inode: bigint, now: () => number): Promise<string | undefined> => {
  const lock = `${path}.moving`;
  await takeLock(lock);
  try {
    if ((await inodeOf(path)) !== inode) return undefined;
    const target = await freeName(`${path}.corrupt-${new Date(now()).toISOString().replaceAll(':', '')}`);
    await moveIfThere(`${path}-wal`, `${target}-wal`);
    await moveIfThere(`${path}-shm`, `${target}-shm`);
    await moveIfThere(path, target);
    return target;
  } finally {
    await removeIfThere(lock);
  }
};

/** Never over an older one. */
const freeName = async (wanted: string): Promise<string> => {
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? wanted : `${wanted}.${number}`;
    if ((await inodeOf(name)) === undefined) return name;
  }
};
