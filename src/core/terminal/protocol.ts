import type { TerminalSize } from './sizes.ts';

/** What the event loop and the thread of the screens say to each other. */

/** A screen as it stands, in plain text. */
export interface Snapshot {
  /** Line by line; trailing blanks and empty lines at the end are left out. */
  readonly text: string;
  /** From 1. */
  readonly row: number;
  readonly col: number;
  readonly cols: number;
  readonly rows: number;
  /** A full-screen program has the screen. */
  readonly alternate: boolean;
  readonly title: string;
  /** The program asked for the other form of the cursor keys. */
  readonly applicationCursor: boolean;
  /** The line in which the cursor stands, over all rows that it fills; where that one is empty, the last one above that is not. */
  readonly line: string;
  /** It was made from the end of the output alone: what was drawn before may be missing. */
  readonly partial: boolean;
}

export interface ScreenJob {
  readonly id: number;
  /** The execution. */
  readonly screen: string;
  /** The kept output: its file, or itself. */
  readonly source: { readonly path: string } | { readonly data: Uint8Array };
  readonly sizes: readonly TerminalSize[];
  /** Bytes of the output that the screen is to show. */
  readonly to: number;
  /** What is asked of the terminal from this byte on is answered. */
  readonly answerFrom: number;
}

export type ScreenReply =
  | {
      readonly id: number;
      readonly snapshot: Snapshot;
      /** What the terminal says to the program. */
      readonly answers: string;
    }
  | { readonly id: number; readonly failed: string };
