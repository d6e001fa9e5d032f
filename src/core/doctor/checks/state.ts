import { constants } from 'node:fs';
import { access, mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toCorralError } from '../../../ports/errors.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';

const GIB = 1024 ** 3;
const LITTLE_BYTES = GIB;
const LITTLE_INODES = 10_000;

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** The folder itself, or the nearest one above it that exists: the same disk. */
const nearest = async (folder: string): Promise<string> => {
  try {
    await access(folder);
    return folder;
  } catch (error) {
    if (folder === dirname(folder)) throw error;
    return nearest(dirname(folder));
  }
};

export const STATE_CHECKS: readonly Check[] = [
  {
    id: 'state',
    title: 'State folder',
    run: async ({ config: { stateDir }, uid }) => {
      try {
        await mkdir(stateDir, { recursive: true, mode: 0o700 });
        await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
        const found = await stat(stateDir);
        const mode = found.mode & 0o777;
        if (found.uid !== uid)
          return fail(`${stateDir} belongs to uid ${found.uid}, the server is ${uid}`, `sudo chown -R ${uid} ${stateDir}`);
        if ((mode & 0o077) !== 0)
          return fail(`${stateDir} has mode 0${mode.toString(8)}: others can look into it`, `chmod 700 ${stateDir}`);
        return ok(`${stateDir}, mode 0${mode.toString(8)}`);
      } catch (error) {
        return fail(`${stateDir} cannot be used: ${(error as Error).message}`, 'Name another with --state-dir or CORRAL_STATE_DIR.');
      }
    },
  },
  {
    id: 'store',
    title: 'Records',
    run: async ({ describeStore }, signal) => {
      try {
        return ok(await describeStore(signal));
      } catch (error) {
        const { message, hint } = toCorralError(error);
        return fail(message, hint);
      }
    },
  },
  {
    id: 'disk',
    title: 'Disk space',
    run: async ({ config: { stateDir, logQuotaBytes } }) => {
      const disk = await statfs(await nearest(stateDir));
      const free = disk.bavail * disk.bsize;
      const found = `${gib(free)} and ${disk.ffree} files free under ${stateDir}`;
      if (free < LITTLE_BYTES || (disk.files > 0 && disk.ffree < LITTLE_INODES))
        return warn(`${found}: little`, 'Free some, or name another folder with --state-dir.');
      if (free < logQuotaBytes)
        return warn(`${found}, less than the ${gib(logQuotaBytes)} that kept output may take`, 'Lower --log-quota-bytes.');
      return ok(found);
    },
  },
];
