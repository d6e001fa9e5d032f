/** The sizes that a terminal has had: what was printed is laid out by the size that held then. */
export interface TerminalSize {
  /** Bytes printed before it held. */
  readonly at: number;
  readonly cols: number;
  readonly rows: number;
}

export const DEFAULT_SIZE = { cols: 120, rows: 40 } as const;
export const MAX_SIDE = 1000;
/** The first one and the last ones of a terminal that is resized all the time. */
const KEPT = 32;

const isSize = (value: unknown): value is TerminalSize => {
  if (typeof value !== 'object' || value === null) return false;
  const { at, cols, rows } = value as Record<string, unknown>;
  const isSide = (side: unknown): boolean => Number.isInteger(side) && (side as number) >= 1 && (side as number) <= MAX_SIDE;
  return Number.isSafeInteger(at) && (at as number) >= 0 && isSide(cols) && isSide(rows);
};

const parse = (meta: string): Record<string, unknown> => JSON.parse(meta) as Record<string, unknown>;

/** Of an execution by its meta, in the order of time; undefined when it has no terminal. What is no size is left out: meta comes back from sandboxes. */
export const sizesOf = (meta: string): readonly TerminalSize[] | undefined => {
  const { pty } = parse(meta);
  if (!Array.isArray(pty)) return undefined;
  const sizes = pty.slice(0, KEPT).filter(isSize);
  return sizes.length === 0 ? [{ at: 0, ...DEFAULT_SIZE }] : sizes;
};

/** The meta with one more size. */
export const withSize = (meta: string, size: TerminalSize): string => {
  const [first, ...later] = sizesOf(meta) ?? [];
  const sizes = first === undefined ? [size] : [first, ...[...later, size].slice(1 - KEPT)];
  return JSON.stringify({ ...parse(meta), pty: sizes });
};

/** The size that holds after so many bytes. */
export const sizeAt = (sizes: readonly TerminalSize[], bytes: number): Omit<TerminalSize, 'at'> =>
  sizes.findLast(({ at }) => at <= bytes) ?? sizes[0] ?? DEFAULT_SIZE;

/** Where, after so many bytes, the next size begins to hold. */
export const nextChange = (sizes: readonly TerminalSize[], bytes: number): number =>
  sizes.find(({ at }) => at > bytes)?.at ?? Number.POSITIVE_INFINITY;
