import { basename, join } from 'node:path';
import { isWithin } from '../../../lib/is-within.ts';
import { namesIn } from './disk.ts';
import type { RootName, Roots } from './roots.ts';

/**
 * Where toolchains live. The first name is a root or a place on the disk; `*` is any one name; what matches is mounted whole, so each is a
 * folder of programs and libraries and of nothing else. Never a version manager's own folder: those hold caches, settings, credentials.
 */
const PLACES: readonly (readonly [root: RootName | 'home' | '/', pattern: string])[] = [
  ['PYENV_ROOT', 'versions/*'],
  ['RBENV_ROOT', 'versions/*'],
  ['NODENV_ROOT', 'versions/*'],
  ['GOENV_ROOT', 'versions/*'],
  ['NVM_DIR', 'versions/*/*'],
  ['FNM_DIR', 'node-versions/*'],
  ['home', '.fnm/node-versions/*'],
  ['VOLTA_HOME', 'tools/image/*/*'],
  ['ASDF_DATA_DIR', 'installs/*/*'],
  ['MISE_DATA_DIR', 'installs/*/*'],
  ['SDKMAN_DIR', 'candidates/*/*'],
  ['UV_PYTHON_INSTALL_DIR', '*'],
  ['CARGO_HOME', 'bin'],
  ['DENO_INSTALL', 'bin'],
  ['BUN_INSTALL', 'bin'],
  ['GOPATH', 'bin'],
  ['DOTNET_ROOT', ''],
  ['home', '.npm-global'],
  ['home', 'miniconda3'],
  ['home', 'miniforge3'],
  ['home', 'mambaforge'],
  ['home', 'anaconda3'],
  ['/', 'opt/*'],
  ['/', 'home/linuxbrew/.linuxbrew'],
  ['/', 'nix/store'],
];

/** A folder with one of these directly in it is somebody's, not a toolchain. */
const PRIVATE_NAMES = [
  ...['.ssh', '.gnupg', '.aws', '.kube', '.docker', '.netrc', '.pypirc', '.npmrc', '.git-credentials'],
  ...['.env', 'credentials', 'credentials.toml', 'id_rsa', 'id_ed25519'],
];

const matched = (path: string, root: string, pattern: string): string | undefined => {
  if (!isWithin(path, root)) return undefined;
  const parts = path.slice(root === '/' ? 1 : root.length + 1).split('/');
  const wanted = pattern === '' ? [] : pattern.split('/');
  if (wanted.some((part, index) => (part === '*' ? (parts[index] ?? '') === '' : part !== parts[index]))) return undefined;
  return join(root, ...parts.slice(0, wanted.length));
};

/** The folder to mount for the real folder `path` on PATH; undefined when it is in none of the places. */
export const placeOf = (path: string, roots: Roots, home: string): string | undefined => {
  for (const [root, pattern] of PLACES) {
    const found = matched(path, root === '/' ? '/' : root === 'home' ? home : roots[root], pattern);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Why a folder must not be seen inside, whatever the table said; undefined when it may. */
export const whyPrivate = (folder: string, home: string): string | undefined => {
  if (isWithin(home, folder)) return 'it holds the home folder';
  if (folder.split('/').length < 3) return 'it is a whole top-level folder';
  const holds = namesIn(folder).find((name) => PRIVATE_NAMES.includes(name));
  return holds === undefined ? undefined : `it holds ${basename(holds)}`;
};
