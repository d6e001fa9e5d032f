import { fstatSync, write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Takes bytes for a file descriptor; resolves when they are written. */
export type Sink = (data: Uint8Array) => Promise<void>;

const AGAIN_MS = 5;
const STDOUT = 1;
const STDERR = 2;

const writeOnce = (fd: number, data: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, data, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === 'EAGAIN') resolve(0);
      else reject(error);
    });
  });

/**
 * Writes bytes as they are. Unlike process.stdout it never holds up the process while the reader is slow: signals and leases go on. Rejects
 * with EPIPE when nobody reads any more.
 */
const createSink =
  (fd: number): Sink =>
  async (data) => {
    for (let rest = data; rest.length > 0;) {
      const written = await writeOnce(fd, rest);
      rest = rest.subarray(written);
      if (written === 0) await sleep(AGAIN_MS);
    }
  };

/** Sinks for standard output and error: one and the same where both lead to one place, such as a terminal. */
export const createStandardSinks = (): { readonly stdout: Sink; readonly stderr: Sink } => {
  const stdout = createSink(STDOUT);
  const [out, err] = [STDOUT, STDERR].map((fd) => fstatSync(fd));
  const isOnePlace = out !== undefined && err !== undefined && out.dev === err.dev && out.ino === err.ino;
  return { stdout, stderr: isOnePlace ? stdout : createSink(STDERR) };
};

export const isBrokenPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
