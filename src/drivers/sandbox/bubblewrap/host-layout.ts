import { access, lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { architectureOf } from './syscalls.ts';
import type { Architecture } from './syscalls.ts';

/** What this machine has of the things a minimal root is made of; read once, then the arguments are a pure function. */
export interface HostLayout {
  readonly architecture: Architecture;
  /** The server's own uid is 0. */
  readonly root: boolean;
  /** /bin, /lib, ... that are links into /usr. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** /bin, /lib, ... that are folders of their own. */
  readonly folders: readonly string[];
  /** Files and folders of /etc that programs need and that hold nothing private. */
  readonly etc: readonly string[];
  /** Under /proc: tell of the host rather than of the sandbox. */
  readonly maskedFiles: readonly string[];
  readonly maskedFolders: readonly string[];
  /** Content of /etc/resolv.conf; used only when the network is the host's. */
  readonly resolvConf: string;
}

const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Never all of /etc. `*` stands for any one name. What could hold a password or a token (npmrc, pip.conf, gitconfig, settings.xml) is not here. */
const ETC = [
  // The loader, names, time, certificates.
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives', 'nsswitch.conf', 'host.conf', 'gai.conf', 'protocols', 'services'],
  ...['localtime', 'timezone', 'os-release', 'debian_version', 'mime.types', 'magic', 'terminfo', 'shells', 'fonts'],
  ...['ssl/certs', 'ssl/openssl.cnf', 'ca-certificates', 'pki/ca-trust/extracted', 'pki/tls/certs', 'pki/tls/cert.pem'],
  // Settings without which a language of the distribution does not start.
  ...['java-*', 'perl', 'R', 'php/*/mods-available', 'php/*/cli/conf.d', 'maven/m2.conf', 'maven/logging', 'dotnet'],
];

const MASKED_FILES = [
  ...['kcore', 'kallsyms', 'kmsg', 'keys', 'key-users', 'timer_list', 'sched_debug', 'latency_stats'],
  ...['config.gz', 'modules', 'interrupts'],
];
const MASKED_FOLDERS = ['acpi', 'scsi', 'asound'];

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

const existing = async (paths: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => found[index]);
};

const namesIn = async (folder: string): Promise<string[]> => ((await exists(folder)) ? (await readdir(folder)).toSorted() : []);

/** One `*` at most, in one component. */
const expand = async (pattern: string): Promise<string[]> => {
  const star = pattern.indexOf('*');
  if (star === -1) return [pattern];
  const folder = dirname(pattern.slice(0, star + 1));
  const prefix = pattern.slice(folder.length + 1, star);
  const rest = pattern.slice(star + 1);
  return (await namesIn(folder)).filter((name) => name.startsWith(prefix)).map((name) => join(folder, name) + rest);
};

const describeTopLevel = async (): Promise<Pick<HostLayout, 'links' | 'folders'>> => {
  const links: { path: string; target: string }[] = [];
  const folders: string[] = [];
  for (const path of await existing(TOP_LEVEL)) {
    if ((await lstat(path)).isSymbolicLink()) links.push({ path, target: await readlink(path) });
    else folders.push(path);
  }
  return { links, folders };
};

/** Throws `unsupported` on a processor for which there is no system call filter. */
export const describeHostLayout = async (): Promise<HostLayout> => {
  const etc = (await Promise.all(ETC.map((entry) => expand(`/etc/${entry}`)))).flat();
  return {
    architecture: architectureOf(process.arch),
    root: process.getuid?.() === 0,
    ...(await describeTopLevel()),
    etc: await existing(etc),
    maskedFiles: await existing(MASKED_FILES.map((name) => `/proc/${name}`)),
    maskedFolders: await existing(MASKED_FOLDERS.map((name) => `/proc/${name}`)),
    resolvConf: (await exists('/etc/resolv.conf')) ? await readFile('/etc/resolv.conf', 'utf8') : '',
  };
};
