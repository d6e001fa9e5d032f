import type { StreamName } from '../../../ports/sandbox.ts';
import type { Searcher } from '../searcher.ts';
import { mayBeSummarised } from './summarise.ts';
import type { ShownSummary } from './shown.ts';

/** Shorter output is its own summary. */
const LEAST_BYTES = 4 * 1024;

/** More is not read for one: what a tool says is certain only when all of it was seen. */
const MOST_BYTES = 4 * 1024 * 1024;

export interface SummarySource {
  readonly command: string;
  readonly code: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  path(stream: StreamName): Promise<string | undefined>;
  read(stream: StreamName, offset: number, length: number): Promise<Uint8Array>;
}

/** Undefined: too little or too much output, or no tool that is known for certain. */
export type Summarise = (source: SummarySource) => Promise<ShownSummary | undefined>;

const STREAMS = ['stdout', 'stderr'] as const;

/** Off the event loop, in a thread that searches do not keep waiting. */
export const createSummarise =
  (searcher: Searcher): Summarise =>
  async ({ command, code, stdoutBytes, stderrBytes, path, read }) => {
    const bytes = stdoutBytes + stderrBytes;
    if (bytes < LEAST_BYTES || bytes > MOST_BYTES || !mayBeSummarised(command)) return undefined;
    const source = {
      paths: await Promise.all(STREAMS.map(path)),
      segments: Float64Array.of(0, 0, stdoutBytes, 1, 0, stderrBytes),
    };
    try {
      const { summary } = await searcher.search(
        { kind: 'summary', source, command, code, stdoutBytes },
        { read: (index, offset, length) => read(STREAMS[index] ?? 'stdout', offset, length) },
      );
      return summary;
    } catch {
      // It is an extra: the excerpt is complete without it, and says what there is to be said.
      return undefined;
    }
  };
