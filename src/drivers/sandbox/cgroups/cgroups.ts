import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { LimitSupport, SandboxLimits } from '../../../ports/sandbox.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { identify } from '../supervisor/process-identity.ts';
import type { GroupFiles } from './files.ts';
import { endGroup, groupAt, setLimits } from './group.ts';
import type { Group } from './group.ts';
import { createKnownProof } from './known-proof.ts';
import { findHierarchy, SERVER_LEAF } from './hierarchy.ts';
import type { Hierarchy, NoHierarchy } from './hierarchy.ts';
import { proveHierarchy } from './proof.ts';

/** The control groups of the sandboxes of one state folder. */
export interface Cgroups {
  /** What this machine lets a sandbox have, found by doing it once per boot. Never throws. */
  support(): Promise<GroupSupport>;
  /** Makes the group of a sandbox, with its limits, for its first process to join. Leaves nothing when it fails. */
  make(sandbox: string, limits: SandboxLimits): Promise<Group>;
  /** Ends whatever lives in a group and removes it; one that is gone is no failure. */
  end(folders: readonly string[]): Promise<void>;
  /** Does the same to every group that was made for this state folder and whose sandbox is none of the `living`; returns how many. */
  sweep(living: () => Promise<ReadonlySet<string>>): Promise<number>;
}

export type GroupSupport = LimitSupport & { readonly cpus: boolean };

export interface CgroupsOptions {
  readonly files: GroupFiles;
  readonly launcher: Pick<SupervisorLauncher, 'pid' | 'warm' | 'launch' | 'kill'>;
  readonly isRoot: boolean;
  /** Path of the corral-supervisor program. */
  readonly supervisorPath: string;
  /** Servers with different state folders know nothing of each other's sandboxes, and may share a group. */
  readonly stateDir: string;
}

/** All groups that Corral makes lie below one of this name. */
export const TOP = 'corral';
const KEY_CHARACTERS = 8;
const CONTROLLERS = ['memory', 'pids'];

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');

export const createCgroups = ({ files, launcher, supervisorPath, isRoot, stateDir }: CgroupsOptions): Cgroups => {
  const known = createKnownProof(join(stateDir, 'limits-proof'));
  const prefix = `${createHash('sha256').update(stateDir).digest('hex').slice(0, KEY_CHARACTERS)}.`;
  let found: Promise<Hierarchy | NoHierarchy> | undefined;
  let ready: Promise<Hierarchy> | undefined;
  let supported: Promise<GroupSupport> | undefined;

  const hierarchy = (): Promise<Hierarchy | NoHierarchy> => (found ??= findHierarchy(files, isRoot));

  /**
   * Lets the groups below `folder` have controllers. Only the kernel's root group may hold processes and hand out controllers: elsewhere
   * the server and its launcher go into a leaf of their own, and when others are left the kernel refuses.
   */
  const handOut = async (folder: string, cpu: boolean): Promise<void> => {
    const control = join(folder, 'cgroup.subtree_control');
    const wanted = cpu ? [...CONTROLLERS, 'cpu'] : CONTROLLERS;
    const has = ((await files.read(control)) ?? '').split(/\s+/);
    const missing = wanted.filter((name) => !has.includes(name));
    if (missing.length > 0) await files.write(control, missing.map((name) => `+${name}`).join(' '));
  };

  const moveServer = async (to: string): Promise<void> => {
    launcher.warm();
    for (const pid of [process.pid, launcher.pid]) if (pid !== undefined) await files.write(join(to, 'cgroup.procs'), String(pid));
  };

  const prepareUnified = async ({ unified, cpu }: Hierarchy & { version: 2 }): Promise<void> => {
    try {
      await handOut(unified, cpu);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      const leaf = join(unified, SERVER_LEAF);
      await files.makeFolder(leaf);
      await moveServer(leaf);
      try {
        await handOut(unified, cpu);
      } catch (still) {
        await moveServer(unified);
        await files.removeFolder(leaf);
        throw new CorralError('unavailable', `${unified} holds processes that are not Corral's, so it cannot hand out controllers`, {
          cause: still,
        });
      }
    }
  };

  const prepare = async (): Promise<Hierarchy> => {
    const here = await hierarchy();
    if (here.version === 0) throw new CorralError('unsupported', `${here.why}.`, { hint: here.fix });
    if (here.version === 2) await prepareUnified(here);
    return here;
  };

  /** Once: a server does not change its place. What failed is tried again. */
  const usable = (): Promise<Hierarchy> =>
    (ready ??= prepare().catch((error: unknown) => {
      ready = undefined;
      throw error;
    }));

  const end: Cgroups['end'] = async (folders) => {
    await endGroup(files, folders, launcher.kill);
    // The last one turns off the light: a folder with groups in it stays.
    for (const folder of folders) await files.removeFolder(dirname(folder));
  };

  const makeFolders = async (here: Hierarchy, { folders }: Group): Promise<void> => {
    for (const folder of folders) {
      await files.makeFolder(dirname(folder));
      if (here.version === 2) await handOut(dirname(folder), here.cpu);
      await files.makeFolder(folder);
    }
  };

  const makeAt = async (name: string, limits: SandboxLimits): Promise<Group> => {
    const here = await usable();
    const group = groupAt(here, TOP, name);
    try {
      await makeFolders(here, group).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' && error.code !== 'ENODEV') throw error;
        await makeFolders(here, group); // another server removed the empty one above meanwhile
      });
      await setLimits(files, here, [TOP, name], limits);
      return group;
    } catch (error) {
      await end(group.folders);
      throw error;
    }
  };

  const look = async (): Promise<GroupSupport> => {
    const here = await hierarchy();
    if (here.version === 0) return { class: 'C', source: 'proc', why: here.why, fix: here.fix, cpus: false };
    try {
      if (!(await known.holds(here))) {
        await proveHierarchy({ files, launcher, supervisorPath, make: (limits) => makeAt(`${prefix}proof-${process.pid}`, limits), end });
        await known.keep(here);
      }
    } catch (error) {
      const why = `control groups do not hold here: ${reasonOf(error)}`;
      return {
        class: 'C',
        source: 'proc',
        why,
        fix: (error instanceof CorralError && error.hint) || 'corral doctor says more.',
        cpus: false,
      };
    }
    return here.version === 2
      ? { class: 'A', source: 'cgroup2', cpus: here.cpu }
      : { class: 'B', source: 'cgroup1', cpus: here.cpu !== undefined };
  };

  return {
    support: () => (supported ??= look()),
    make: (sandbox, limits) => makeAt(`${prefix}${sandbox}`, limits),
    end,
    sweep: async (living) => {
      const here = await hierarchy();
      if (here.version === 0) return 0;
      const names = new Set<string>();
      for (const folder of groupAt(here, TOP).folders)
        for (const name of await files.list(folder)) if (name.startsWith(prefix)) names.add(name);
      if (names.size === 0) return 0;
      // Asked for after the look: a sandbox is in the records before its group is made.
      const ids = await living();
      let removed = 0;
      for (const name of names) {
        const id = name.slice(prefix.length);
        const prover = /^proof-(\d+)$/.exec(id)?.[1];
        if (ids.has(id) || (prover !== undefined && (await identify(Number(prover))) !== undefined)) continue;
        await end(groupAt(here, TOP, name).folders);
        removed += 1;
      }
      return removed;
    },
  };
};
