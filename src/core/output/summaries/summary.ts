/** What a tool's output comes to: counts, and what went wrong, worst first. */
export interface Summary {
  /** What the tool fails for; 0: it tells of success. Must agree with the exit code, or there is no summary. */
  readonly troubles: number;
  /** As the tool counts: passed, failed, errors, warnings, added, ... Zeros are left out. */
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly Problem[];
}

export interface Problem {
  /** Of the test, the rule or the code of the message. */
  readonly name?: string | undefined;
  /** file:line, with the column where the tool says it. */
  readonly at?: string | undefined;
  readonly text: string;
}

export interface Ran {
  /** Everything that was started, one command behind the other, as text. */
  readonly command: string;
  /** Both streams, stdout first, as people see them: no colours, no control characters. A line is at most 2,000 characters long. */
  readonly lines: readonly string[];
}

/**
 * Knows one tool. Pure and bounded: time in proportion to the text, whatever it holds. Undefined unless it is certain that this is the tool's
 * output, and that its end is there. How it ended is not its business: whoever asks compares.
 */
export interface Summariser {
  readonly name: string;
  /** May this command have run the tool? */
  readonly matches: (command: string) => boolean;
  readonly summarise: (ran: Ran) => Summary | undefined;
}

/** Without zeros and what was not found. */
export const counted = (counts: Readonly<Record<string, number | undefined>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0));
