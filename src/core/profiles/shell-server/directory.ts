import { isAbsolute } from 'node:path';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import { lookAtFolder } from '../folder.ts';
import { mistake } from './texts.ts';

/** The folder of a call, as it was given; `missing` says it in the words of the tool. */
export const readDirectory = async (live: LiveSandbox, value: unknown, missing: (path: string) => string): Promise<string> => {
  if (value === undefined || value === null || value === '') throw mistake('Directory is required');
  if (typeof value !== 'string') throw mistake("'directory' must be a string");
  if (value.includes('\0')) throw mistake("'directory' must not contain NUL");
  if (!isAbsolute(value)) throw mistake(`Directory must be an absolute path: ${value}`);
  switch (await lookAtFolder(live, value)) {
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
