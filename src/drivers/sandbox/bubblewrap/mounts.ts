import { posix } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { Mount } from '../../../ports/sandbox.ts';

/** Mounting over these would hide what makes the sandbox a sandbox, or a system. */
const WHOLE = ['/', '/etc', '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/home', '/run', '/var'];
/** Nothing goes on these or beneath them. */
const TREES = ['/proc', '/sys', '/dev', '/run/corral'];

const checked = (mount: Mount): Mount => {
  const { source, target } = mount;
  const refuse = (why: string): never => {
    throw new CorralError('invalid_input', `Cannot mount ${source} at ${target}: ${why}.`, {
      hint: 'Choose a folder of your own, such as a project folder.',
    });
  };
  for (const path of [source, target])
    if (!posix.isAbsolute(path) || posix.resolve(path) !== path) refuse(`${path} is not an absolute path in its shortest form`);
  if (WHOLE.includes(target) || TREES.some((tree) => isWithin(target, tree))) refuse('it would hide the system inside');
  return mount;
};

const depth = (path: string): number => path.split('/').length;

/** `/a/b/c` -> `/a`, `/a/b` */
const parentsOf = (path: string): string[] => {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
};

/** Folders whose content is given: a parent beneath them exists, or bwrap says that it does not. */
const GIVEN = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/**
 * Options that put mounts in place, outer ones before those beneath them, with parents that anybody may pass. They come behind the
 * tmpfs of /tmp and home, so that a workspace beneath these is seen. Read-only sources that vanished are left out, writable ones are not.
 */
export const arrangeMounts = (mounts: readonly Mount[], readableSources: (source: string) => string): string[] => {
  const byTarget = new Map<string, Mount>();
  for (const mount of mounts.map(checked)) {
    const other = byTarget.get(mount.target);
    if (other !== undefined && (other.source !== mount.source || other.mode !== mount.mode))
      throw new CorralError('invalid_input', `${mount.target} is mounted twice, from ${other.source} and from ${mount.source}.`);
    byTarget.set(mount.target, mount);
  }
  const placed = [...byTarget.values()].toSorted((a, b) => depth(a.target) - depth(b.target));
  const mounted = [...GIVEN];
  const made = new Set(['/home', '/tmp', '/run', '/var', '/etc']);
  return placed.flatMap(({ source, target, mode }) => {
    const parents = parentsOf(target).filter((parent) => !made.has(parent) && !mounted.some((root) => isWithin(parent, root)));
    parents.forEach((parent) => made.add(parent));
    mounted.push(target);
    return [
      ...parents.flatMap((parent) => ['--perms', '0755', '--dir', parent]),
      ...[mode === 'rw' ? '--bind' : '--ro-bind-try', readableSources(source), target],
    ];
  });
};
