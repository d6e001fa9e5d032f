import type { StreamName } from '../../ports/sandbox.ts';
import type { Look } from './types.ts';

/** Output that was printed, counted where it arrived, and is not there any more: its log was deleted or cut from outside. */

type Sizes = Readonly<Record<StreamName, number>>;

const STREAMS = ['stdout', 'stderr'] as const;

/** The look with what is there, and what is missing of what was printed. */
export const withLoss = (look: Look, printed: Sizes, there: Sizes): Look => {
  const lost = { stdout: Math.max(0, printed.stdout - there.stdout), stderr: Math.max(0, printed.stderr - there.stderr) };
  return { ...look, stdoutBytes: there.stdout, stderrBytes: there.stderr, ...(lost.stdout + lost.stderr > 0 && { lost }) };
};

/** A sentence for each stream of which something is missing. */
export const lossHints = ({ lost, stdoutBytes, stderrBytes }: Pick<Look, 'lost' | 'stdoutBytes' | 'stderrBytes'>): string[] => {
  const there = { stdout: stdoutBytes, stderr: stderrBytes };
  return STREAMS.flatMap((stream) => {
    const missing = lost?.[stream] ?? 0;
    if (missing === 0) return [];
    const of = missing + there[stream];
    const what =
      there[stream] === 0
        ? `all ${of.toLocaleString('en-US')} bytes`
        : `${missing.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} bytes`;
    return [`${stream}: ${what} that it printed are lost: the log was deleted or cut from outside.`];
  });
};
