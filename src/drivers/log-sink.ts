import { write, writeSync } from 'node:fs';

/** Whole lines to a file descriptor, in order, without ever waiting for its reader. */
export interface LogSink {
  write(line: string): void;
  /** Writes what is still queued, then `last`, for the end of the process: within 200 ms, as far as it is read. Never throws. */
  finish(last: string): void;
}

/** More than this unwritten, in characters, and lines are dropped; how many is told when there is room again. */
const MAX_QUEUED = 1024 * 1024;
const AGAIN_MS = 20;
const LAST_TRIES = 20;
const LAST_WAIT_MS = 10;

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const writeLast = (fd: number, data: Buffer): void => {
  for (let rest = data, tries = 0; rest.length > 0 && tries < LAST_TRIES;)
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      // Nobody reads any more, and the process is ending: there is no one left to tell.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      tries += 1;
      pause(LAST_WAIT_MS);
    }
};

/**
 * A log must not hold up the server: a reader that does not read costs lines, one that is gone ends the log. The descriptor must not block
 * when it is a pipe.
 */
export const createLogSink = (fd: number): LogSink => {
  let queue: string[] = [];
  let queued = 0;
  let dropped = 0;
  let busy = false;
  let broken = false;

  const take = (): Buffer => {
    const lost =
      dropped > 0 ? `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), dropped, msg: 'log lines were dropped' })}\n` : '';
    const text = queue.join('') + lost;
    queue = [];
    queued = 0;
    dropped = 0;
    return Buffer.from(text);
  };

  const send = (data: Buffer): void => {
    write(fd, data, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(send, AGAIN_MS, data).unref();
      else if (error !== null) broken = true;
      else if (written < data.length) send(data.subarray(written));
      else if (queue.length > 0) send(take());
      else busy = false;
    });
  };

  return {
    write: (line) => {
      if (broken) return;
      if (queued + line.length > MAX_QUEUED) {
        dropped += 1;
        return;
      }
      queue.push(line);
      queued += line.length;
      if (busy) return;
      busy = true;
      send(take());
    },
    finish: (last) => {
      if (broken || (queue.length === 0 && last === '')) return;
      broken = true;
      writeLast(fd, Buffer.concat([take(), Buffer.from(last)]));
    },
  };
};
