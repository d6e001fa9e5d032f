import { lstatSync, realpathSync, statSync } from 'node:fs';
import type { FileFacts } from './resolve.ts';

const attempt = <T>(ask: () => T): T | undefined => {
  try {
    return ask();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Not there, not a folder, not allowed, a loop, too long: no fact either way. Anything else is not for us to hide.
    if (code !== undefined && /^(?:ENOENT|ENOTDIR|EACCES|ELOOP|ENAMETOOLONG|EINVAL)$/.test(code)) return undefined;
    throw error;
  }
};

/** The files of this machine. Small synchronous look-ups: a decision asks for a handful. */
export const createSystemFacts = (): FileFacts => ({
  // The native one follows links as the kernel does; the other takes `..` off the text first.
  realpath: (path) => attempt(() => realpathSync.native(path)),
  stat: (path) => {
    const stat = attempt(() => statSync(path));
    return stat === undefined
      ? undefined
      : { kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other', uid: stat.uid, mode: stat.mode & 0o7777 };
  },
  isLink: (path) => attempt(() => lstatSync(path))?.isSymbolicLink() ?? false,
});
