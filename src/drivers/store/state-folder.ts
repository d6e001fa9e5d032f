import { chmod, mkdir, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CorralError } from '../../ports/errors.ts';
import type { OnNotice } from './notice.ts';

const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ENTER = 0o077;

const createFile = async (path: string): Promise<void> => {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

const refuse = (folder: string, what: string, hint: string, cause?: unknown): CorralError =>
  new CorralError('unavailable', `The state folder ${folder} ${what}.`, { hint, cause });

const HINT_PERMISSION = 'Give this user write permission on it, or name another folder in CORRAL_STATE_DIR.';

const createFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse(folder, `cannot be made (${(error as Error).message})`, HINT_PERMISSION, error);
  }
};

/** Nobody else may enter it: one that is empty or holds these records is tightened; a folder of other things is left as it is. */
const closeToOthers = async (folder: string, file: string, onNotice: OnNotice): Promise<void> => {
  const found = await stat(folder);
  if (!found.isDirectory()) throw refuse(folder, 'is not a folder', 'Name another in CORRAL_STATE_DIR.');
  if ((found.mode & OTHERS_MAY_ENTER) === 0) return;
  const names = await readdir(folder);
  if (found.uid === process.getuid?.() && (names.length === 0 || names.includes(file))) {
    await chmod(folder, 0o700);
    return;
  }
  if ((found.mode & OTHERS_MAY_WRITE) !== 0)
    throw refuse(folder, 'can be written by others', `Run: chmod 700 ${folder} (or name a folder of its own in CORRAL_STATE_DIR).`);
  onNotice({
    kind: 'folder_open',
    message: `The state folder ${folder} can be listed by other users; the records in it cannot be read by them.`,
    hint: `Run: chmod 700 ${folder}`,
  });
};

/**
 * Makes sure that folder (0700) and file (0600) exist and that nobody else can touch them. Gives the file's inode number. A file that is
 * there is never opened here: closing it would drop the locks of another connection of this process.
 */
export const prepareFile = async (path: string, onNotice: OnNotice): Promise<bigint> => {
  const folder = dirname(path);
  await createFolder(folder);
  await closeToOthers(folder, basename(path), onNotice);
  try {
    await createFile(path);
    const { mode, ino } = await stat(path, { bigint: true });
    if ((Number(mode) & OTHERS_MAY_ENTER) !== 0) await chmod(path, 0o600);
    return ino;
  } catch (error) {
    throw refuse(folder, `cannot be written (${(error as Error).message})`, HINT_PERMISSION, error);
  }
};
