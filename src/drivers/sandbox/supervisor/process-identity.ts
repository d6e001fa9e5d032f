import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that can be told from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

export interface ProcessStatus {
  readonly state: string;
  readonly parent: number;
  readonly startTicks: number;
}

const TICKS_FIELD = 19;
const FIRST_POLL_MS = 1;
const LAST_POLL_MS = 50;

/** What /proc/PID/stat says; undefined when there is no such process. */
export const readProcess = async (pid: number): Promise<ProcessStatus | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  // The name in parentheses may hold anything, also parentheses and spaces: fields are counted from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTicks: Number(fields[TICKS_FIELD]) };
};

export const identify = async (pid: number): Promise<ProcessIdentity | undefined> => {
  const status = await readProcess(pid);
  return status === undefined || isDead(status) ? undefined : { pid, startTicks: status.startTicks };
};

/** A zombie holds nothing any more; the first process of a pid namespace becomes one only after all others are gone. */
const isDead = ({ state }: ProcessStatus): boolean => state === 'Z' || state === 'X';

export const isAlive = async ({ pid, startTicks }: ProcessIdentity): Promise<boolean> => {
  const status = await readProcess(pid);
  return status !== undefined && status.startTicks === startTicks && !isDead(status);
};

/** Waits for the end of a process; false when it still lives after `timeoutMs`. */
export const waitUntilGone = async (process: ProcessIdentity, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  for (let pause = FIRST_POLL_MS; await isAlive(process); pause = Math.min(LAST_POLL_MS, pause * 2)) {
    if (performance.now() >= deadline) return false;
    await sleep(pause);
  }
  return true;
};

/** Inode of the pid namespace a process lives in; undefined when it is gone or may not be looked at. */
export const pidNamespace = async (pid: number): Promise<number | undefined> => {
  const link = await readlink(`/proc/${pid}/ns/pid`).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'EACCES' || error.code === 'EPERM') return undefined;
    throw error;
  });
  const inode = /^pid:\[(\d+)\]$/.exec(link ?? '')?.[1];
  return inode === undefined ? undefined : Number(inode);
};
