/** Lines of kept output as they are shown, each stretch with the bytes that it stands for: cuts and cursors stay exact. */
export interface Stretch {
  /** What is shown of it, without line ends. */
  readonly rows: readonly string[];
  /** Of the stream, line ends included. */
  readonly bytes: number;
  /** Lines of the stream that are not among the rows: they repeat others, or were drawn over. */
  readonly folded: number;
}
