import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the process is gone, or has no such file
  }
};

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Fields of /proc/PID/stat after the name; empty when the process is gone. */
const statFields = (pid) => {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** @typedef {{ pid: number, startTicks: string }} Known a process that cannot be taken for a later one of the same pid */

/** @returns {Known} */
const known = (pid) => ({ pid, startTicks: statFields(pid)[19] ?? '' });

/** @returns {Known[]} */
export const childrenOf = (parent) =>
  pids()
    .filter((pid) => Number(statFields(pid)[1]) === parent)
    .map(known);

/** Is it still there, and more than a zombie that waits for its parent? */
export const isRunning = ({ pid, startTicks }) => {
  const fields = statFields(pid);
  return fields.length > 0 && fields[19] === startTicks && fields[0] !== 'Z';
};

/** Living processes whose environment holds `KEY=value`, as "pid command line". */
export const withEnvironment = (entry) =>
  pids()
    .filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${entry}\0`))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`);

const openFiles = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  } catch {
    return []; // gone, or not ours
  }
};

/** Living processes with a file beneath the folder open: every supervisor has its journal and logs there. */
export const holding = (folder) =>
  pids()
    .filter((pid) => pid !== process.pid && openFiles(pid).some((path) => path.startsWith(`${folder}/`)))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`);

const isFirstOfNamespace = (pid) => /^NSpid:\t\d+\t(?:\d+\t)*1$/m.test(read(`/proc/${pid}/status`));

/** Pid, on the host, of the supervisor of a sandbox that runs something: the first process of the namespace of what it runs. */
export const supervisorOf = (sandbox) => {
  const entry = `CORRAL_SANDBOX_ID=${sandbox}`;
  let pid = pids().find((one) => `\0${read(`/proc/${one}/environ`)}`.includes(`\0${entry}\0`)) ?? 0;
  while (pid > 1 && !isFirstOfNamespace(pid)) pid = Number(statFields(pid)[1] ?? 0);
  return pid > 1 ? pid : undefined;
};
