import { join } from 'node:path';
import { isFolder, namesIn, textOf } from './disk.ts';
import type { HostEnv, Roots } from './roots.ts';

/**
 * Folders of shims: small programs that ask their version manager which version to run. The manager does not exist inside, so a shims
 * folder on PATH is replaced by the folders of the versions it would choose for the user, outside of any project.
 */

interface Context {
  readonly env: HostEnv;
  readonly home: string;
  readonly roots: Roots;
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** `3.11` may mean 3.11.7: the exact name, or else the newest beneath it. */
const installed = (folder: string, version: string): string[] => {
  if (version === '' || version === 'system' || version.includes('/')) return [];
  if (isFolder(join(folder, version))) return [join(folder, version)];
  const newest = namesIn(folder)
    .filter((name) => name.startsWith(`${version}.`))
    .toSorted(byNumber.compare)
    .at(-1);
  return newest === undefined ? [] : [join(folder, newest)];
};

const words = (text: string | undefined, separator: RegExp): string[] => (text ?? '').split(separator).filter((word) => word !== '');

/** pyenv and its descendants: $X_VERSION, or the file `version`. */
const chosenByFile =
  (root: 'PYENV_ROOT' | 'RBENV_ROOT' | 'NODENV_ROOT' | 'GOENV_ROOT') =>
  ({ env, roots }: Context): string[] => {
    const chosen = env[root.replace('_ROOT', '_VERSION')];
    const versions = chosen ? words(chosen, /:/) : words(textOf(join(roots[root], 'version')), /\s+/);
    return versions.flatMap((version) => installed(join(roots[root], 'versions'), version)).map((prefix) => join(prefix, 'bin'));
  };

/** `name version...` a line. */
const asdf = ({ home, roots }: Context): string[] =>
  words(textOf(join(home, '.tool-versions')), /\n/).flatMap((line) => {
    const [name = '', ...versions] = words(line.replace(/#.*/, ''), /\s+/);
    const prefixes = versions.flatMap((version) => installed(join(roots.ASDF_DATA_DIR, 'installs', name), version));
    return prefixes.flatMap((prefix) => [join(prefix, 'bin'), join(prefix, 'go', 'bin')]);
  });

/** `name = "version"` in the table [tools]. */
const mise = ({ env, home, roots }: Context): string[] => {
  const config = textOf(join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'mise', 'config.toml')) ?? '';
  const tools = /^\[tools\]\s*\n((?:(?!\[).*\n?)*)/m.exec(config)?.[1] ?? '';
  return [...tools.matchAll(/^\s*"?([\w.-]+)"?\s*=\s*"([^"]+)"/gm)]
    .flatMap(([, name = '', version = '']) => installed(join(roots.MISE_DATA_DIR, 'installs', name), version))
    .map((prefix) => join(prefix, 'bin'));
};

const volta = ({ roots }: Context): string[] => {
  const platform = textOf(join(roots.VOLTA_HOME, 'tools', 'user', 'platform.json')) ?? '';
  const node = /"runtime"\s*:\s*"([\w.-]+)"/.exec(platform)?.[1] ?? '';
  return installed(join(roots.VOLTA_HOME, 'tools', 'image', 'node'), node).map((prefix) => join(prefix, 'bin'));
};

const SHIMS: readonly (readonly [root: keyof Roots, folder: string, resolve: (context: Context) => string[]])[] = [
  ['PYENV_ROOT', 'shims', chosenByFile('PYENV_ROOT')],
  ['RBENV_ROOT', 'shims', chosenByFile('RBENV_ROOT')],
  ['NODENV_ROOT', 'shims', chosenByFile('NODENV_ROOT')],
  ['GOENV_ROOT', 'shims', chosenByFile('GOENV_ROOT')],
  ['ASDF_DATA_DIR', 'shims', asdf],
  ['MISE_DATA_DIR', 'shims', mise],
  ['VOLTA_HOME', 'bin', volta],
];

/** The folders that stand for `folder`, a real path: itself unless it is one of shims. */
export const resolveShims = (folder: string, context: Context): readonly string[] => {
  const shims = SHIMS.find(([root, name]) => folder === join(context.roots[root], name));
  return shims === undefined ? [folder] : shims[2](context);
};
