import { readdir, stat } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone meanwhile
  }
};

/** pid -> { parent, state, name } of every process there is. */
const processes = () => {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = read(`/proc/${name}/stat`);
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (text !== '')
      all.set(Number(name), {
        parent: Number(fields[1]),
        state: fields[0],
        name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      });
  }
  return all;
};

const openFiles = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0; // gone, or not ours to look at
  }
};

const rss = (pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;

/**
 * A server that has nothing to do, with all that descends from it: launcher, supervisors, what is around them.
 * @param {number} root
 */
export const lookAt = (root) => {
  const all = processes();
  const tree = [root];
  for (let index = 0; index < tree.length; index += 1) for (const [pid, { parent }] of all) if (parent === tree[index]) tree.push(pid);
  const living = tree.filter((pid) => all.get(pid)?.state !== 'Z');
  return {
    processes: living.length,
    zombies: tree.length - living.length,
    serverFds: openFiles(root),
    otherFds: living.slice(1).reduce((sum, pid) => sum + openFiles(pid), 0),
    otherRss: living.slice(1).reduce((sum, pid) => sum + rss(pid), 0),
    names: living.slice(1).map((pid) => `${pid} ${all.get(pid)?.name}`),
  };
};

/** Bytes on the disk of all files beneath a folder. */
export const folderBytes = async (folder) => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes;
};
