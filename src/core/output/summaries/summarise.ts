import { decode } from '../../../lib/utf8.ts';
import { fold } from '../fold.ts';
import { SUMMARISERS } from './registry.ts';
import { boundedProblems, type ShownSummary } from './shown.ts';

/** How an execution ended, and what was run. */
export interface SummaryRequest {
  readonly command: string;
  readonly code: number;
}

const MAX_LINE = 2_000;

/** Lines of a stream as summarisers read them. */
export const linesOf = (bytes: Uint8Array): string[] => {
  const lines = fold(decode(bytes).text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line));
};

export const mayBeSummarised = (command: string): boolean => SUMMARISERS.some(({ matches }) => matches(command));

/**
 * The first tool whose word agrees with the exit code. Undefined: none is recognised with certainty, or one tells of trouble in a command that
 * ended well, which then is not for a summary to judge.
 */
export const summarise = (lines: readonly string[], { command, code }: SummaryRequest): ShownSummary | undefined => {
  for (const summariser of SUMMARISERS) {
    if (!summariser.matches(command)) continue;
    const summary = summariser.summarise({ command, lines });
    if (summary === undefined) continue;
    const { troubles, counts, problems } = summary;
    if (code === 0 && troubles > 0) return undefined;
    // Another tool may know why; trouble that cannot be told is better read in the output itself.
    if (code !== 0 && (troubles === 0 || problems.length === 0)) continue;
    const shown = boundedProblems(problems);
    return { tool: summariser.name, counts, problems: shown, more: problems.length - shown.length };
  }
  return undefined;
};
