import type { Containment } from './containment.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { When } from './shell/plan.ts';

/** Where a command may find itself: a `cd` that fails leaves those behind it where they were. */
export interface Places {
  /** Takes a `cd` into account; gives why it is refused. */
  change(path: string, when: When): string | undefined;
  /** Takes a command into account that leaves the folder as it is. */
  after(when: When): void;
  /** The first reason over all folders that a command may run in. */
  refuse(when: When, reason: (from: string) => string | undefined): string | undefined;
}

export const createPlaces = (containment: Containment, cwd: string): Places => {
  /** Folders when the last status was success, and in any case. */
  let success: ReadonlySet<string> = new Set([cwd]);
  let any: ReadonlySet<string> = success;
  const entry = (when: When): ReadonlySet<string> => (when === 'success' ? success : any);

  return {
    change: (path, when) => {
      const moved = new Set<string>();
      for (const from of entry(when)) {
        const place = containment.place(path, from);
        if ('reason' in place) return place.reason;
        moved.add(place.real);
      }
      success = when === 'failure' ? new Set([...success, ...moved]) : moved;
      any = new Set([...any, ...moved]);
      return any.size > POLICY_LIMITS.directories ? 'after so many of them nobody knows where a command runs' : undefined;
    },
    after: (when) => {
      if (when !== 'success') success = any;
    },
    refuse: (when, reason) => {
      for (const from of entry(when)) {
        const found = reason(from);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
};
