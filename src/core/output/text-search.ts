export interface TextHit {
  /** From 1. */
  readonly line: number;
  /** The line, cut to a readable length. */
  readonly text: string;
}

/** Regular expressions of an agent over bytes in memory: off the event loop and under a time limit. */
export interface TextSearch {
  search(
    data: Uint8Array,
    pattern: string,
    options: { readonly ignoreCase: boolean; readonly max: number; readonly signal?: AbortSignal },
  ): Promise<readonly TextHit[]>;
}
