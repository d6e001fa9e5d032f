import { readFileSync } from 'node:fs';

/** Ticks a second of utime and stime in /proc: fixed at 100 on Linux. */
const TICKS_PER_SECOND = 100;

/** User and system CPU of one process alone (no children), in seconds. */
export const cpuSeconds = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold anything; the fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

const statusBytes = (pid, key) =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;

export const rssBytes = (pid) => statusBytes(pid, 'VmRSS');

/** Highest resident size so far. */
export const peakRssBytes = (pid) => statusBytes(pid, 'VmHWM');
