import { join } from 'node:path';
import { realPathOf } from './disk.ts';

/** The server's own environment: only names of folders and versions are read from it. */
export type HostEnv = Readonly<Record<string, string | undefined>>;

/** Where version managers keep things: their own variable, or its default below the home folder. */
const ROOTS = {
  PYENV_ROOT: '.pyenv',
  RBENV_ROOT: '.rbenv',
  NODENV_ROOT: '.nodenv',
  GOENV_ROOT: '.goenv',
  NVM_DIR: '.nvm',
  FNM_DIR: '.local/share/fnm',
  VOLTA_HOME: '.volta',
  ASDF_DATA_DIR: '.asdf',
  MISE_DATA_DIR: '.local/share/mise',
  SDKMAN_DIR: '.sdkman',
  CARGO_HOME: '.cargo',
  RUSTUP_HOME: '.rustup',
  DENO_INSTALL: '.deno',
  BUN_INSTALL: '.bun',
  GOPATH: 'go',
  DOTNET_ROOT: '.dotnet',
  UV_PYTHON_INSTALL_DIR: '.local/share/uv/python',
} as const;

export type RootName = keyof typeof ROOTS;
export type Roots = Readonly<Record<RootName, string>>;

/** Real paths; a root that does not exist keeps its name and matches nothing. */
export const findRoots = (env: HostEnv, home: string): Roots => {
  const entries = Object.entries(ROOTS).map(([name, fallback]) => {
    // GOPATH may be a list; the first is where binaries go.
    const named = env[name]?.split(':')[0];
    const path = named?.startsWith('/') ? named : join(home, fallback);
    return [name, realPathOf(path) ?? path] as const;
  });
  return Object.fromEntries(entries) as Roots;
};
