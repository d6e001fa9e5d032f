/** How many single changes (insert, remove, replace, swap neighbours) lead from one word to the other. */
const distance = (a: string, b: string): number => {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_unused, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1)
    for (let j = 1; j <= b.length; j += 1) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      const row = rows[i];
      if (row !== undefined)
        row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), swap);
    }
  return at(a.length, b.length);
};

/** The known word that was probably meant: at most a third of its letters differ, and no more than three. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  if (word.length > 32) return undefined;
  const [best] = known.map((name) => ({ name, far: distance(word, name) })).toSorted((a, b) => a.far - b.far);
  return best !== undefined && best.far <= Math.min(3, Math.ceil(best.name.length / 3)) ? best.name : undefined;
};
