import { isAbsolute, posix } from 'node:path';
import { CorralError } from '../../ports/errors.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';
import { isWithin } from '../../lib/is-within.ts';

/** The working directory of an execution: absolute and normal (`~` is the home), beneath a place this sandbox may use. Whether it exists is seen at the start. */
export const place = (live: LiveSandbox, cwd: string | undefined): string => {
  const home = live.spec.env['HOME'] ?? '/tmp';
  const named = cwd?.replace(/^~(?=\/|$)/, home) ?? live.spec.workdir;
  const directory = posix.normalize(isAbsolute(named) ? named : posix.join(live.spec.workdir, named)).replace(/(.)\/+$/, '$1');
  const roots = [...live.spec.workspaces.map((mount) => mount.target), '/tmp', home];
  // On the host there is no other place to be kept out of: whatever runs there can go anywhere.
  const free = live.record.driver === 'host';
  if (directory.includes('\0') || (!free && !roots.some((root) => isWithin(directory, root))))
    throw new CorralError('invalid_input', `cwd: ${JSON.stringify(directory)} lies outside the places this sandbox may use.`, {
      hint: `Use a folder beneath one of: ${roots.join(', ')}.`,
    });
  return directory;
};
