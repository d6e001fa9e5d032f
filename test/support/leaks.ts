import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a test file may leave behind, found by what belongs to it alone: its descendants, its mark, its temporary folder. */

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or not ours to read
  }
};

const link = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

const list = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

const processes = (): readonly Process[] =>
  list('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const stat = read(`/proc/${name}/stat`);
    const [state = 'X', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
    return state === 'Z' || state === 'X' || stat === ''
      ? []
      : [
          {
            pid: Number(name),
            parent: Number(parent),
            state,
            command: command || stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1),
          },
        ];
  });

const descendants = (all: readonly Process[], of: number): ReadonlySet<number> => {
  const found = new Set<number>([of]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  found.delete(of);
  return found;
};

/** Its standard streams, its folder and what else it holds open: supervisors have the logs of their sandbox, and no environment. */
const holds = (pid: number, folder: string): boolean =>
  [`/proc/${String(pid)}/cwd`, ...list(`/proc/${String(pid)}/fd`).map((fd) => `/proc/${String(pid)}/fd/${fd}`)].some((path) =>
    `${link(path)}/`.startsWith(`${folder}/`),
  );

/** The bundler's own helper, which lives as long as its parent. */
const isHelper = ({ command }: Process): boolean => /\/esbuild\b.* --service=/.test(command);

export interface Territory {
  readonly pid: number;
  /** In the environment of whatever the file starts. */
  readonly mark: string;
  readonly folder: string;
}

/** One line for each process that this file started and that lives. */
export const leftProcesses = ({ pid: self, mark, folder }: Territory): readonly string[] => {
  const all = processes();
  const own = descendants(all, self);
  return all
    .filter((one) => one.pid !== self && !isHelper(one))
    .filter(({ pid }) => own.has(pid) || `\0${read(`/proc/${String(pid)}/environ`)}`.includes(`\0${mark}\0`) || holds(pid, folder))
    .map(({ pid, state, command }) => `process ${String(pid)} (${state}): ${command.slice(0, 200)}`);
};

/** One line for each thing in its temporary folder. */
export const leftFolders = ({ folder }: Pick<Territory, 'folder'>): readonly string[] =>
  list(folder)
    .filter((name) => name.startsWith('corral-'))
    .map((name) => `${lstatSync(join(folder, name)).isDirectory() ? 'folder' : 'file'} ${join(folder, name)}`);

/** What this process has open, by descriptor. */
export const openDescriptors = (): ReadonlyMap<string, string> =>
  new Map(list('/proc/self/fd').map((fd) => [fd, link(`/proc/self/fd/${fd}`)]));

/** One line for each descriptor more than before, when they are more than `most`. */
export const grownDescriptors = (before: ReadonlyMap<string, string>, most: number): readonly string[] => {
  const now = openDescriptors();
  const fresh = [...now].filter(([fd, target]) => target !== '' && before.get(fd) !== target);
  return now.size - before.size > most ? fresh.map(([fd, target]) => `descriptor ${fd}: ${target}`) : [];
};
