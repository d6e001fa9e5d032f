import type { GroupFiles } from '../../src/drivers/sandbox/cgroups/files.ts';

/** An error as the kernel gives it. */
const refused = (code: string, path: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: ${path}`), { code });

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export interface Imitation extends GroupFiles {
  /** Pids by group. */
  readonly members: Map<string, Set<number>>;
  readonly contents: Map<string, string>;
  /** What was written, in order. */
  readonly written: readonly string[];
}

export interface ImitationOptions {
  readonly mount: string;
  /** Of the server, as /proc/self/cgroup says it. */
  readonly place: string;
  readonly controllers: readonly string[];
  readonly members: readonly number[];
  readonly mayWrite?: boolean;
  /** The kernel's own root group: the rule about processes does not hold there. */
  readonly isRootGroup?: boolean;
}

/**
 * Control groups of version 2 as the kernel's documentation describes them, for machines whose kernel keeps its controllers in version 1:
 * a group has files of a controller only when its parent hands that out, and hands out only what it has and only while it holds no process.
 */
export const imitateUnified = (options: ImitationOptions): Imitation => {
  const { mount, place, isRootGroup = false, mayWrite = true } = options;
  const base = place === '/' ? mount : `${mount}${place}`;
  const members = new Map<string, Set<number>>([[base, new Set(options.members)]]);
  const contents = new Map<string, string>([
    ['/proc/self/cgroup', `0::${place}\n`],
    ['/proc/self/mountinfo', `31 23 0:28 / ${mount} rw,relatime - cgroup2 cgroup2 rw\n`],
  ]);
  const written: string[] = [];

  const fill = (folder: string, controllers: readonly string[]): void => {
    contents.set(`${folder}/cgroup.controllers`, controllers.join(' '));
    contents.set(`${folder}/cgroup.subtree_control`, '');
    contents.set(`${folder}/cgroup.procs`, '');
    if (folder === base && isRootGroup) return;
    contents.set(`${folder}/cgroup.kill`, '');
    contents.set(`${folder}/cpu.stat`, 'usage_usec 0\n');
    if (controllers.includes('memory')) {
      contents.set(`${folder}/memory.max`, 'max');
      contents.set(`${folder}/memory.swap.max`, 'max');
      contents.set(`${folder}/memory.current`, '0');
      contents.set(`${folder}/memory.events`, 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n');
    }
    if (controllers.includes('pids')) {
      contents.set(`${folder}/pids.max`, 'max');
      contents.set(`${folder}/pids.current`, '0');
      contents.set(`${folder}/pids.events`, 'max 0\n');
    }
    if (controllers.includes('cpu')) contents.set(`${folder}/cpu.max`, 'max 100000');
  };
  fill(base, options.controllers);

  const wordsOf = (path: string): string[] => (contents.get(path) ?? '').split(' ').filter((word) => word !== '');

  const handOut = (folder: string, text: string): void => {
    const wanted = text.split(' ').map((word) => word.slice(1));
    if (wanted.some((name) => !wordsOf(`${folder}/cgroup.controllers`).includes(name))) throw refused('ENOENT', folder);
    if ((members.get(folder)?.size ?? 0) > 0 && !(isRootGroup && folder === base)) throw refused('EBUSY', folder);
    const all = [...new Set([...wordsOf(`${folder}/cgroup.subtree_control`), ...wanted])];
    contents.set(`${folder}/cgroup.subtree_control`, all.join(' '));
    for (const child of members.keys()) if (parentOf(child) === folder) fill(child, all);
  };

  const move = (folder: string, pid: number): void => {
    if (wordsOf(`${folder}/cgroup.subtree_control`).length > 0 && !(isRootGroup && folder === base)) throw refused('EBUSY', folder);
    for (const group of members.values()) group.delete(pid);
    members.get(folder)?.add(pid);
  };

  return {
    members,
    contents,
    written,
    read: async (path) => {
      if (nameOf(path) === 'cgroup.procs') {
        const group = members.get(parentOf(path));
        return group === undefined ? undefined : [...group].join('\n');
      }
      return contents.get(path);
    },
    write: async (path, text) => {
      written.push(`${path} ${text}`);
      const folder = parentOf(path);
      if (!contents.has(path)) throw refused('ENOENT', path);
      if (nameOf(path) === 'cgroup.subtree_control') handOut(folder, text);
      else if (nameOf(path) === 'cgroup.procs') move(folder, Number(text));
      else if (nameOf(path) === 'cgroup.kill') members.get(folder)?.clear();
      else contents.set(path, text);
    },
    makeFolder: async (path) => {
      if (members.has(path)) return false;
      if (!members.has(parentOf(path))) throw refused('ENOENT', path);
      members.set(path, new Set());
      fill(path, wordsOf(`${parentOf(path)}/cgroup.subtree_control`));
      return true;
    },
    removeFolder: async (path) => {
      if (!members.has(path)) return true;
      const below = [...members.keys()].some((other) => parentOf(other) === path);
      if (below || (members.get(path)?.size ?? 0) > 0) return false;
      members.delete(path);
      for (const file of contents.keys()) if (parentOf(file) === path) contents.delete(file);
      return true;
    },
    list: async (path) => [...members.keys()].filter((folder) => parentOf(folder) === path).map(nameOf),
    mayWrite: async () => mayWrite,
  };
};
