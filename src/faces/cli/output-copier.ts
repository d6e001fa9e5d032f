import type { Tracked } from '../../core/executions/tracked.ts';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Sink } from './fd-sink.ts';

export type Positions = Readonly<Record<StreamName, number>>;
export type Sinks = Readonly<Partial<Record<StreamName, Sink>>>;

const STREAMS = ['stdout', 'stderr'] as const;
const CHUNK_BYTES = 256 * 1024;

/**
 * Copies kept output to where it is wanted, each byte once. Where both streams go to one sink, they come in the order of their arrival; between
 * two places there is no order.
 */
export interface OutputCopier {
  /** Copies up to these sizes. */
  copyTo(sizes: Positions): Promise<void>;
}

/** Reads a log piece by piece, without asking the disk for each piece. */
const createWindow = (logs: LogStore, ref: LogRef, stream: StreamName) => {
  let from = 0;
  let data: Uint8Array = new Uint8Array();
  /** At least one byte of [at, end), unless there is none. */
  return async (at: number, end: number): Promise<Uint8Array> => {
    if (at < from || at >= from + data.length) {
      data = await logs.read(ref, stream, at, CHUNK_BYTES);
      from = at;
    }
    return data.subarray(at - from, Math.min(end - from, data.length));
  };
};

/** Gathers pieces for one sink, so that many small ones are one write. */
const createBatch = (sink: Sink) => {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (bytes > 0) await sink(Buffer.concat(pieces));
    pieces = [];
    bytes = 0;
  };
  return {
    add: async (piece: Uint8Array): Promise<void> => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= CHUNK_BYTES) await flush();
    },
    flush,
  };
};

export const createOutputCopier = (logs: LogStore, ref: LogRef, sinks: Sinks, from: Positions): OutputCopier => {
  const at: Record<StreamName, number> = { ...from };
  const isOnePlace = sinks.stdout !== undefined && sinks.stdout === sinks.stderr;
  const windows = { stdout: createWindow(logs, ref, 'stdout'), stderr: createWindow(logs, ref, 'stderr') };
  const stdout = sinks.stdout && createBatch(sinks.stdout);
  const batches = { stdout, stderr: isOnePlace ? stdout : sinks.stderr && createBatch(sinks.stderr) };

  const copy = async (stream: StreamName, end: number): Promise<void> => {
    const batch = batches[stream];
    while (batch !== undefined && at[stream] < end) {
      const data = await windows[stream](at[stream], end);
      // Told of, but not there: the log was cut or forgotten meanwhile.
      if (data.length === 0) return;
      await batch.add(data);
      at[stream] += data.length;
    }
  };

  return {
    copyTo: async (sizes) => {
      if (isOnePlace && STREAMS.every((stream) => at[stream] < sizes[stream])) {
        const told: Record<StreamName, number> = { stdout: 0, stderr: 0 };
        for (const run of await logs.order(ref)) {
          told[run.stream] += run.bytes;
          await copy(run.stream, Math.min(told[run.stream], sizes[run.stream]));
        }
      }
      for (const stream of STREAMS) {
        await copy(stream, sizes[stream]);
        await batches[stream]?.flush();
      }
    },
  };
};

const sizesOf = ({ stdoutBytes, stderrBytes }: { readonly stdoutBytes: number; readonly stderrBytes: number }): Positions => ({
  stdout: stdoutBytes,
  stderr: stderrBytes,
});

/** Copies what an execution prints until it has ended or `signal` aborts. */
export const copyUntilEnd = async (one: Tracked, copier: OutputCopier, signal: AbortSignal): Promise<void> => {
  let news = true;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    news = true;
    wake?.();
  };
  one.listeners.add(ring);
  signal.addEventListener('abort', ring);
  one.watchers += 1;
  try {
    // An execution that ends meanwhile cannot be watched any more, and need not be.
    if (one.record.status === 'running')
      await one.live.sandbox.watch(one.record.id, true).catch((error: unknown) => {
        if (one.record.status === 'running') throw error;
      });
    while (!signal.aborted) {
      news = false;
      const ended = one.record.status === 'finished';
      await copier.copyTo(sizesOf(one));
      if (ended) return;
      if (!news) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    one.watchers -= 1;
    one.listeners.delete(ring);
    signal.removeEventListener('abort', ring);
  }
};
