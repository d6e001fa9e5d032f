import { CorralError } from '../../ports/errors.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { Metrics, StreamName } from '../../ports/sandbox.ts';
import type { SandboxRecord } from '../../ports/store.ts';
import type { Executions, Look } from '../executions/types.ts';
import type { Output } from '../output/output.ts';
import { assembleReceipt, type Receipt, type StreamReceipt } from './receipt.ts';

export interface ReceiptsDeps {
  readonly executions: Pick<Executions, 'look' | 'follow'>;
  readonly logs: LogStore;
  readonly sandbox: (id: string) => Promise<SandboxRecord | undefined>;
  /** SHA-256 of the kept bytes, in hex; off the event loop. */
  readonly hash: Output['hash'];
}

export interface Receipts {
  /** Throws `not_found` where there is no such execution. */
  receipt(id: string, signal: AbortSignal): Promise<Receipt>;
}

export const createReceipts = ({ executions, logs, sandbox, hash }: ReceiptsDeps): Receipts => {
  /** What it uses now; undefined when it ended meanwhile, or its sandbox cannot be reached. */
  const metricsOf = async (id: string, signal: AbortSignal): Promise<Metrics | undefined> => {
    try {
      const one = await executions.follow(id, signal);
      return (await one?.live.sandbox.inspect(id))?.metrics;
    } catch (error) {
      if (error instanceof CorralError && ['not_found', 'lost', 'unavailable', 'unsupported'].includes(error.code)) return undefined;
      throw error;
    }
  };

  const streamOf = async ({ record, stdoutBytes, stderrBytes }: Look, stream: StreamName, signal: AbortSignal): Promise<StreamReceipt> => {
    const known = record[stream];
    const bytes = known?.bytes ?? (stream === 'stdout' ? stdoutBytes : stderrBytes);
    const size = { bytes, ...(known !== undefined && { lines: known.newlines }) };
    // What background processes still write would make another hash of it.
    if (record.status === 'running' || (record.background ?? 0) > 0 || bytes === 0) return size;
    const ref = { sandbox: record.sandbox, execution: record.id };
    const path = await logs.path(ref, stream);
    const source = path === undefined ? { data: await logs.read(ref, stream, 0, bytes) } : { path, bytes };
    if ('data' in source && source.data.length < bytes) return size;
    return { ...size, sha256: await hash(source, signal) };
  };

  return {
    receipt: async (id, signal) => {
      const running = (await executions.look(id)).record.status === 'running';
      const metrics = running ? await metricsOf(id, signal) : undefined;
      const look = await executions.look(id);
      const [stdout, stderr, place] = await Promise.all([
        streamOf(look, 'stdout', signal),
        streamOf(look, 'stderr', signal),
        sandbox(look.record.sandbox),
      ]);
      return assembleReceipt({ record: look.record, sandbox: place, metrics, stdout, stderr });
    },
  };
};
