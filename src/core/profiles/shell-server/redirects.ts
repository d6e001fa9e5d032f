import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';
import type { FileRedirect, Stage } from './command-line.ts';
import { mistake } from './texts.ts';

const OUTSIDE = 'Redirection target must be relative to the working directory';

/** The absolute path of a target. Throws when it does not even look as if it lay beneath the directory. */
export const targetPath = ({ path }: FileRedirect, cwd: string): string => {
  const target = resolve(cwd, path);
  if (path.includes('\0') || isAbsolute(path) || path.startsWith('~') || target === cwd || !isWithin(target, resolve(cwd)))
    throw mistake(OUTSIDE);
  return target;
};

const why = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT'
    ? 'No such file or directory'
    : code === 'EACCES'
      ? 'Permission denied'
      : code === 'ENOTDIR'
        ? 'Not a directory'
        : String(code);
};

const checkInput = async (target: string, root: string): Promise<void> => {
  let real: string;
  try {
    real = await realpath(target);
    if ((await stat(real)).isDirectory()) throw mistake('Failed to open input file');
    await access(real, constants.R_OK);
  } catch {
    throw mistake('Failed to open input file');
  }
  if (!isWithin(real, root)) throw mistake(OUTSIDE);
};

const checkOutput = async (target: string, root: string): Promise<void> => {
  const real = await realpath(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw mistake(`Failed to open output file: ${why(error)}`);
  });
  try {
    const parent = await realpath(dirname(target));
    if (!isWithin(real ?? parent, root)) throw mistake(OUTSIDE);
    if (real === undefined) await access(parent, constants.W_OK);
    else {
      if ((await stat(real)).isDirectory()) throw mistake('Failed to open output file: Is a directory');
      await access(real, constants.W_OK);
    }
  } catch (error) {
    if (error instanceof Error && 'hint' in error) throw error;
    throw mistake(`Failed to open output file: ${why(error)}`);
  }
};

/**
 * Says beforehand, in the words of the original, why a file cannot be redirected to. What holds is what the runner finds when it opens the
 * file beneath the directory, whatever happened in between.
 */
export const checkRedirects = async (stages: readonly Stage[], cwd: string): Promise<void> => {
  const root = await realpath(cwd);
  for (const redirect of stages.flatMap(({ redirects }) => redirects)) {
    const target = targetPath(redirect, cwd);
    await (redirect.kind === 'read' ? checkInput(target, root) : checkOutput(target, root));
  }
};
