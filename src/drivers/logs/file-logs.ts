import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CorralError } from '../../ports/errors.ts';
import type { LogRef, LogRun, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import { decodeOrder, ORDER_RECORD_BYTES } from './order.ts';

export interface FileLogsOptions {
  /** The state folder; logs lie in `sandboxes/<sandbox>/log` beneath it. */
  readonly stateFolder: string;
}

const MAX_READ_BYTES = 4 * 1024 * 1024;
/** 512 Ki switches between the streams. Whatever lies behind is told in stream order. */
const MAX_ORDER_BYTES = 512 * 1024 * ORDER_RECORD_BYTES;
/** Decoded at a time: a fraction of a millisecond. */
const ORDER_SLICE_BYTES = 8192 * ORDER_RECORD_BYTES;
const SUFFIX: Readonly<Record<StreamName, string>> = { stdout: 'out', stderr: 'err' };
const SANDBOX_ID = /^[a-z0-9]{1,32}$/;
const EXECUTION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A log is written by the supervisor, beside code that nobody trusts: no link is followed and nothing but a regular file is read. */
const openLog = async (path: string): Promise<FileHandle | undefined> => {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CorralError('internal', `The log ${path} cannot be opened: ${code}.`, { cause: error });
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new CorralError('internal', `The log ${path} is not a regular file.`);
};

/** Reads until `length` bytes are there or the file ends. */
const readFully = async (file: FileHandle, offset: number, length: number): Promise<Uint8Array> => {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
};

/** The kept output as files: `<execution>.out`, `.err` and `.ord`. A file that does not exist is an empty stream. */
export const createFileLogs = ({ stateFolder }: FileLogsOptions): LogStore => {
  const pathOf = ({ sandbox, execution }: LogRef, suffix: string): string => {
    if (!SANDBOX_ID.test(sandbox) || !EXECUTION_ID.test(execution))
      throw new CorralError('invalid_input', `${JSON.stringify(`${sandbox}/${execution}`)} names no execution.`);
    return join(stateFolder, 'sandboxes', sandbox, 'log', `${execution}.${suffix}`);
  };

  return {
    read: async (ref, stream, offset, length) => {
      const file = await openLog(pathOf(ref, SUFFIX[stream]));
      if (file === undefined) return new Uint8Array();
      await using owned = file;
      const { size } = await owned.stat();
      return await readFully(owned, offset, Math.max(0, Math.min(length, MAX_READ_BYTES, size - offset)));
    },
    size: async (ref, stream) => {
      const file = await openLog(pathOf(ref, SUFFIX[stream]));
      if (file === undefined) return 0;
      await using owned = file;
      return (await owned.stat()).size;
    },
    order: async (ref): Promise<readonly LogRun[]> => {
      const file = await openLog(pathOf(ref, 'ord'));
      if (file === undefined) return [];
      await using owned = file;
      const runs: LogRun[] = [];
      for (let at = 0; at < MAX_ORDER_BYTES; at += ORDER_SLICE_BYTES) {
        const slice = await readFully(owned, at, ORDER_SLICE_BYTES);
        for (const run of decodeOrder(slice)) runs.push(run);
        if (slice.length < ORDER_SLICE_BYTES) break;
      }
      return runs;
    },
    path: async (ref, stream) => pathOf(ref, SUFFIX[stream]),
    remove: async (ref) => {
      await Promise.all(['out', 'err', 'ord'].map((suffix) => rm(pathOf(ref, suffix), { force: true })));
    },
  };
};
