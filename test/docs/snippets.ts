import type { Page } from './markdown.ts';

/** A fenced block that a test runs: its language and the word behind it say how. */
export interface Snippet {
  readonly kind: string;
  readonly body: string;
  /** From 1, in its page. */
  readonly line: number;
}

/** `json call` and its like; languages without a second word are for reading only. */
export const snippets = ({ text }: Page): readonly Snippet[] =>
  [...text.matchAll(/^```(\w+ \w+)\n([\s\S]*?)^```/gm)].map((match) => ({
    kind: match[1] ?? '',
    body: match[2] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));

/** Commands (`$ ...`) of a transcript, each with what it must print. */
export const transcript = (body: string): readonly { readonly command: string; readonly output: string }[] =>
  body
    .split(/^\$ /m)
    .filter((part) => part !== '')
    .map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), output: part.slice(end + 1) };
    });

/** What differs from run to run: names, times, widths of columns, and what the machine permits. */
export const normalise = (text: string): string =>
  text
    .replace(/\b[xs][a-z2-7]{9,11}\b/g, '<id>')
    .replace(/\bw:[\w-]{8}:/g, 'w:<mark>:')
    .replace(/"duration_ms":\d+/g, '"duration_ms":0')
    .replace(/\bran for \d+ ms/g, 'ran for 0 ms')
    .replace(/\b\d+(\.\d+)?(ms|s|m|h|d)\b/g, '<time>')
    .replace(/\bclass [ABC]\b/g, 'class <class>')
    .replace(/ {2,}/g, '  ')
    .replace(/[ \t]+$/gm, '');

/** The same for results: times are set to nothing, names to those of the page, in the order in which they come. */
export const alike = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (Array.isArray(value)) return value.map((one) => alike(one, names));
  if (typeof value === 'string') return normalise(names.get(value) ?? value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === 'duration_ms' ? 0 : alike(one, names)]));
};
