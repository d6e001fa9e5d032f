import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { findCodec } from './codec.ts';
import { type Scan, scanGrep, scanLocate, scanMatch } from './scan.ts';
import type { FromThread, HashResult, SearchJob, SearchResult, SearchSource, ToThread } from './search-protocol.ts';
import { scanSummary } from './summaries/scan-summary.ts';

/** The search thread: one job at a time, synchronous reads, a sign of life after every chunk. */

const CHUNK = 1024 * 1024;

const scanHash = (): Scan<HashResult> => {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    push: (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
      return true;
    },
    finish: () => ({ bytes, sha256: hash.digest('hex') }),
  };
};

const startScan = async (job: SearchJob): Promise<Scan<SearchResult>> => {
  if (job.kind === 'summary') return scanSummary(job);
  if (job.kind === 'locate') return scanLocate(job.from, job.to);
  if (job.kind === 'hash') return scanHash();
  const codec = job.encoding === undefined ? undefined : await findCodec(job.encoding);
  return job.kind === 'grep' ? scanGrep(job, codec) : scanMatch(job, codec);
};

interface Reader {
  /** Empty at the end. */
  read(index: number, offset: number, length: number): Promise<Uint8Array>;
  close(): void;
}

const createReader = (
  paths: readonly (string | undefined)[],
  ask: (index: number, offset: number, length: number) => Promise<Uint8Array>,
): Reader => {
  const files = new Map<number, number>();
  /** Undefined when it was deleted meanwhile: nothing is there any more. */
  const descriptor = (index: number, path: string): number | undefined => {
    const open = files.get(index);
    if (open !== undefined) return open;
    try {
      const made = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      files.set(index, made);
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  return {
    async read(index, offset, length) {
      const path = paths[index];
      if (path === undefined) return await ask(index, offset, length);
      const file = descriptor(index, path);
      if (file === undefined) return new Uint8Array();
      const buffer = Buffer.allocUnsafe(length);
      return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
    },
    close() {
      for (const file of files.values()) closeSync(file);
    },
  };
};

const feed = async (
  source: SearchSource,
  scan: Scan<SearchResult>,
  ask: Parameters<typeof createReader>[1],
  alive: () => void,
): Promise<void> => {
  if ('data' in source) {
    for (let at = 0; at < source.data.length; at += CHUNK) {
      if (!scan.push(source.data.subarray(at, at + CHUNK))) return;
      alive();
    }
    return;
  }
  const reader = createReader(source.paths, ask);
  const { segments } = source;
  try {
    for (let at = 0; at + 2 < segments.length; at += 3) {
      const [index = 0, offset = 0, length = 0] = segments.subarray(at, at + 3);
      for (let done = 0; done < length;) {
        const bytes = await reader.read(index, offset + done, Math.min(CHUNK, length - done));
        if (bytes.length === 0) break;
        if (!scan.push(bytes)) return;
        done += bytes.length;
        alive();
      }
    }
  } finally {
    reader.close();
  }
};

const serve = (port: MessagePort): void => {
  const say = (message: FromThread): void => port.postMessage(message);
  let answer: ((bytes: Uint8Array) => void) | undefined;
  const ask = (index: number, offset: number, length: number): Promise<Uint8Array> =>
    new Promise((resolve) => {
      answer = resolve;
      say({ need: { index, offset, length } });
    });
  const run = async (job: SearchJob): Promise<void> => {
    try {
      const scan = await startScan(job);
      await feed(job.source, scan, ask, () => say({ alive: true }));
      say({ result: scan.finish() });
    } catch (error) {
      say({ failed: error instanceof Error ? error.message : String(error) });
    }
  };
  port.on('message', (message: ToThread) => {
    if ('job' in message) void run(message.job);
    else answer?.(message.bytes);
  });
};

if (parentPort === null) throw new Error('This program is the search thread of Corral; it is not started by itself.');
serve(parentPort);
