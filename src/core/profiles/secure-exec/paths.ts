import { lstat, readlink } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';

/** As many links as the kernel follows. */
const MAX_LINKS = 40;
/** The kernel takes no longer path. */
const MAX_PATH_BYTES = 4095;

export type Place = { readonly path: string } | { readonly problem: string };

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

const join = (parts: readonly string[]): string => `/${parts.join('/')}`;

type Component = { readonly kind: 'link'; readonly target: string } | { readonly kind: 'other' | 'missing' };

const examine = async (path: string): Promise<Component | NodeJS.ErrnoException> => {
  try {
    if (!(await lstat(path)).isSymbolicLink()) return { kind: 'other' };
    return { kind: 'link', target: await readlink(path) };
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return failure.code === 'ENOENT' || failure.code === 'ENOTDIR' ? { kind: 'missing' } : failure;
  }
};

/**
 * Where a path leads, every link followed, also one whose target is not there: `dangling/new` counts as what a program that creates it would
 * create. The answer has no link, no `.` and no `..` in it. What cannot be looked at leads nowhere.
 */
export const canonicalPath = async (path: string, from: string): Promise<Place> => {
  const ahead = partsOf(isAbsolute(path) ? path : `${from}/${path}`);
  const done: string[] = [];
  let links = 0;
  /** Nothing exists beneath what is missing; a `..` leads out of it again. */
  let missing = 0;
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === '..') {
      done.pop();
      missing = Math.max(0, missing - 1);
      continue;
    }
    done.push(part);
    if (missing > 0) {
      missing += 1;
      continue;
    }
    const found = await examine(join(done));
    if (!('kind' in found)) return { problem: `cannot be examined (${found.code ?? found.message})` };
    if (found.kind === 'missing') missing = 1;
    if (found.kind !== 'link') continue;
    links += 1;
    if (links > MAX_LINKS) return { problem: 'leads through too many links' };
    ahead.unshift(...partsOf(found.target));
    done.pop();
    if (isAbsolute(found.target)) done.length = 0;
  }
  return { path: join(done) };
};

/** The path to give to a program instead of the one that was asked for, or why there is none. `root` is canonical; undefined: anywhere. */
export const containedPath = async (asked: string, from: string, root: string | undefined): Promise<Place> => {
  if (Buffer.byteLength(asked) > MAX_PATH_BYTES)
    return { problem: `Path of ${String(Buffer.byteLength(asked))} bytes, at most ${String(MAX_PATH_BYTES)} are possible` };
  const place = await canonicalPath(asked, from);
  if ('problem' in place) return { problem: `Path '${asked}' ${place.problem}` };
  if (root !== undefined && !isWithin(place.path, root)) return { problem: `Path '${asked}' outside base '${root}'` };
  return place;
};
