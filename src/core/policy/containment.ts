import { POLICY_LIMITS } from './limits.ts';
import type { FileFacts } from './resolve.ts';

/** Facts of the machine that everybody may read and nobody has to hide. */
export const PUBLIC_FILES: ReadonlySet<string> = new Set([
  '/dev/null',
  '/etc/os-release',
  '/usr/lib/os-release',
  '/etc/debian_version',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/issue',
  '/etc/timezone',
  '/proc/cpuinfo',
  '/proc/loadavg',
  '/proc/meminfo',
  '/proc/uptime',
  '/proc/version',
]);

const isWithin = (path: string, root: string): boolean => path === root || root === '/' || path.startsWith(`${root}/`);

export interface Containment {
  readonly roots: readonly string[];
  /** Where `path`, seen from the folder `from`, really leads, or why that is not beneath the roots. Absolute, links followed as far as they exist. */
  place(path: string, from: string): { readonly real: string } | { readonly reason: string };
  /** Why content at `path` is not to be read; undefined when it may. */
  refuseRead(path: string, from: string): string | undefined;
  /** Why a file at `path` is not to be written by a redirection; undefined when it may. */
  refuseWrite(path: string, from: string): string | undefined;
}

/** Keeps paths beneath the roots. With links followed when there are facts about files, and by the text of the path when there are none. */
export const createContainment = (roots: readonly string[], files: FileFacts | undefined): Containment => {
  const real = roots.map((root) => files?.realpath(root) ?? root);

  /** As the kernel walks it: existing part with its links, the rest by its text. */
  const follow = (path: string): string | undefined => {
    const whole = files?.realpath(path);
    if (whole !== undefined) return whole;
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const rest: string[] = [];
    while (parts.length > 0) {
      const last = parts.pop() ?? '';
      if (last === '..' && files !== undefined) return undefined;
      rest.unshift(last);
      const base = files?.realpath(`/${parts.join('/')}`);
      if (base === undefined) continue;
      const known = base === '/' ? '' : base;
      // A link that leads to nothing yet: whoever writes through it makes what it points to, wherever that is.
      return files?.isLink(`${known}/${rest[0] ?? ''}`) === true ? undefined : `${known}/${rest.join('/')}`;
    }
    const plain: string[] = [];
    for (const part of rest)
      if (part === '..') plain.pop();
      else plain.push(part);
    return `/${plain.join('/')}`;
  };

  const place: Containment['place'] = (path, from) => {
    if (path.includes('\0')) return { reason: 'a path holds NUL' };
    if (Buffer.byteLength(path) > POLICY_LIMITS.pathBytes) return { reason: 'the path is too long' };
    const absolute = path.startsWith('/') ? path : `${from}/${path}`;
    const where = follow(absolute);
    if (where === undefined) return { reason: `${path} goes through a folder that does not exist, or a link that leads to nothing` };
    return real.some((root) => isWithin(where, root)) ? { real: where } : { reason: `${path} lies outside the workspace` };
  };

  const refuse = (path: string, from: string): string | undefined => {
    const found = place(path, from);
    return 'reason' in found ? found.reason : undefined;
  };

  return {
    roots: real,
    place,
    refuseRead: (path, from) => (PUBLIC_FILES.has(path) ? undefined : refuse(path, from)),
    refuseWrite: (path, from) => {
      if (path.split('/').some((part) => part.startsWith('.') && part !== '.'))
        return `${path} names a hidden file or a parent folder; programs read those later`;
      const found = place(path, from);
      if ('reason' in found) return found.reason;
      if (
        found.real
          .split('/')
          .some(
            (part, index, all) =>
              index > 0 &&
              part.startsWith('.') &&
              !real.some((root) => root.split('/').length > index && root.startsWith(all.slice(0, index + 1).join('/'))),
          )
      )
        return `${path} leads to a hidden file; programs read those later`;
      return files?.isLink(path.startsWith('/') ? path : `${from}/${path}`) === true ? `${path} is a link` : undefined;
    },
  };
};
