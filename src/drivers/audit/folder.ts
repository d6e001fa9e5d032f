import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CorralError } from '../../ports/errors.ts';

export const auditFolder = (stateDir: string): string => join(stateDir, 'audit');
export const defaultKeyPath = (stateDir: string): string => join(stateDir, 'audit.key');
export const indexPath = (folder: string): string => join(folder, 'index.db');
export const retentionPath = (folder: string): string => join(folder, 'retention.json');

/** Name of a chain: the id of the server that writes it. */
const CHAIN = '[a-z0-9]{1,32}';
const SEGMENT_FILE = new RegExp(`^(${CHAIN})-([1-9][0-9]{0,8})\\.jsonl$`);
const HEAD_FILE = new RegExp(`^(${CHAIN})\\.head$`);

export interface SegmentFile {
  readonly chain: string;
  readonly segment: number;
  readonly path: string;
}

export const segmentPath = (folder: string, chain: string, segment: number): string => join(folder, `${chain}-${segment}.jsonl`);
export const headPath = (folder: string, chain: string): string => join(folder, `${chain}.head`);

/** Makes the folder, private. One that others may enter is closed to them; throws `unavailable` when it cannot be had. */
export const prepareFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if ((mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (error) {
    throw new CorralError('unavailable', `The audit folder ${folder} cannot be used: ${(error as Error).message}.`, {
      hint: 'Give the user that runs Corral write permission on the state folder, or name another in CORRAL_STATE_DIR.',
      cause: error,
    });
  }
};

export interface FolderContent {
  /** By chain, then by number. */
  readonly segments: readonly SegmentFile[];
  /** Chains that have a head file. */
  readonly heads: ReadonlySet<string>;
}

/** What is there; empty when there is no folder. */
export const listFolder = async (folder: string): Promise<FolderContent> => {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    names = [];
  }
  const segments: SegmentFile[] = [];
  const heads = new Set<string>();
  for (const name of names) {
    const segment = SEGMENT_FILE.exec(name);
    if (segment !== null) segments.push({ chain: segment[1] ?? '', segment: Number(segment[2]), path: join(folder, name) });
    const head = HEAD_FILE.exec(name)?.[1];
    if (head !== undefined) heads.add(head);
  }
  segments.sort((a, b) => (a.chain === b.chain ? a.segment - b.segment : a.chain < b.chain ? -1 : 1));
  return { segments, heads };
};

/** For reading: no link is followed and nothing but a regular file is opened. Undefined when it is gone. */
export const openForReading = async (path: string): Promise<FileHandle | undefined> => {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new CorralError('unavailable', `${path} cannot be read: ${code ?? String(error)}.`, { cause: error });
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new CorralError('unavailable', `${path} is not a regular file.`);
};

/** Replaces a small file as a whole. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.${process.pid}.next`;
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  await rename(draft, path);
};

/** A small file as text; undefined when it is gone. */
export const readSmall = async (path: string): Promise<string | undefined> => {
  const file = await openForReading(path);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};
