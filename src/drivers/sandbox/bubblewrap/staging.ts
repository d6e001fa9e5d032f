import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { SandboxSpec } from '../../../ports/sandbox.ts';
import type { StagedSource } from '../supervisor/launch-options.ts';
import { STAGE_FLAG } from '../supervisor/protocol.ts';

export interface Staging {
  /** Empty when nothing is staged. */
  readonly folder: string;
  readonly staged: readonly StagedSource[];
  /** Where the launched program finds an outside path. */
  readonly readableSources: (source: string) => string;
}

/** Standard folders that others may pass and that hold nothing a sandbox is made of. One is hidden in the launched program's mount namespace. */
const CANDIDATES = ['/mnt', '/media', '/srv', '/opt'];

const OTHERS_READ = 0o4;
const OTHERS_PASS = 0o1;

const isPassable = async (folder: string): Promise<boolean> => {
  const found = await stat(folder);
  if (!found.isDirectory() || (found.mode & OTHERS_PASS) === 0) return false;
  return folder === '/' || isPassable(dirname(folder));
};

/** May any uid read `path`, by the permission bits of it and of the way to it? */
const isReachable = async (path: string): Promise<boolean> => {
  const real = await realpath(path);
  const found = await stat(real);
  const needed = found.isDirectory() ? OTHERS_READ | OTHERS_PASS : OTHERS_READ;
  return (found.mode & needed) === needed && (await isPassable(dirname(real)));
};

const chooseFolder = async (sources: readonly string[]): Promise<string> => {
  for (const folder of CANDIDATES) {
    if (sources.some((source) => isWithin(source, folder))) continue;
    if (await isPassable(folder).catch(() => false)) return folder;
  }
  throw new CorralError('unavailable', `None of ${CANDIDATES.join(', ')} can serve as the staging folder of a private uid.`, {
    hint: 'Make /mnt an ordinary folder of mode 0755 (mkdir -m 755 /mnt), or keep workspaces out of it.',
  });
};

/** When the program runs as the server itself: it reaches what the server reaches. */
export const NO_STAGING: Staging = { folder: '', staged: [], readableSources: (source) => source };

/**
 * What must be put within reach of a private uid: the workspaces, whose owner it is to appear as, and whatever else lies behind folders
 * that it may not pass. The rest is used where it is.
 */
export const planStaging = async (spec: SandboxSpec, supervisorPath: string): Promise<Staging> => {
  const staged = new Map<string, StagedSource>();
  const add = (source: string, flags: number): void => {
    if (!staged.has(source)) staged.set(source, { source, name: `s${staged.size}`, flags });
  };
  for (const { source, mode } of spec.workspaces) add(source, STAGE_FLAG.mapOwner | (mode === 'ro' ? STAGE_FLAG.readOnly : 0));
  const readOnly = [...spec.mounts.map(({ source }) => source), supervisorPath];
  for (const source of readOnly) {
    const reachable = await isReachable(source).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return true; // an optional mount that is not there; bubblewrap leaves it out
      throw error;
    });
    if (!reachable) add(source, STAGE_FLAG.mapOwner | STAGE_FLAG.readOnly);
  }
  const folder = await chooseFolder([...staged.keys(), ...readOnly]);
  return {
    folder,
    staged: [...staged.values()],
    readableSources: (source) => {
      const found = staged.get(source);
      return found === undefined ? source : join(folder, found.name);
    },
  };
};
