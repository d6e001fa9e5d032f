import type { Tracked } from '../../core/executions/tracked.ts';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Sink } from './fd-sink.ts';

export type Positions = Readonly<Record<StreamName, number>>;
export type Sinks = Readonly<Partial<Record<StreamName, Sink>>>;

const STREAMS = ['stdout', 'stderr'] as const;
const CHUNK_BYTES = 256 * 1024;

/** Copies kept output to where it is wanted, each byte once, the two streams in the order of their arrival. */
export interface OutputCopier {
  /** Copies up to these sizes. */
  copyTo(sizes: Positions): Promise<void>;
}

export const createOutputCopier = (logs: LogStore, ref: LogRef, sinks: Sinks, from: Positions): OutputCopier => {
  const at: Record<StreamName, number> = { ...from };

  const copy = async (stream: StreamName, end: number): Promise<void> => {
    const sink = sinks[stream];
    while (sink !== undefined && at[stream] < end) {
      const data = await logs.read(ref, stream, at[stream], Math.min(CHUNK_BYTES, end - at[stream]));
      // Told of, but not there: the log was cut or forgotten meanwhile.
      if (data.length === 0) return;
      await sink(data);
      at[stream] += data.length;
    }
  };

  return {
    copyTo: async (sizes) => {
      const grown = STREAMS.filter((stream) => sinks[stream] !== undefined && at[stream] < sizes[stream]);
      if (grown.length > 1) {
        const told: Record<StreamName, number> = { stdout: 0, stderr: 0 };
        for (const run of await logs.order(ref)) {
          told[run.stream] += run.bytes;
          await copy(run.stream, Math.min(told[run.stream], sizes[run.stream]));
        }
      }
      for (const stream of STREAMS) await copy(stream, sizes[stream]);
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
