/** Finds many texts at once in one pass (Aho and Corasick): the time does not depend on how many there are. */
export interface Automaton {
  /** Reports, for each place where one of the texts ends, the longest of them. */
  scan(text: string, found: (start: number, end: number) => void): void;
}

/** UTF-16 units in one number with a state: states are far fewer than 2^37. */
const UNITS = 65_536;

export const createAutomaton = (patterns: readonly string[]): Automaton => {
  const next = new Map<number, number>();
  const fail: number[] = [0];
  /** Length of the longest pattern that ends in a state; 0 = none. */
  const longest: number[] = [0];
  const starts = new Uint8Array(UNITS);

  for (const pattern of patterns) {
    let state = 0;
    starts[pattern.charCodeAt(0)] = 1;
    for (let i = 0; i < pattern.length; i += 1) {
      const edge = state * UNITS + pattern.charCodeAt(i);
      let to = next.get(edge);
      if (to === undefined) {
        to = fail.push(0) - 1;
        longest.push(0);
        next.set(edge, to);
      }
      state = to;
    }
    longest[state] = pattern.length;
  }

  const step = (from: number, unit: number): number => {
    let state = from;
    for (;;) {
      const to = next.get(state * UNITS + unit);
      if (to !== undefined) return to;
      if (state === 0) return 0;
      state = fail[state] ?? 0;
    }
  };

  // States were numbered as their patterns were read; failure links need those of shorter texts first.
  const depths: number[] = [0];
  const edges = [...next];
  for (const [edge, to] of edges) depths[to] = (depths[Math.floor(edge / UNITS)] ?? 0) + 1;
  for (const [edge, to] of edges.toSorted((a, b) => (depths[a[1]] ?? 0) - (depths[b[1]] ?? 0))) {
    const from = Math.floor(edge / UNITS);
    const target = from === 0 ? 0 : step(fail[from] ?? 0, edge % UNITS);
    fail[to] = target;
    longest[to] = Math.max(longest[to] ?? 0, longest[target] ?? 0);
  }

  return {
    scan(text, found) {
      let state = 0;
      for (let i = 0; i < text.length; i += 1) {
        const unit = text.charCodeAt(i);
        if (state === 0 && starts[unit] === 0) continue;
        state = step(state, unit);
        const length = longest[state] ?? 0;
        if (length > 0) found(i + 1 - length, i + 1);
      }
    },
  };
};
