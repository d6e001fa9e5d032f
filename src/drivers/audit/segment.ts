import { constants, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** An open segment file: bytes go to its end and nowhere else. */
export interface Segment {
  readonly number: number;
  /** Writes all of it. After a failure what was not written is kept, and goes first next time: no line is written twice or in half. */
  write(data: Buffer): Promise<void>;
  /** At once, for the end of the process. Throws when not everything could be written. */
  writeNow(data: Buffer): void;
  /** Resolves when what was written outlives the machine. False when the file was removed, replaced or cut behind our back. */
  sync(): Promise<boolean>;
  close(): Promise<void>;
}

/** A file of its own, 0600: one that is there already is never continued, and no link is followed. */
export const createSegment = async (path: string, number: number): Promise<Segment> => {
  const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600);
  let rest: Buffer = Buffer.alloc(0);
  let size = 0;

  return {
    number,
    async write(data) {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      while (rest.length > 0) {
        const { bytesWritten } = await file.write(rest);
        size += bytesWritten;
        rest = rest.subarray(bytesWritten);
      }
    },
    writeNow(data) {
      rest = Buffer.concat([rest, data]);
      while (rest.length > 0) {
        const written = writeSync(file.fd, rest);
        size += written;
        rest = rest.subarray(written);
      }
    },
    async sync() {
      await file.datasync();
      const found = await file.stat();
      return found.nlink > 0 && found.size === size;
    },
    close: () => file.close(),
  };
};
