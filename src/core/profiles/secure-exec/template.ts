import { splitWords } from './words.ts';

/** A stretch of a word: text as it stands, or the place of a value. */
export type Piece = { readonly text: string } | { readonly name: string };

/** `NAME|"TEMPLATE"`, read. */
export interface CommandTemplate {
  readonly name: string;
  /** Without the quotes around it; shown to the caller. */
  readonly source: string;
  /** First word. Never templated. */
  readonly binary: string;
  /** The words behind it. */
  readonly words: readonly (readonly Piece[])[];
  /** In the order in which they stand. */
  readonly placeholders: readonly string[];
}

export type ParsedTemplate = { readonly template: CommandTemplate } | { readonly problem: string };

const NAME = /^[A-Za-z0-9_-]*$/;
const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const FORMAT = 'Format: name|"cmd {arg}"';

/** One pair of quotes, and only a pair: a template may end in a quoted word of its own. */
const unquote = (text: string): string => {
  const quote = text.charAt(0);
  return text.length >= 2 && (quote === '"' || quote === "'") && text.endsWith(quote) ? text.slice(1, -1) : text;
};

const piecesOf = (word: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of word.matchAll(PLACEHOLDER)) {
    if (found.index > from) pieces.push({ text: word.slice(from, found.index) });
    pieces.push({ name: found[1] ?? '' });
    from = found.index + found[0].length;
  }
  if (from < word.length || pieces.length === 0) pieces.push({ text: word.slice(from) });
  return pieces;
};

/** One definition. The texts of the problems are part of the contract. */
export const parseTemplate = (definition: string): ParsedTemplate => {
  const bar = definition.indexOf('|');
  if (bar < 0) return { problem: FORMAT };
  const name = definition.slice(0, bar).trim();
  if (!NAME.test(name)) return { problem: `Invalid name: ${name}` };
  const source = unquote(definition.slice(bar + 1).trim());
  if (source.includes('\0')) return { problem: 'Failed to parse template: it contains NUL' };
  const split = splitWords(source);
  if ('problem' in split) return { problem: `Failed to parse template: ${split.problem}` };
  const [binary, ...rest] = split.words;
  if (binary === undefined || binary === '') return { problem: 'Empty template' };
  const words = rest.map(piecesOf);
  const placeholders: string[] = [];
  for (const piece of words.flat()) {
    if (!('name' in piece)) continue;
    if (placeholders.includes(piece.name)) return { problem: `Duplicate placeholder: {${piece.name}}` };
    placeholders.push(piece.name);
  }
  return { template: { name, source, binary, words, placeholders } };
};

/** The definitions of one flag or variable: separated by `;`, which cannot be escaped. */
export const splitDefinitions = (text: string): readonly string[] => text.split(';');
