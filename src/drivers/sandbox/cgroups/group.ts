import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CorralError } from '../../../ports/errors.ts';
import type { SandboxLimits } from '../../../ports/sandbox.ts';
import { identify } from '../supervisor/process-identity.ts';
import type { ProcessIdentity } from '../supervisor/process-identity.ts';
import type { GroupFiles } from './files.ts';
import type { Hierarchy } from './hierarchy.ts';

/** The control group of one sandbox: one folder on version 2, one for each controller on version 1. */
export interface Group {
  readonly version: 1 | 2;
  readonly folders: readonly string[];
  /** `cgroup.procs` files: who writes 0 into each is in it, with all that it starts. */
  readonly joins: readonly string[];
  /** What the supervisor reads of it, in the order of its protocol; empty = there is no such file. */
  readonly figures: readonly [oomKills: string, memory: string, processMaxima: string, processes: string, cpu: string];
}

/** What keeps the supervisor able to work where the programs of its sandbox have used up what they may have. */
export const PROCESS_RESERVE = 16;

/** Of a CPU quota. The longer, the less often programs are stopped; the shorter, the more evenly. */
const PERIOD_US = 100_000;
const END_MS = 5000;
const PAUSE_MS = 2;

/** v1 or v2, parent folders of a sandbox's group -> its folders. Controllers mounted together share one. */
const foldersOf = (hierarchy: Hierarchy, below: readonly string[]): Readonly<Record<'memory' | 'pids' | 'cpu' | 'cpuacct', string>> => {
  const at = (folder: string | undefined): string => (folder === undefined ? '' : join(folder, ...below));
  if (hierarchy.version === 2) {
    const only = at(hierarchy.unified);
    return { memory: only, pids: only, cpu: hierarchy.cpu ? only : '', cpuacct: only };
  }
  return { memory: at(hierarchy.memory), pids: at(hierarchy.pids), cpu: at(hierarchy.cpu), cpuacct: at(hierarchy.cpuacct) };
};

export const groupAt = (hierarchy: Hierarchy, ...below: readonly string[]): Group => {
  const { memory, pids, cpu, cpuacct } = foldersOf(hierarchy, below);
  const folders = [...new Set([memory, pids, cpu, cpuacct].filter((folder) => folder !== ''))];
  const two = hierarchy.version === 2;
  const file = (folder: string, name: string): string => (folder === '' ? '' : join(folder, name));
  return {
    version: hierarchy.version,
    folders,
    joins: folders.map((folder) => join(folder, 'cgroup.procs')),
    figures: [
      file(memory, two ? 'memory.events' : 'memory.oom_control'),
      file(memory, two ? 'memory.current' : 'memory.usage_in_bytes'),
      file(pids, 'pids.events'),
      file(pids, 'pids.current'),
      file(cpuacct, two ? 'cpu.stat' : 'cpuacct.usage'),
    ],
  };
};

/** Writes the limits and reads them back: a file system that takes anything and keeps nothing is not trusted. */
export const setLimits = async (
  files: GroupFiles,
  hierarchy: Hierarchy,
  below: readonly string[],
  limits: SandboxLimits,
): Promise<void> => {
  const { memory, pids, cpu } = foldersOf(hierarchy, below);
  const two = hierarchy.version === 2;
  const set = async (folder: string, name: string, value: string, kept: (text: string) => boolean = (text) => text === value) => {
    const path = join(folder, name);
    await files.write(path, value);
    const found = ((await files.read(path)) ?? '').trim();
    if (!kept(found)) throw new CorralError('unavailable', `The limit ${path} reads "${found}" after "${value}" was written.`);
  };
  if (limits.memoryBytes !== undefined) {
    const bytes = limits.memoryBytes;
    // The kernel counts pages.
    const kept = (text: string): boolean => Number(text) <= bytes && Number(text) > bytes - 65_536;
    await set(memory, two ? 'memory.max' : 'memory.limit_in_bytes', String(bytes), kept);
    // What may be swapped out is not limited in memory alone. A kernel without swap accounting has no such file.
    const swap = join(memory, two ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes');
    if ((await files.read(swap)) !== undefined) await (two ? set(memory, 'memory.swap.max', '0') : files.write(swap, String(bytes)));
  }
  if (limits.processes !== undefined) await set(pids, 'pids.max', String(limits.processes + PROCESS_RESERVE));
  if (limits.cpus !== undefined) {
    if (cpu === '') throw new CorralError('unsupported', 'There is no cpu controller here: a limit of CPUs cannot be kept.');
    const quota = Math.max(1000, Math.round(limits.cpus * PERIOD_US));
    if (two) await set(cpu, 'cpu.max', `${quota} ${PERIOD_US}`);
    else {
      await set(cpu, 'cpu.cfs_period_us', String(PERIOD_US));
      await set(cpu, 'cpu.cfs_quota_us', String(quota));
    }
  }
};

const membersOf = async (files: GroupFiles, folder: string): Promise<readonly number[]> =>
  ((await files.read(join(folder, 'cgroup.procs'))) ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1);

/** Version 2 ends a whole group by itself; false where the kernel has no such file. */
const killAtOnce = async (files: GroupFiles, folder: string): Promise<boolean> => {
  try {
    await files.write(join(folder, 'cgroup.kill'), '1');
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
};

/** SIGKILL to all that lives in a group. A pid is used only while the group still names it after its start time was taken. */
const killMembers = async (files: GroupFiles, folder: string, kill: (process: ProcessIdentity) => Promise<void>): Promise<void> => {
  const named = await Promise.all((await membersOf(files, folder)).map(identify));
  const still = new Set(await membersOf(files, folder));
  for (const one of named) if (one !== undefined && still.has(one.pid)) await kill(one);
};

/** Ends whatever lives in the folders and removes them; resolves when they are gone. Throws when something is left. */
export const endGroup = async (
  files: GroupFiles,
  folders: readonly string[],
  kill: (process: ProcessIdentity) => Promise<void>,
): Promise<void> => {
  const deadline = performance.now() + END_MS;
  for (const folder of folders)
    while (!(await files.removeFolder(folder))) {
      if (!(await killAtOnce(files, folder))) await killMembers(files, folder, kill);
      if (await files.removeFolder(folder)) break;
      if (performance.now() > deadline)
        throw new CorralError('internal', `The control group ${folder} cannot be removed: something in it does not end.`, {
          hint: 'Look at the processes in its cgroup.procs with ps: they hang in the kernel.',
        });
      await sleep(PAUSE_MS);
    }
};
