import { type Likeness, likenessOf, mayBeAlike } from './likeness.ts';
import type { Stretch } from './stretch.ts';

/**
 * Lines that repeat, told once and counted: the same line or block of lines, the same but for a time, states of one progress, one message for
 * each of many things. What is left out is said where it was.
 */

/** Longest block of lines that is looked for. */
const MAX_BLOCK = 4;

/** How often at least; what says more for each line must repeat more often. */
const LEAST = { same: 4, block: 3, times: 5, progress: 4, counts: 12 } as const;

/** What leaving out must save, in characters. */
const SAVING = 40;

const count = (value: number): string => value.toLocaleString('en-US');

const marker = (text: string): string => `… ${text} …`;

/** A line that this module wrote, or could have: it is never part of a repetition. */
const isMarker = (line: string): boolean => line.startsWith('… ') && line.endsWith(' …');

interface Line {
  readonly text: string | undefined;
  likeness?: Likeness | undefined;
  asked: boolean;
}

const likeness = (line: Line): Likeness | undefined => {
  if (!line.asked && line.text !== undefined) {
    line.likeness = isMarker(line.text) ? undefined : likenessOf(line.text);
    line.asked = true;
  }
  return line.likeness;
};

/** How many times the block of `size` lines at `at` stands there, one after the other. */
const repeats = (lines: readonly Line[], at: number, size: number): number => {
  let same = 0;
  for (let index = at + size; index < lines.length; index += 1, same += 1) {
    const { text } = lines[index] ?? {};
    if (text === undefined || text !== lines[index - size]?.text) break;
  }
  return Math.floor(same / size) + 1;
};

const plainBlock = (lines: readonly Line[], at: number, size: number): boolean =>
  lines.slice(at, at + size).every(({ text }) => text !== undefined && !isMarker(text));

/** How many lines from `at` on are alike; a progress that begins anew is another one. */
const alike = (lines: readonly Line[], at: number): number => {
  const first = lines[at];
  const second = lines[at + 1];
  if (first?.text === undefined || second?.text === undefined || !mayBeAlike(first.text, second.text)) return 1;
  const like = likeness(first);
  if (like === undefined) return 1;
  let before = like;
  let index = at + 1;
  for (; index < lines.length; index += 1) {
    const line = lines[index];
    const next = line === undefined ? undefined : likeness(line);
    if (next === undefined || next.kind !== like.kind || next.key !== like.key) break;
    if (next.kind === 'progress' && before.kind === 'progress' && next.done < before.done) break;
    before = next;
  }
  return index - at;
};

interface Found {
  /** Lines that it covers. */
  readonly lines: number;
  readonly rows: readonly string[];
}

/** The block that stands once, and how often more. */
const repeated = (lines: readonly Line[], at: number): Found | undefined => {
  for (let size = 1; size <= MAX_BLOCK; size += 1) {
    if (!plainBlock(lines, at, size)) return undefined;
    const times = repeats(lines, at, size);
    if (times < (size === 1 ? LEAST.same : LEAST.block)) continue;
    const rows = lines.slice(at, at + size).map(({ text }) => text ?? '');
    const chars = rows.reduce((sum, row) => sum + row.length + 1, 0);
    if (chars * (times - 1) < SAVING + 40) continue;
    const what = size === 1 ? 'the line above' : `the ${size} lines above`;
    return { lines: size * times, rows: [...rows, marker(`${what} ${count(times - 1)} more times`)] };
  }
  return undefined;
};

/** All but the last of lines that are alike; the last one follows as it is. */
const similar = (lines: readonly Line[], at: number): Found | undefined => {
  const run = alike(lines, at);
  const first = lines[at];
  const kind = first?.likeness?.kind;
  if (first?.text === undefined || kind === undefined || run < LEAST[kind]) return undefined;
  const chars = lines.slice(at, at + run).reduce((sum, { text }) => sum + (text?.length ?? 0) + 1, 0);
  if (kind === 'progress') {
    if (chars * (1 - 1 / run) < SAVING + 40) return undefined;
    return { lines: run - 1, rows: [marker(`${count(run - 1)} earlier states of what the next line says`)] };
  }
  if (chars * (1 - 2 / run) < SAVING + 40) return undefined;
  const differing = kind === 'times' ? 'times' : 'numbers';
  return { lines: run - 1, rows: [first.text, marker(`${count(run - 2)} more such lines, other ${differing}`)] };
};

/** Stretches with what repeats in them told once; together they take the same bytes. */
export const collapse = (stretches: readonly Stretch[]): readonly Stretch[] => {
  if (stretches.length < LEAST.same) return stretches;
  const lines = stretches.map(({ rows, folded }): Line => ({
    text: rows.length === 1 && folded === 0 ? rows[0] : undefined,
    asked: false,
  }));
  const out: Stretch[] = [];
  for (let at = 0; at < stretches.length;) {
    const found = lines[at]?.text === undefined ? undefined : (repeated(lines, at) ?? similar(lines, at));
    const covered = stretches.slice(at, at + (found?.lines ?? 1));
    at += covered.length;
    if (found === undefined) out.push(...covered);
    else
      out.push({
        rows: found.rows,
        bytes: covered.reduce((sum, { bytes }) => sum + bytes, 0),
        folded: found.lines - found.rows.length + 1,
      });
  }
  return out;
};
