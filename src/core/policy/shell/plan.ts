/**
 * What accepted shell text means, as data: a runner executes it without a shell. The format is written down in docs/reference/shell-plan.md.
 * A plan is JSON: no field is undefined, no number is fractional.
 */

/** `literal` is taken as it stands; `glob` is a pattern with `*`, `?` and `[...]`; `home` is the home folder of the sandbox. */
export type WordPart = { readonly literal: string } | { readonly glob: string } | { readonly home: true };

/** One argument, or with a glob part as many as there are matches. Never empty: an empty argument is one empty literal. */
export type Word = readonly WordPart[];

export type RedirectTarget =
  | { readonly kind: 'fd'; readonly fd: 1 | 2 }
  | { readonly kind: 'null' }
  | { readonly kind: 'file'; readonly path: string; readonly mode: 'read' | 'write' | 'append' }
  | { readonly kind: 'data'; readonly data: string };

/** Carried out in order, left to right. */
export interface Redirect {
  readonly fd: 0 | 1 | 2;
  readonly target: RedirectTarget;
}

export interface PlanCommand {
  readonly kind: 'command';
  readonly argv: readonly Word[];
  /** Added to the environment of this program alone. */
  readonly env: Readonly<Record<string, string>>;
  readonly redirects: readonly Redirect[];
  /** UTF-16 offset of its first word in the text. */
  readonly at: number;
  /** Filled in by the decision: the file to execute; absent when no trusted folder has it, and then the command fails to start. */
  readonly path?: string;
  /** Arguments that the decision adds, before the word with the index `at`. */
  readonly insert?: { readonly at: number; readonly words: readonly string[] };
  /** Indices of words with a glob whose matches have to lie beneath the roots once links are followed. */
  readonly inside?: readonly number[];
}

export interface PlanCd {
  readonly kind: 'cd';
  readonly path: string;
  readonly at: number;
}

/** When a step is carried out, by the status of the last step that was. */
export type When = 'always' | 'success' | 'failure';

export interface PlanStep {
  readonly when: When;
  /** `cd` stands alone. */
  readonly stages: readonly PlanCommand[] | readonly [PlanCd];
  /** Report on stderr how long it took. */
  readonly timed: boolean;
}

export interface ShellPlan {
  readonly version: 1;
  readonly steps: readonly PlanStep[];
}

export const planToJson = (plan: ShellPlan): string => JSON.stringify(plan);

export const isLiteral = (word: Word): boolean => word.every((part) => 'literal' in part);

/** The word as one text: a glob as its pattern, the home folder as `~`. */
export const wordText = (word: Word): string => {
  const [only] = word;
  if (word.length === 1 && only !== undefined && 'literal' in only) return only.literal;
  return word.map((part) => ('literal' in part ? part.literal : 'glob' in part ? part.glob : '~')).join('');
};
