import type { Caps, Verdict } from './types.ts';

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, ask: 1, deny: 2 };

export const isStricter = (one: Verdict, other: Verdict): boolean => STRICTNESS[one] > STRICTNESS[other];

const smaller = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other);

/** What both grant. */
export const narrowCaps = (one: Caps, other: Caps | undefined): Caps => {
  if (other === undefined) return one;
  const network = one.network === 'none' || other.network === 'none' ? 'none' : (one.network ?? other.network);
  const merged: Caps = {
    timeoutSeconds: smaller(one.timeoutSeconds, other.timeoutSeconds),
    memoryBytes: smaller(one.memoryBytes, other.memoryBytes),
    processes: smaller(one.processes, other.processes),
    outputBytes: smaller(one.outputBytes, other.outputBytes),
    network,
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
};
