import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or not ours to read
  }
};

/** Living processes of this machine whose environment holds `KEY=value`. */
export const withEnvironment = (entry: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && `\0${read(`/proc/${name}/environ`)}`.includes(`\0${entry}\0`))
    .map(Number);

export const isAlive = (pid: number): boolean => {
  const stat = read(`/proc/${String(pid)}/stat`);
  return stat !== '' && !/\) Z /.test(stat);
};

/** Resolves to whether it held within the time. */
export const eventually = async (holds: () => boolean | Promise<boolean>, ms = 5000): Promise<boolean> => {
  const deadline = performance.now() + ms;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
};
