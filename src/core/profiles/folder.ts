import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { CorralError } from '../../ports/errors.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';

export type FolderState = 'usable' | 'missing' | 'not a directory' | 'not accessible';

/** The same of the machine itself. */
export const lookAtHostFolder = async (path: string): Promise<FolderState> => {
  try {
    if (!(await stat(path)).isDirectory()) return 'not a directory';
    await access(path, constants.X_OK);
    return 'usable';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENAMETOOLONG' || code === 'ELOOP') return 'missing';
    return code === 'ENOTDIR' ? 'not a directory' : 'not accessible';
  }
};

const inSandbox = async ({ sandbox }: LiveSandbox, path: string): Promise<FolderState> => {
  try {
    return (await sandbox.files.stat(path, true)).kind === 'directory' ? 'usable' : 'not a directory';
  } catch (error) {
    return error instanceof CorralError && error.code === 'not_found' ? 'missing' : 'not accessible';
  }
};

/** Could a command start in this folder of the sandbox? */
export const lookAtFolder = (live: LiveSandbox, path: string): Promise<FolderState> =>
  live.record.driver === 'host' ? lookAtHostFolder(path) : inSandbox(live, path);
