import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rmdir } from 'node:fs/promises';

/** What is done to control groups, which are folders and files to whoever uses them. */
export interface GroupFiles {
  /** Undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** To a file that exists. */
  write(path: string, text: string): Promise<void>;
  /** False when it was there already. */
  makeFolder(path: string): Promise<boolean>;
  /** False when something still lives in it. */
  removeFolder(path: string): Promise<boolean>;
  /** Names of the groups directly below. */
  list(path: string): Promise<readonly string[]>;
  mayWrite(path: string): Promise<boolean>;
}

/** A group that another process removes meanwhile answers ENODEV. */
const GONE = new Set(['ENOENT', 'ENODEV', 'ENOTDIR']);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

export const createGroupFiles = (): GroupFiles => ({
  read: async (path) => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (GONE.has(codeOf(error))) return undefined;
      throw error;
    }
  },
  write: async (path, text) => {
    await using file = await open(path, constants.O_WRONLY);
    await file.write(text);
  },
  makeFolder: async (path) => {
    try {
      await mkdir(path, { mode: 0o755 });
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  },
  removeFolder: async (path) => {
    try {
      await rmdir(path);
      return true;
    } catch (error) {
      if (GONE.has(codeOf(error))) return true;
      if (codeOf(error) === 'EBUSY') return false;
      throw error;
    }
  },
  list: async (path) => {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      if (GONE.has(codeOf(error))) return [];
      throw error;
    }
  },
  mayWrite: async (path) => {
    try {
      await access(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
});
