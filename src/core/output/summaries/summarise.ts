import { decode } from '../../../lib/utf8.ts';
import { fold } from '../fold.ts';
import { SUMMARISERS } from './registry.ts';
import type { Problem, Summary } from './summary.ts';

/** What an answer holds of a summary. */
export interface ShownSummary extends Summary {
  readonly tool: string;
  /** Problems that are not among those shown. */
  readonly more: number;
}

/** How an execution ended, and what was run. */
export interface SummaryRequest {
  readonly command: string;
  readonly code: number;
}

const MAX_LINE = 2_000;
const MAX_PROBLEMS = 20;
const MAX_TEXT = 1_200;
/** Of all problems together, in characters. */
const MAX_ALL = 6_000;
/** The first one is shown even where it is long. */
const MAX_NAME = 300;

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;

const bounded = (problem: Problem): Problem => ({
  ...(problem.name !== undefined && { name: cut(problem.name, MAX_NAME) }),
  ...(problem.at !== undefined && { at: cut(problem.at, MAX_NAME) }),
  text: cut(problem.text, MAX_TEXT),
});

const sizeOf = ({ name = '', at = '', text }: Problem): number => name.length + at.length + text.length;

/** As many problems as there is room for; at least one. */
const shown = (problems: readonly Problem[]): readonly Problem[] => {
  const kept: Problem[] = [];
  let room = MAX_ALL;
  for (const problem of problems.slice(0, MAX_PROBLEMS).map(bounded)) {
    room -= sizeOf(problem);
    if (room < 0 && kept.length > 0) break;
    kept.push(problem);
  }
  return kept;
};

/** Lines of a stream as summarisers read them. */
export const linesOf = (bytes: Uint8Array): string[] => {
  const lines = fold(decode(bytes).text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line));
};

/** Undefined: no tool is recognised with certainty, or what it says does not agree with how it ended. */
export const summarise = (lines: readonly string[], { command, code }: SummaryRequest): ShownSummary | undefined => {
  for (const summariser of SUMMARISERS) {
    if (!summariser.matches(command)) continue;
    const summary = summariser.summarise({ command, lines, code });
    if (summary === undefined) continue;
    // Trouble that cannot be told is better read in the output itself.
    if (code !== 0 && summary.problems.length === 0) continue;
    const problems = shown(summary.problems);
    return { tool: summariser.name, counts: summary.counts, problems, more: summary.problems.length - problems.length };
  }
  return undefined;
};
