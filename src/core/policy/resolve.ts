/** What the resolver asks of a file system. Synchronous: it is asked when the policy is made and once for each name. */
export interface FileFacts {
  /** Physical path with every link followed; undefined when there is nothing. */
  readonly realpath: (path: string) => string | undefined;
  /** Of the file itself, links followed. */
  readonly stat: (
    path: string,
  ) => { readonly kind: 'file' | 'directory' | 'other'; readonly uid: number; readonly mode: number } | undefined;
  /** Is the last component a link? */
  readonly isLink: (path: string) => boolean;
}

export type Resolution =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'untrusted'; readonly path: string; readonly reason: string };

export interface Resolver {
  readonly folders: readonly string[];
  /** Where a bare name leads. */
  resolve(name: string): Resolution;
  /** The name behind an absolute path, when the path is exactly where that name leads. */
  nameOf(path: string): string | undefined;
}

/** The folders of a system's own programs; never PATH, never the current folder. */
export const SYSTEM_FOLDERS: readonly string[] = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const WRITABLE_BY_OTHERS = 0o022;
const EXECUTABLE = 0o111;
/** Names come from requests: what is remembered is bounded. */
const REMEMBERED = 4096;

/** Why somebody other than root could change what stands at this path; undefined when nobody can. */
const distrust = (path: string, kind: 'file' | 'directory', files: FileFacts): string | undefined => {
  const facts = files.stat(path);
  if (facts === undefined) return `${path} cannot be examined`;
  if (facts.kind !== kind) return `${path} is no ${kind}`;
  if (facts.uid !== 0) return `${path} does not belong to root`;
  if ((facts.mode & WRITABLE_BY_OTHERS) !== 0) return `${path} can be written by others than root`;
  if (kind === 'file' && (facts.mode & EXECUTABLE) === 0) return `${path} cannot be executed`;
  return undefined;
};

const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
};

const distrustChain = (path: string, files: FileFacts): string | undefined => {
  for (const parent of parentsOf(path)) {
    const reason = distrust(parent, 'directory', files);
    if (reason !== undefined) return reason;
  }
  return undefined;
};

/** Looks names up in fixed folders that nobody but root can change; a folder that somebody else can write to is left out. */
export const createResolver = (files: FileFacts, folders: readonly string[] = SYSTEM_FOLDERS): Resolver => {
  const trusted = folders.filter((folder) => {
    const real = files.realpath(folder);
    return real !== undefined && distrustChain(`${folder}/.`, files) === undefined && distrustChain(`${real}/.`, files) === undefined;
  });
  const known = new Map<string, Resolution>();

  const look = (name: string): Resolution => {
    for (const folder of trusted) {
      const path = files.realpath(`${folder}/${name}`);
      if (path === undefined) continue;
      const reason = distrustChain(path, files) ?? distrust(path, 'file', files);
      return reason === undefined ? { kind: 'found', path } : { kind: 'untrusted', path, reason };
    }
    return { kind: 'missing' };
  };

  const resolve = (name: string): Resolution => {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) return { kind: 'missing' };
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    if (known.size >= REMEMBERED) known.clear();
    const found = look(name);
    known.set(name, found);
    return found;
  };

  return {
    folders: trusted,
    resolve,
    nameOf: (path) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const folder = path.slice(0, path.length - name.length - 1);
      const found = resolve(name);
      if (found.kind !== 'found') return undefined;
      if (path === found.path) return name;
      return trusted.includes(folder) && files.realpath(path) === found.path ? name : undefined;
    },
  };
};
