import type { Problem, Summary } from './summary.ts';

/** What an answer holds of a summary. */
export interface ShownSummary extends Omit<Summary, 'troubles'> {
  readonly tool: string;
  /** Problems that are not among those shown. */
  readonly more: number;
}

const MAX_PROBLEMS = 20;
const MAX_TEXT = 1_200;
const MAX_NAME = 300;
/** Of all problems together, in characters. */
const MAX_ALL = 6_000;

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;

const bounded = (problem: Problem, room: number): Problem => ({
  ...(problem.name !== undefined && { name: cut(problem.name, MAX_NAME) }),
  ...(problem.at !== undefined && { at: cut(problem.at, MAX_NAME) }),
  text: cut(problem.text, Math.min(MAX_TEXT, room)),
});

const sizeOf = ({ name = '', at = '', text }: Problem): number => name.length + at.length + text.length;

/** As many problems as there is room for (in characters), in their order; at least one. */
export const boundedProblems = (problems: readonly Problem[], room = MAX_ALL): readonly Problem[] => {
  const kept: Problem[] = [];
  let left = room;
  for (const problem of problems.slice(0, MAX_PROBLEMS).map((one) => bounded(one, room))) {
    left -= sizeOf(problem);
    if (left < 0 && kept.length > 0) break;
    kept.push(problem);
  }
  return kept;
};

/** A quarter of what an answer may take, at most. */
const SHARE = 0.25;

/** The summary in an answer of so many bytes, one of several perhaps. */
export const fitted = (summary: ShownSummary, budgetBytes: number): ShownSummary => {
  const problems = boundedProblems(summary.problems, Math.min(MAX_ALL, Math.floor(budgetBytes * SHARE)));
  return { ...summary, problems, more: summary.more + summary.problems.length - problems.length };
};
