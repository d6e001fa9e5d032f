import { readdirSync, readFileSync } from 'node:fs';

/** A living process that carries a mark. */
export interface Marked {
  readonly pid: number;
  readonly name: string;
  /** As in /proc/PID/stat. */
  readonly state: string;
  readonly startTicks: number;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or not ours to read
  }
};

const list = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

const carries = (folder: string, mark: string): boolean =>
  read(`${folder}/cmdline`).includes(mark) || read(`${folder}/environ`).includes(mark);

/**
 * Every living process of this machine with the mark in its command line or its environment, seen from outside: no word of Corral's is taken
 * for it. A process whose first thread ended shows nothing of itself; its other threads do. Zombies do not live.
 */
export const markedProcesses = (mark: string): readonly Marked[] =>
  list('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    const folder = `/proc/${entry}`;
    const stat = read(`${folder}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? '';
    const threads = Number(fields[17]);
    if (stat === '' || ((state === 'Z' || state === 'X') && !(threads > 1))) return [];
    if (!carries(folder, mark) && !(state === 'Z' && list(`${folder}/task`).some((task) => carries(`${folder}/task/${task}`, mark))))
      return [];
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return [{ pid: Number(entry), name, state, startTicks: Number(fields[19]) }];
  });

/** Does this very process live, mark or not? */
export const livesOn = ({ pid, startTicks }: Marked): boolean => {
  const stat = read(`/proc/${String(pid)}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || Number(fields[19]) !== startTicks) return false;
  return !(fields[0] === 'Z' || fields[0] === 'X') || Number(fields[17]) > 1;
};
