import { createHash } from 'node:crypto';
import { CorralError } from '../../ports/errors.ts';
import type { FileEntry, SandboxFiles } from '../../ports/sandbox.ts';

/** Files read for one approval, and bytes of each. */
export const MAX_FILES = 16;
export const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** What is hashed at once: a fraction of a millisecond of the event loop. */
const CHUNK_BYTES = 256 * 1024;
/** A file that is being written to is read again. */
const MAX_READS = 3;

export type FilesToRead = Pick<SandboxFiles, 'read' | 'stat'>;

/** What is at a path: a change of it voids an approval. */
export interface FileMark {
  readonly path: string;
  readonly kind: FileEntry['kind'];
  /** Of a regular file: SHA-256 of its content; absent when it was not read. */
  readonly content?: string;
  readonly mode?: number;
  /** Of a file that was not read. */
  readonly size?: number;
  readonly modifiedMs?: number;
}

export interface FileMarks {
  readonly marks: readonly FileMark[];
  /** Files to whose content nothing can be bound: too large, or too many. */
  readonly unread: readonly string[];
}

/** Not there, or outside what this sandbox may touch: a program that the sandbox starts finds there what the operator put there. */
const isElsewhere = (error: unknown): boolean =>
  error instanceof CorralError && ['not_found', 'denied', 'invalid_input', 'unsupported'].includes(error.code);

const unless = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (isElsewhere(error)) return undefined;
    throw error;
  }
};

const hashOnce = async (files: FilesToRead, path: string, signal: AbortSignal): Promise<string | undefined> => {
  const hash = createHash('sha256');
  for (let offset = 0; ;) {
    const { data, eof } = await files.read(path, offset, CHUNK_BYTES, signal);
    hash.update(data);
    offset += data.length;
    if (offset > MAX_FILE_BYTES) return undefined;
    if (eof || data.length === 0) return hash.digest('hex');
  }
};

/** Undefined when it is too large, or does not hold still. */
const contentOf = async (files: FilesToRead, entry: FileEntry, path: string, signal: AbortSignal): Promise<string | undefined> => {
  let before = entry;
  for (let reads = 0; reads < MAX_READS && before.size <= MAX_FILE_BYTES; reads += 1) {
    const content = await hashOnce(files, path, signal);
    const after = await files.stat(path, true);
    if (after.size === before.size && after.modifiedMs === before.modifiedMs) return content;
    before = after;
  }
  return undefined;
};

/** What is at each of these paths now; where nothing is, nothing is said. Links are followed: what counts is what a program would read. */
export const markFiles = async (files: FilesToRead, paths: readonly string[], signal: AbortSignal): Promise<FileMarks> => {
  const marks: FileMark[] = [];
  const unread: string[] = [];
  let read = 0;
  for (const path of paths) {
    signal.throwIfAborted();
    const entry = await unless(files.stat(path, true));
    if (entry === undefined) continue;
    if (entry.kind !== 'file') {
      marks.push({ path, kind: entry.kind });
      continue;
    }
    read += 1;
    const content = read > MAX_FILES ? undefined : await unless(contentOf(files, entry, path, signal));
    if (content === undefined) unread.push(path);
    const { kind, mode, size, modifiedMs } = entry;
    marks.push(content === undefined ? { path, kind, mode, size, modifiedMs } : { path, kind, mode, content });
  }
  return { marks, unread };
};
