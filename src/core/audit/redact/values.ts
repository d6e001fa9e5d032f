import { type Automaton, createAutomaton } from './automaton.ts';
import { MARK, type Span } from './span.ts';

/** Secrets that are known by their value: found wherever they stand, also percent-encoded and as base64. */
export interface KnownValues {
  /** Values shorter than `MIN_VALUE` are not kept: they would cover everything. */
  add(value: string): void;
  find(text: string, add: (span: Span) => void): void;
}

export const MIN_VALUE = 6;
/** Of one value; what is longer is known by this beginning. */
export const MAX_VALUE = 4096;
/** A long value is looked for in pieces of this length, each of which is covered. */
export const PIECE = 1024;
/** Of all values with their other forms; the oldest are forgotten first. Keeps the making of the automaton under some milliseconds. */
const MAX_TOTAL = 32_768;

const pieces = (value: string): string[] => {
  const parts: string[] = [];
  for (let at = 0; at < value.length; at += PIECE) {
    // The last one takes over from the end, so that no short rest remains.
    const from = Math.min(at, Math.max(0, value.length - PIECE));
    parts.push(value.slice(from, from + PIECE));
  }
  return parts;
};

const percentEncoded = (value: string): string | undefined => {
  // Half a surrogate pair has no encoding; the detour replaces it.
  const encoded = encodeURIComponent(Buffer.from(value).toString());
  return encoded === value ? undefined : encoded;
};

/** Without the last letters, which depend on what follows. */
const base64 = (value: string): string | undefined => {
  const encoded = Buffer.from(value)
    .toString('base64')
    .replace(/.{0,2}={1,2}$/, '');
  return encoded.length < 2 * MIN_VALUE ? undefined : encoded;
};

const formsOf = (value: string): readonly string[] => [
  ...new Set([value, percentEncoded(value), base64(value)].filter((form) => form !== undefined).flatMap(pieces)),
];

export const createKnownValues = (): KnownValues => {
  /** By value, the longest unused first. */
  const known = new Map<string, readonly string[]>();
  let total = 0;
  let automaton: Automaton | undefined;

  const forget = (value: string): void => {
    for (const form of known.get(value) ?? []) total -= form.length;
    known.delete(value);
  };

  return {
    add(whole) {
      const value = whole.slice(0, MAX_VALUE);
      if (value.trim().length < MIN_VALUE || MARK.includes(value)) return;
      const forms = known.get(value);
      if (forms !== undefined) {
        known.delete(value);
        known.set(value, forms);
        return;
      }
      const made = formsOf(value);
      known.set(value, made);
      for (const form of made) total += form.length;
      for (const oldest of known.keys()) {
        if (total <= MAX_TOTAL || oldest === value) break;
        forget(oldest);
      }
      automaton = undefined;
    },
    find(text, add) {
      if (known.size === 0) return;
      automaton ??= createAutomaton([...known.values()].flat());
      automaton.scan(text, (start, end) => add({ context: start, start, end }));
    },
  };
};
