import { readdirSync, readFileSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the process is gone, or has no such file
  }
};

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);

/** Fields of /proc/PID/stat after the name; empty when the process is gone. */
const statFields = (pid) => {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** @typedef {{ pid: number, startTicks: string }} Known a process that cannot be taken for a later one of the same pid */

/** @returns {Known} */
const known = (pid) => ({ pid, startTicks: statFields(pid)[19] ?? '' });

/** @returns {Known[]} */
export const childrenOf = (parent) => pids().filter((pid) => Number(statFields(pid)[1]) === parent).map(known);

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

/** Living processes that name one of these words on their command line. */
export const withArgument = (words) =>
  pids()
    .map((pid) => ({ pid, line: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(({ pid, line }) => pid !== process.pid && words.some((word) => line.includes(word)))
    .map(({ pid, line }) => `${pid} ${line}`);

/** The process that is pid 1 of a sandbox, as the host sees it: the supervisor. */
export const supervisorOf = (sandbox) =>
  pids().find((pid) => read(`/proc/${pid}/cmdline`).includes(sandbox) && /^NSpid:\t\d+\t(?:\d+\t)*1$/m.test(read(`/proc/${pid}/status`)));
