import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeptLog, Leftovers } from '../../ports/leftovers.ts';
import { endSupervisor, findSupervisors } from './supervisors.ts';

const SANDBOX_ID = /^[a-z0-9]{1,32}$/;
const LOG_NAME = /^([A-Za-z0-9_-]{1,64})\.(?:out|err|ord)$/;
const PROBE_NAME = /^corral-driver-probe-/;
/** A probe takes seconds. */
const PROBE_AGE_MS = 3_600_000;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const names = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** Of everything beneath, links not followed; what goes meanwhile counts nothing. */
const sizeOf = async (path: string): Promise<number> => {
  try {
    const found = await lstat(path);
    if (!found.isDirectory()) return found.size;
    let sum = 0;
    for (const name of await names(path)) sum += await sizeOf(join(path, name));
    return sum;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
};

/** The leftovers of one state folder. */
export const createLeftovers = ({ stateFolder }: { readonly stateFolder: string }): Leftovers => {
  const top = join(stateFolder, 'sandboxes');
  return {
    folders: async () => (await names(top)).filter((name) => SANDBOX_ID.test(name)),
    logs: async (sandbox) => {
      const folder = join(top, sandbox, 'log');
      const found = new Map<string, number>();
      for (const name of await names(folder)) {
        const execution = LOG_NAME.exec(name)?.[1];
        if (execution !== undefined) found.set(execution, (found.get(execution) ?? 0) + (await sizeOf(join(folder, name))));
      }
      return [...found].map(([execution, bytes]): KeptLog => ({ execution, bytes }));
    },
    size: (sandbox) => sizeOf(join(top, sandbox)),
    removeFolder: async (sandbox) => {
      const bytes = await sizeOf(join(top, sandbox));
      await rm(join(top, sandbox), { recursive: true, force: true });
      return bytes;
    },
    supervisors: () => findSupervisors(top),
    end: (supervisor) => endSupervisor(top, supervisor),
    removeProbes: async (dryRun) => {
      let count = 0;
      for (const name of await names(tmpdir())) {
        const path = join(tmpdir(), name);
        const found = PROBE_NAME.test(name) ? await lstat(path).catch(() => undefined) : undefined;
        if (found === undefined || found.uid !== process.getuid?.() || Date.now() - found.mtimeMs < PROBE_AGE_MS) continue;
        if (!dryRun) await rm(path, { recursive: true, force: true });
        count += 1;
      }
      return count;
    },
  };
};
