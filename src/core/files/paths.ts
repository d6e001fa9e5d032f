import { isAbsolute, posix } from 'node:path';
import { CorralError } from '../../ports/errors.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';

/** Absolute and normal, relative to the working directory of the sandbox. What lies outside the roots is refused below, where it is resolved. */
export const resolveInside = (live: LiveSandbox, path: string): string => {
  if (path.includes('\0')) throw new CorralError('invalid_input', 'path: must not contain NUL.');
  const home = live.spec.env['HOME'] ?? '/';
  const expanded = path === '~' || path.startsWith('~/') ? posix.join(home, path.slice(1)) : path;
  return posix.normalize(isAbsolute(expanded) ? expanded : posix.join(live.spec.workdir, expanded)).replace(/(.)\/+$/, '$1');
};
