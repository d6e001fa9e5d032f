import { readFileSync } from 'node:fs';

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); undefined when there is no such process. */
export const startTicks = (pid: number): number | undefined => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses: fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const ticks = Number(fields[19]);
  return state === 'Z' || state === 'X' || !Number.isSafeInteger(ticks) ? undefined : ticks;
};

/** Does this very process still live? A pid alone may have been given to another. */
export const isAlive = (pid: number, ticks: number): boolean => startTicks(pid) === ticks;
