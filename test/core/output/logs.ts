import type { LogRef, LogRun, LogStore } from '../../../src/ports/logs.ts';

export const REF: LogRef = { sandbox: 's1', execution: 'x1' };

type Content = string | Uint8Array;

const bytesOf = (content: Content): Buffer => Buffer.from(content as string);

/** Kept output in memory; `reads` counts what was read. */
export const memoryLogs = (content: { readonly stdout?: Content; readonly stderr?: Content; readonly order?: readonly LogRun[] }) => {
  const bytes = { stdout: bytesOf(content.stdout ?? ''), stderr: bytesOf(content.stderr ?? '') };
  const reads: number[] = [];
  const logs: LogStore = {
    async read(_, stream, offset, length) {
      const read = bytes[stream].subarray(offset, offset + length);
      reads.push(read.length);
      return Uint8Array.from(read);
    },
    size: async (_, stream) => bytes[stream].length,
    order: async () => content.order ?? [],
    path: async () => undefined,
    remove: async () => undefined,
  };
  return {
    logs,
    reads,
    append(stream: 'stdout' | 'stderr', more: Content): void {
      bytes[stream] = Buffer.concat([bytes[stream], bytesOf(more)]);
    },
  };
};

export const newlinesIn = (bytes: Uint8Array): number => bytes.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
