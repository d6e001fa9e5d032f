import { dirname, join } from 'node:path';
import { isWithin } from '../../lib/is-within.ts';
import type { Mount } from '../../ports/sandbox.ts';
import { isFile, isFolder, realPathOf, textOf } from './toolchains/disk.ts';
import { placeOf, whyPrivate } from './toolchains/places.ts';
import { findRoots } from './toolchains/roots.ts';
import type { HostEnv } from './toolchains/roots.ts';
import { resolveShims } from './toolchains/shims.ts';

export interface FoundToolchains {
  /** Read-only, each at its own path: installations hold absolute paths. */
  readonly mounts: readonly Mount[];
  /** Folders to search before the system's. */
  readonly path: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders on PATH that stay outside, and why: for `corral doctor`. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
}

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** Mounted anyway. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib64'];
const SANDBOX_HOME = '/home/sandbox';

/** The interpreter that a virtual environment borrows. */
const borrowed = (prefix: string): string | undefined => /^home\s*=\s*(.+)$/m.exec(textOf(join(prefix, 'pyvenv.cfg')) ?? '')?.[1]?.trim();

/**
 * The languages that the server's user has outside /usr, as mounts for a sandbox. Reads the disk synchronously, a few milliseconds: call it
 * once at start. `execPath`: the node that runs the server.
 */
export const findToolchains = (env: HostEnv, userHome: string, execPath: string = process.execPath): FoundToolchains => {
  const home = realPathOf(userHome) ?? userHome;
  const roots = findRoots(env, home);
  const mounts = new Map<string, Mount>();
  const path = new Set<string>();
  const skipped = new Map<string, string>();

  const mount = (source: string): boolean => {
    if ([...SYSTEM, ...mounts.keys()].some((root) => isWithin(source, root))) return true;
    const why = whyPrivate(source, home);
    if (why !== undefined) skipped.set(source, why);
    else mounts.set(source, { source, target: source, mode: 'ro' });
    return why === undefined;
  };

  const add = (folder: string): void => {
    const real = realPathOf(folder);
    if (real === undefined || !isFolder(real) || SYSTEM_PATH.includes(real)) return;
    const place = SYSTEM.some((root) => isWithin(real, root)) ? real : placeOf(real, roots, home);
    if (place === undefined) skipped.set(real, 'it is no place of toolchains');
    else if (mount(place)) {
      path.add(real);
      const base = borrowed(place);
      if (base !== undefined && realPathOf(base) !== real) add(base);
    }
  };

  const named = [env['JAVA_HOME'], env['GOROOT']].filter((prefix) => prefix?.startsWith('/')).map((prefix) => join(prefix ?? '', 'bin'));
  const onPath = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  for (const folder of [...onPath, ...named, dirname(execPath), '/usr/local/go/bin'])
    for (const resolved of resolveShims(realPathOf(folder) ?? folder, { env, home, roots })) add(resolved);

  const has = (program: string): boolean => [...path, ...SYSTEM_PATH].some((folder) => isFile(join(folder, program)));
  const inside = (prefix: string | undefined): prefix is string =>
    prefix !== undefined && [...SYSTEM, ...mounts.keys()].some((root) => isWithin(realPathOf(prefix) ?? prefix, root));
  const found: Record<string, string> = {};
  // rustup's programs look their toolchain up here; cargo's own folder must be writable and must not be the user's, which holds credentials.
  if (path.has(join(roots.CARGO_HOME, 'bin')) && isFolder(roots.RUSTUP_HOME) && mount(roots.RUSTUP_HOME))
    Object.assign(found, { RUSTUP_HOME: roots.RUSTUP_HOME, CARGO_HOME: join(SANDBOX_HOME, '.cargo') });
  // Without this go tries to download the version that a module names.
  if (has('go')) found['GOTOOLCHAIN'] = 'local';
  for (const name of ['JAVA_HOME', 'DOTNET_ROOT']) {
    const prefix = env[name];
    if (inside(prefix)) found[name] = realPathOf(prefix) ?? prefix;
  }
  return {
    mounts: [...mounts.values()],
    path: [...path],
    env: found,
    skipped: [...skipped].map(([folder, why]) => ({ path: folder, why })),
  };
};
