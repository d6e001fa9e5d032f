import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

const isProgram = async (path: string): Promise<boolean> => {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run: the next folder may have it
  }
};

/** Where an allowed name leads: through the PATH of the sandbox, never one that a caller sets. Undefined when nothing can be run by this name. */
export const findProgram = async (name: string, path: string, cwd: string): Promise<string | undefined> => {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : path.split(':').flatMap((folder) => (folder.startsWith('/') ? [`${folder}/${name}`] : []));
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  return undefined;
};
