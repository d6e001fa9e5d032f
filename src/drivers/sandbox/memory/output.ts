import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogRun } from '../../../ports/logs.ts';
import type { Exit, StreamName, StreamSize } from '../../../ports/sandbox.ts';
import { encodeOrder } from '../../logs/order.ts';

const SUFFIX: Readonly<Record<StreamName, string>> = { stdout: 'out', stderr: 'err' };
const INLINE_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

/** The output of one execution on its way into the log files that a supervisor would write. */
export interface Output {
  /** Takes what the quota leaves room for; false when it is passed. */
  print(stream: StreamName, data: Uint8Array): boolean;
  size(stream: StreamName): StreamSize;
  /** Both whole streams when they are small. */
  inline(): Exit['inline'];
  /** Resolves when the files hold everything printed so far. */
  flush(): Promise<void>;
}

export const createOutput = (logFolder: string, execution: string, quota: number): Output => {
  const started = performance.now();
  const sizes: Record<StreamName, { bytes: number; newlines: number }> = {
    stdout: { bytes: 0, newlines: 0 },
    stderr: { bytes: 0, newlines: 0 },
  };
  const small: Record<StreamName, Uint8Array[]> = { stdout: [], stderr: [] };
  const runs: LogRun[] = [];
  let written = Promise.resolve();

  const append = async (stream: StreamName, data: Uint8Array): Promise<void> => {
    await mkdir(logFolder, { recursive: true, mode: 0o700 });
    await using file = await open(join(logFolder, `${execution}.${SUFFIX[stream]}`), 'a', 0o600);
    await file.appendFile(data);
  };
  const total = (): number => sizes.stdout.bytes + sizes.stderr.bytes;

  return {
    print: (stream, data) => {
      const room = quota === 0 ? data.length : Math.max(0, quota - total());
      const kept = Uint8Array.prototype.slice.call(data, 0, room) as Uint8Array;
      if (kept.length > 0) {
        sizes[stream].bytes += kept.length;
        for (const byte of kept) if (byte === NEWLINE) sizes[stream].newlines += 1;
        if (total() <= INLINE_BYTES) small[stream].push(kept);
        const last = runs.at(-1);
        if (last?.stream === stream) runs[runs.length - 1] = { ...last, bytes: last.bytes + kept.length };
        else runs.push({ stream, bytes: kept.length, atMs: Math.round(performance.now() - started) });
        written = written.then(() => append(stream, kept));
        written.catch(() => {}); // `flush` tells
      }
      return kept.length === data.length;
    },
    size: (stream) => ({ ...sizes[stream] }),
    inline: () => (total() > INLINE_BYTES ? undefined : { stdout: Buffer.concat(small.stdout), stderr: Buffer.concat(small.stderr) }),
    flush: async () => {
      await written;
      if (runs.some(({ stream }) => stream === 'stderr'))
        await writeFile(join(logFolder, `${execution}.ord`), encodeOrder(runs), { mode: 0o600 });
    },
  };
};
