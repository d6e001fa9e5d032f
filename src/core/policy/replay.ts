import type { Policy } from './decide.ts';
import type { Decision, PolicyRequest } from './types.ts';

/** Something that was run once, as a request. */
export interface HistoryEntry {
  readonly id: string;
  readonly request: PolicyRequest;
}

export interface Difference {
  readonly id: string;
  readonly request: PolicyRequest;
  readonly before: Decision;
  readonly after: Decision;
}

/** What new rules would have decided differently: another verdict, another rule with the same verdict, or other caps. */
export const replay = (before: Policy, after: Policy, history: Iterable<HistoryEntry>): readonly Difference[] => {
  const differences: Difference[] = [];
  for (const { id, request } of history) {
    const [one, other] = [before.decide(request), after.decide(request)];
    if (one.verdict !== other.verdict || JSON.stringify(one.caps) !== JSON.stringify(other.caps))
      differences.push({ id, request, before: one, after: other });
  }
  return differences;
};
