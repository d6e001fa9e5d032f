import type { StreamName } from './sandbox.ts';

/** Names the output of one execution: it outlives its sandbox. */
export interface LogRef {
  readonly sandbox: string;
  readonly execution: string;
}

/** One run of bytes of one stream, in the order of arrival. */
export interface LogRun {
  readonly stream: StreamName;
  readonly bytes: number;
  /** Milliseconds since the execution started. */
  readonly atMs: number;
}

/** The kept output: every byte that was printed, up to the quota. Byte offsets are the only positions. */
export interface LogStore {
  /** Bytes from `offset`; shorter at the end, empty past it or when nothing was printed. At most 4 MiB a call. */
  read(ref: LogRef, stream: StreamName, offset: number, length: number): Promise<Uint8Array>;
  size(ref: LogRef, stream: StreamName): Promise<number>;
  /** How the two streams interleave; empty when only one spoke and quickly. Whatever is missing at its end is in stream order. */
  order(ref: LogRef): Promise<readonly LogRun[]>;
  /** Path of the raw file, for a search outside the event loop; undefined when this output is not in a file. */
  path(ref: LogRef, stream: StreamName): Promise<string | undefined>;
  /** Forgets the output of one execution. */
  remove(ref: LogRef): Promise<void>;
}
