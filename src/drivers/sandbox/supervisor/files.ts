import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { FileEntry, SandboxFiles, WriteOptions } from '../../../ports/sandbox.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Decode, Request } from './channel.ts';
import { SUPERVISOR_ERROR, supervisorError } from './errors.ts';
import type { ErrorContext } from './errors.ts';
import type { FrameReader } from './frames.ts';
import { decodeEntries, decodeEntry } from './messages.ts';
import { CHUNK_BYTES, MAX_LIST_ENTRIES, REPLY, REQUEST, WRITE_FLAG } from './protocol.ts';

const DEFAULT_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const MODE_BITS = 0o7777;
const FRAME_SPARE_BYTES = 256;
/** A tree of millions of files takes minutes; the supervisor does other things meanwhile. */
const REMOVE_MS = 10 * 60_000;

/** How a sandbox sends a request, whatever connection it has at the moment. */
export type Send = <T>(
  type: number,
  encode: (request: Request) => void,
  reply: number,
  context: ErrorContext,
  decode: Decode<T>,
  options?: { readonly capacity?: number; readonly mayTakeMs?: number },
) => Promise<T>;

const nothing = (): void => {};

export const checkPath = (path: string): string => {
  if (!path.startsWith('/'))
    throw new CorralError('invalid_input', `${JSON.stringify(path)} is not an absolute path.`, { hint: 'Write the whole path, from /.' });
  if (path.includes('\0')) throw new CorralError('invalid_input', 'The path contains a NUL byte.');
  return path;
};

/** File operations over the supervisor's FS_* requests. Writes of more than one frame go to a neighbour that is then renamed. */
export const createSupervisedFiles = (send: Send, roots: readonly string[]): SandboxFiles => {
  const context = (action: string, path: string): ErrorContext => ({ action, path, roots });

  const put = (path: string, flags: number, mode: number, offset: number, data: Uint8Array): Promise<{ size: number }> =>
    send(
      REQUEST.fsWrite,
      ({ payload }) => payload.str(checkPath(path)).u8(flags).u32(mode).u64(offset).str(data),
      REPLY.fsWrite,
      context('write', path),
      (reply) => ({ size: reply.u64() }),
      { capacity: data.length + path.length * 3 + FRAME_SPARE_BYTES },
    );

  const stat: SandboxFiles['stat'] = async (path, follow = false) =>
    send(
      REQUEST.fsStat,
      ({ payload }) => payload.str(checkPath(path)).u8(follow ? 1 : 0),
      REPLY.fsStat,
      context('look at', path),
      decodeEntry,
    );

  const rename: SandboxFiles['rename'] = async (from, to, replace) =>
    send(
      REQUEST.fsRename,
      ({ payload }) =>
        payload
          .str(checkPath(from))
          .str(checkPath(to))
          .u8(replace ? 1 : 0),
      REPLY.ok,
      { ...context('rename', from), target: to },
      nothing,
    );

  const remove: SandboxFiles['remove'] = async (path, recursive) =>
    send(
      REQUEST.fsRemove,
      ({ payload }) => payload.str(checkPath(path)).u8(recursive ? 1 : 0),
      REPLY.fsRemove,
      context('remove', path),
      (reply) => ({ removed: reply.u32() }),
      { mayTakeMs: REMOVE_MS },
    );

  const append = async (path: string, data: Uint8Array, mode: number, parents: number, signal?: AbortSignal): Promise<{ size: number }> => {
    let at = 0;
    for (;;) {
      throwIfCancelled(signal);
      const piece = data.subarray(at, at + CHUNK_BYTES);
      const written = await put(path, WRITE_FLAG.create | WRITE_FLAG.append | parents, mode, 0, piece);
      at += piece.length;
      if (at >= data.length) return written;
    }
  };

  /** Mode of the file that is to be replaced; undefined when there is none. */
  const modeOf = async (path: string): Promise<number | undefined> => {
    let existing: FileEntry;
    try {
      existing = await stat(path);
    } catch (error) {
      if (error instanceof CorralError && error.code === 'not_found') return undefined;
      throw error;
    }
    if (existing.kind === 'file') return existing.mode & MODE_BITS;
    if (existing.kind !== 'link') throw supervisorError(SUPERVISOR_ERROR.notAFile, 0, '', context('write', path));
    throw new CorralError('invalid_input', `${JSON.stringify(path)} is a link; more than 1 MiB is not written through one.`, {
      hint: `Write to the file it leads to, ${JSON.stringify(existing.target)}.`,
    });
  };

  const writeBeside = async (
    path: string,
    data: Uint8Array,
    options: WriteOptions,
    parents: number,
    signal?: AbortSignal,
  ): Promise<{ size: number }> => {
    const existing = await modeOf(path);
    if (existing !== undefined && options.exclusive === true) throw supervisorError(SUPERVISOR_ERROR.exists, 0, '', context('write', path));
    const mode = existing ?? options.mode ?? DEFAULT_MODE;
    const temporary = posix.join(posix.dirname(path), `.corral-${randomBytes(8).toString('hex')}.tmp`);
    let flags = WRITE_FLAG.create | WRITE_FLAG.exclusive | parents;
    try {
      let at = 0;
      do {
        throwIfCancelled(signal);
        const piece = data.subarray(at, at + CHUNK_BYTES);
        await put(temporary, flags, mode, at, piece);
        flags = 0;
        at += piece.length;
      } while (at < data.length);
      await rename(temporary, path, options.exclusive !== true);
    } catch (error) {
      if (flags === 0) await remove(temporary, false).catch(nothing); // the first failure is the one worth telling
      throw error;
    }
    return { size: data.length };
  };

  return {
    read: async (path, offset, length, signal) => {
      throwIfCancelled(signal);
      return send(
        REQUEST.fsRead,
        ({ payload }) => payload.str(checkPath(path)).u64(offset).u32(Math.min(length, CHUNK_BYTES)),
        REPLY.fsRead,
        context('read', path),
        (reply: FrameReader) => ({ size: reply.u64(), eof: reply.u8() === 1, data: reply.blob() }),
      );
    },
    write: async (path, data, options = {}, signal) => {
      throwIfCancelled(signal);
      const parents = options.makeParents === true ? WRITE_FLAG.makeParents : 0;
      const mode = options.mode ?? DEFAULT_MODE;
      if (options.append === true) return append(path, data, mode, parents, signal);
      if (data.length > CHUNK_BYTES) return writeBeside(checkPath(path), data, options, parents, signal);
      const exclusive = options.exclusive === true ? WRITE_FLAG.exclusive : 0;
      return put(path, WRITE_FLAG.create | WRITE_FLAG.replace | exclusive | parents, mode, 0, data);
    },
    stat,
    list: async (path, { after = '', max = MAX_LIST_ENTRIES } = {}) =>
      send(
        REQUEST.fsList,
        ({ payload }) => payload.str(checkPath(path)).str(after).u32(Math.min(max, MAX_LIST_ENTRIES)),
        REPLY.fsList,
        context('list', path),
        decodeEntries,
      ),
    remove,
    makeDirectory: async (path, parents) =>
      send(
        REQUEST.fsMakeDirectory,
        ({ payload }) =>
          payload
            .str(checkPath(path))
            .u8(parents ? 1 : 0)
            .u32(DIRECTORY_MODE),
        REPLY.ok,
        context('make', path),
        nothing,
      ),
    rename,
  };
};
