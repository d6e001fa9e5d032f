import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isWithin } from '../../lib/is-within.ts';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';

const FORBIDDEN = new Set([
  '/',
  '/etc',
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/var',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/boot',
  '/root',
  '/home',
  '/tmp',
]);

/** Programs and settings of the machine: nothing beneath them is a project. */
const SYSTEM_TREES = [
  '/etc',
  '/proc',
  '/sys',
  '/dev',
  '/boot',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/libexec',
  '/usr/share',
];

/** With every link on the way followed, as far as the way exists: it may be made only later. */
const realPrefix = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPrefix(above), basename(path));
  }
};

const whyNot = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'ENOENT' ? 'there is no such folder' : code === 'EACCES' ? 'this server may not enter it' : message;

const realFolder = (folder: string): string => {
  try {
    const real = realpathSync(folder);
    if (!statSync(real).isDirectory()) throw new Error('it is not a folder');
    return real;
  } catch (error) {
    throw new CorralError('invalid_input', `The workspace ${folder} cannot be used: ${whyNot(error as NodeJS.ErrnoException)}.`, {
      hint: 'Name an existing folder.',
      cause: error,
    });
  }
};

/** As `resolveWorkspace`, for this configuration. On the host nothing is mounted, and a command may go anywhere: any folder will do there. */
export const usableWorkspace = (folder: string, { driver, stateDir }: Pick<Config, 'driver' | 'stateDir'>): string =>
  driver === 'host' ? realFolder(folder) : resolveWorkspace(folder, stateDir);

/**
 * The real path of a folder that may be mounted writable into a sandbox. Resolved once, at start.
 * Throws `invalid_input` for a folder that is missing, is a system folder or a whole home, or touches the state folder.
 */
export const resolveWorkspace = (folder: string, stateDir: string): string => {
  const real = realFolder(folder);
  let home = homedir();
  try {
    home = realpathSync(home);
  } catch {
    // A home that does not exist cannot be mounted by accident.
  }
  if (FORBIDDEN.has(real) || SYSTEM_TREES.some((tree) => isWithin(real, tree)) || isWithin(home, real))
    throw new CorralError('invalid_input', `The workspace ${real} is a system folder or a whole home.`, {
      hint: 'Name a project folder inside it: everything in a workspace can be changed by what runs in the sandbox.',
    });
  const state = realPrefix(stateDir);
  if (isWithin(real, state) || isWithin(state, real))
    throw new CorralError('invalid_input', `The workspace ${real} and the state folder ${stateDir} lie within each other.`, {
      hint: 'Choose another workspace, or another state folder with --state-dir.',
    });
  return real;
};
