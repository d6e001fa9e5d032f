import { readFile, readlink } from 'node:fs/promises';
import type { IsolationFacts, MetricSource } from '../../../ports/sandbox.ts';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;
type Kind = (typeof NAMESPACES)[number];

const none = (): undefined => undefined;

/** `net:[4026531840]` -> 4026531840 */
const inodeOf = async (pid: number | 'self', kind: Kind): Promise<number | undefined> => {
  const link = await readlink(`/proc/${pid}/ns/${kind}`).catch(none);
  const inode = /\[(\d+)\]$/.exec(link ?? '')?.[1];
  return inode === undefined ? undefined : Number(inode);
};

/** Inodes as bubblewrap told them: a supervisor that is not dumpable hides its own from an ordinary user. */
const toldInode = (info: string, kind: Kind): number | undefined => {
  const inode = new RegExp(`"${kind}-namespace":\\s*(\\d{1,15})`).exec(info)?.[1];
  return inode === undefined ? undefined : Number(inode);
};

const isOwn = async (pid: number, info: string, kind: Kind): Promise<boolean> => {
  const [inside, outside] = await Promise.all([inodeOf(pid, kind), inodeOf('self', kind)]);
  const seen = inside ?? toldInode(info, kind);
  if (seen !== undefined && outside !== undefined) return seen !== outside;
  if (kind !== 'user') return false;
  const [map, own] = await Promise.all([pid, 'self'].map((one) => readFile(`/proc/${one}/uid_map`, 'utf8').catch(none)));
  return map !== undefined && own !== undefined && map.trim() !== own.trim();
};

/** `4:memory:/a` -> memory: /a; the unified hierarchy has no name. */
const groupsOf = async (pid: number | 'self'): Promise<ReadonlyMap<string, string>> => {
  const text = (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(none)) ?? '';
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(':'))
      .flatMap(([, names = '', ...path]) => names.split(',').map((name): [string, string] => [name, path.join(':')])),
  );
};

/** A control group that is not the server's: it, and not only the kernel's limits per process, bounds the sandbox. */
const groupOf = async (pid: number): Promise<Exclude<MetricSource, 'proc'> | undefined> => {
  const [inside, outside] = await Promise.all([groupsOf(pid), groupsOf('self')]);
  const differs = (name: string): boolean => inside.has(name) && outside.has(name) && inside.get(name) !== outside.get(name);
  return differs('memory') ? 'cgroup1' : differs('') ? 'cgroup2' : undefined;
};

const field = (status: string, name: string): string | undefined => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];

/** What the kernel says of a supervisor, seen from outside; undefined when it is gone. `info` is what bubblewrap told. */
export const measureIsolation = async (pid: number, info: string): Promise<IsolationFacts | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(none);
  if (status === undefined) return undefined;
  const own = await Promise.all(NAMESPACES.map((kind) => isOwn(pid, info, kind)));
  const uid = field(status, 'Uid');
  const group = await groupOf(pid);
  return {
    namespaces: NAMESPACES.filter((_, index) => own[index]),
    ...(uid !== undefined && { uid: Number(uid) }),
    capabilities: /^0+$/.test(field(status, 'CapEff') ?? '') ? 'none' : 'some',
    noNewPrivileges: field(status, 'NoNewPrivs') === '1',
    seccomp: field(status, 'Seccomp') === '2',
    ...(group !== undefined && { group }),
  };
};
