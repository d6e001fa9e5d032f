import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { RecordedOutput } from '../../ports/store.ts';

const STREAMS = ['stdout', 'stderr'] as const;

/**
 * The kept output wherever it is: in files, or, where a short execution has none, with its record. An execution has it in one of the two,
 * so an empty file and a missing one are looked for in the record alike.
 */
export const createRecordedLogs = (
  files: LogStore,
  recorded: (execution: string) => Promise<RecordedOutput | undefined>,
  /** How long it ran, in ms. */
  ranMs: (execution: string) => Promise<number | undefined> = async () => undefined,
): LogStore => {
  const streamOf = async ({ execution }: LogRef, stream: StreamName): Promise<Uint8Array | undefined> =>
    (await recorded(execution))?.[stream];

  return {
    read: async (ref, stream, offset, length) => {
      const bytes = await files.read(ref, stream, offset, length);
      if (bytes.length > 0 || length <= 0) return bytes;
      return (await streamOf(ref, stream))?.subarray(offset, offset + length) ?? bytes;
    },
    size: async (ref, stream) => {
      const size = await files.size(ref, stream);
      return size > 0 ? size : ((await streamOf(ref, stream))?.length ?? 0);
    },
    order: async (ref) => {
      const runs = await files.order(ref);
      if (runs.length > 0) return runs;
      const output = await recorded(ref.execution);
      if (output === undefined) return runs;
      // Output that was never in a file is from the last moments of its program.
      const atMs = Math.max(0, Math.round((await ranMs(ref.execution)) ?? 0));
      return STREAMS.flatMap((stream) => (output[stream].length > 0 ? [{ stream, bytes: output[stream].length, atMs }] : []));
    },
    path: async (ref, stream) => ((await files.size(ref, stream)) > 0 ? files.path(ref, stream) : undefined),
    remove: (ref) => files.remove(ref),
  };
};
