import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxExecution } from '../../../ports/sandbox.ts';
import { FrameDecoder, ProtocolViolation } from './frames.ts';
import { decodeExit } from './exit.ts';
import { decodeStart } from './messages.ts';
import { protocolOf, readHandle } from './handle.ts';
import { EVENT, JOURNAL_START, PROTOCOL_VERSION } from './protocol.ts';

export const JOURNAL_NAME = 'journal';

const READ_BYTES = 64 * 1024;
/** The supervisor cuts its journal at 1 MiB when nothing runs; one that is larger than this was not written by it. */
const MAX_JOURNAL_BYTES = 256 * 1024 * 1024;
const MAX_EXECUTIONS = 200_000;

/**
 * What a sandbox wrote down of its executions, in the order of their start; those without an exit were lost with it, unless it lives.
 * Reading stops, without complaint, where the journal is torn or no longer makes sense: it is written by a program that may have been
 * killed at any byte. Empty when there is no journal.
 */
export const readJournal = async (folder: string, version: number = PROTOCOL_VERSION): Promise<readonly SandboxExecution[]> => {
  const executions = new Map<string, SandboxExecution>();
  const file = await open(join(folder, JOURNAL_NAME), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined;
      throw error;
    },
  );
  if (file === undefined) return [];
  await using owned = file;
  if (!(await owned.stat()).isFile()) return [];

  const decoder = new FrameDecoder((type, _id, payload) => {
    if (type === JOURNAL_START) {
      const started = decodeStart(payload);
      if (executions.size >= MAX_EXECUTIONS) throw new ProtocolViolation('more executions than a sandbox can have had');
      executions.set(started.execution, started);
    } else if (type === EVENT.exit) {
      const exit = decodeExit(payload, version);
      const started = executions.get(exit.execution);
      if (started !== undefined)
        executions.set(exit.execution, { ...started, stdoutBytes: exit.stdout.bytes, stderrBytes: exit.stderr.bytes, exit });
    } else throw new ProtocolViolation(`a record of unknown type ${type}`);
    payload.finish();
  });
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  try {
    for (let at = 0; at < MAX_JOURNAL_BYTES;) {
      const { bytesRead } = await owned.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      decoder.push(buffer, bytesRead);
      at += bytesRead;
    }
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
  }
  return [...executions.values()];
};

/** The same of a sandbox that may be gone, whose handle tells which version of the protocol it was written in. */
export const recall = async (folder: string): Promise<readonly SandboxExecution[]> => {
  const handle = await readHandle(folder);
  return readJournal(folder, handle === undefined ? PROTOCOL_VERSION : protocolOf(handle));
};
