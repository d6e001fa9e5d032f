import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { RecordedOutput } from '../../ports/store.ts';

/**
 * The kept output wherever it is: in files, or, where a short execution has none, with its record. An execution has it in one of the two,
 * so an empty file and a missing one are looked for in the record alike.
 */
export const createRecordedLogs = (files: LogStore, recorded: (execution: string) => Promise<RecordedOutput | undefined>): LogStore => {
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
    order: (ref) => files.order(ref),
    path: async (ref, stream) => ((await files.size(ref, stream)) > 0 ? files.path(ref, stream) : undefined),
    remove: (ref) => files.remove(ref),
  };
};
