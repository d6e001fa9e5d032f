import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import { mistake } from './texts.ts';

type State = 'usable' | 'missing' | 'not a directory' | 'not accessible';

const onHost = async (path: string): Promise<State> => {
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

const inSandbox = async ({ sandbox }: LiveSandbox, path: string): Promise<State> => {
  try {
    return (await sandbox.files.stat(path, true)).kind === 'directory' ? 'usable' : 'not a directory';
  } catch (error) {
    return error instanceof CorralError && error.code === 'not_found' ? 'missing' : 'not accessible';
  }
};

const look = (live: LiveSandbox, path: string): Promise<State> => (live.record.driver === 'host' ? onHost(path) : inSandbox(live, path));

/** The folder of a call, as it was given; `missing` says it in the words of the tool. */
export const readDirectory = async (live: LiveSandbox, value: unknown, missing: (path: string) => string): Promise<string> => {
  if (value === undefined || value === null || value === '') throw mistake('Directory is required');
  if (typeof value !== 'string') throw mistake("'directory' must be a string");
  if (value.includes('\0')) throw mistake("'directory' must not contain NUL");
  if (!isAbsolute(value)) throw mistake(`Directory must be an absolute path: ${value}`);
  switch (await look(live, value)) {
    case 'usable':
      return value;
    case 'missing':
      throw mistake(missing(value));
    case 'not a directory':
      throw mistake(`Not a directory: ${value}`);
    case 'not accessible':
      throw mistake(`Directory is not accessible: ${value}`);
  }
};
