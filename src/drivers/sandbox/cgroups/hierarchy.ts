import { join, relative } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';
import type { GroupFiles } from './files.ts';

/** Where groups for sandboxes can be made: beneath the server's own, so that what limits the server limits them, too. */
export type Hierarchy =
  | { readonly version: 2; readonly unified: string; readonly cpu: boolean }
  | { readonly version: 1; readonly memory: string; readonly pids: string; readonly cpu?: string; readonly cpuacct?: string };

/** Why there is none, and what would change that. */
export interface NoHierarchy {
  readonly version: 0;
  readonly why: string;
  readonly fix: string;
}

/** The leaf that a server moves itself into: on version 2 a group that hands out controllers holds no processes. */
export const SERVER_LEAF = 'corral-server';

export const DELEGATE =
  'systemd-run --user --scope -p Delegate=yes corral ...   (cgroup v2), or run the server as root with private uids (--uid-first)';

interface GroupMount {
  /** The group that is seen at `folder`. */
  readonly root: string;
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

const unescape = (path: string): string => path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));

/** `36 35 98:0 /root /mount opts - cgroup2 source superopts` */
const mountsOf = (mountinfo: string): readonly GroupMount[] =>
  mountinfo.split('\n').flatMap((line): readonly GroupMount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, folder] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (root === undefined || folder === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    const version = type === 'cgroup2' ? 2 : 1;
    return [{ root: unescape(root), folder: unescape(folder), version, controllers: version === 2 ? [] : options.split(',') }];
  });

/** `4:memory:/x` -> memory: /x; the entry of version 2 has the name "". */
const placesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [, names, ...path] = line.split(':');
      return names === undefined ? [] : names.split(',').map((name) => [name, path.join(':')] as const);
    }),
  );

const folderOf = (mount: GroupMount | undefined, place: string | undefined): string | undefined =>
  mount === undefined || place === undefined || !isWithin(place, mount.root) ? undefined : join(mount.folder, relative(mount.root, place));

const wordsOf = (text: string | undefined): readonly string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');

/** Looks, and changes nothing. */
export const findHierarchy = async (files: GroupFiles, isRoot: boolean): Promise<Hierarchy | NoHierarchy> => {
  const [cgroup, mountinfo] = await Promise.all([files.read('/proc/self/cgroup'), files.read('/proc/self/mountinfo')]);
  if (cgroup === undefined || mountinfo === undefined)
    return { version: 0, why: 'this kernel has no control groups, or /proc is hidden', fix: DELEGATE };
  const [places, mounts] = [placesOf(cgroup), mountsOf(mountinfo)];
  const unified = folderOf(
    mounts.find(({ version }) => version === 2),
    places.get('')?.replace(new RegExp(`/${SERVER_LEAF}$`), '') || (places.has('') ? '/' : undefined),
  );
  const offered = unified === undefined ? [] : wordsOf(await files.read(join(unified, 'cgroup.controllers')));
  if (unified !== undefined && offered.includes('memory') && offered.includes('pids')) {
    const writable = await Promise.all(['cgroup.procs', 'cgroup.subtree_control'].map((name) => files.mayWrite(join(unified, name))));
    if (writable.every(Boolean)) return { version: 2, unified, cpu: offered.includes('cpu') };
    return { version: 0, why: `the group ${unified} (cgroup v2) is not delegated to this user`, fix: DELEGATE };
  }
  const one = async (name: string): Promise<string | undefined> => {
    const folder = folderOf(
      mounts.find(({ version, controllers }) => version === 1 && controllers.includes(name)),
      places.get(name),
    );
    return folder !== undefined && (await files.mayWrite(join(folder, 'cgroup.procs'))) ? folder : undefined;
  };
  const [memory, pids, cpu, cpuacct] = await Promise.all(['memory', 'pids', 'cpu', 'cpuacct'].map(one));
  if (memory !== undefined && pids !== undefined) {
    if (isRoot) return { version: 1, memory, pids, ...(cpu !== undefined && { cpu }), ...(cpuacct !== undefined && { cpuacct }) };
    return { version: 0, why: 'control groups of version 1 are for root', fix: DELEGATE };
  }
  return { version: 0, why: 'no control group with memory and pids that this server may use', fix: DELEGATE };
};
