import { isAbsolute } from 'node:path';
import { failed, invalidArgument, refused, traversal } from './fault.ts';
import { checkLegacy } from './legacy-validators.ts';
import { canonicalPath, containedPath } from './paths.ts';
import { kindOf } from './placeholder.ts';
import type { CommandTemplate, Piece } from './template.ts';
import { checkOptions, checkValue } from './validate.ts';

export interface ArgumentRules {
  readonly validatePaths: boolean;
  /** Canonical. */
  readonly base: string | undefined;
  /** Where the command starts, and relative paths with it. */
  readonly cwd: string;
  readonly legacyValidators: boolean;
}

/** Arguments behind the program. */
export const MAX_ARGUMENTS = 256;
/** Well below what the kernel takes beside an environment. */
const MAX_TOTAL_BYTES = 1024 * 1024;

/** The values of a call. Throws for those that are missing, no text, or not asked for. */
export const readValues = ({ placeholders }: CommandTemplate, given: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> => {
  const values = new Map<string, string>();
  for (const name of placeholders) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) throw refused(`Missing parameter: ${name}`);
    if (typeof value !== 'string') throw refused(`Bad args: '${name}' must be a string`);
    values.set(name, value);
  }
  for (const name of Object.keys(given))
    if (!placeholders.includes(name)) throw refused(`Bad args: unexpected parameter '${name.slice(0, 128)}'`);
  return values;
};

const isChecked = (name: string, { validatePaths, base }: ArgumentRules): boolean => {
  const kind = kindOf(name);
  return validatePaths && (kind.path || (kind.pathLike && base !== undefined));
};

const textOf = (pieces: readonly Piece[], values: ReadonlyMap<string, string>): string =>
  pieces.map((piece) => ('text' in piece ? piece.text : (values.get(piece.name) ?? ''))).join('');

/** The option that a path is attached to: `-I{dir}`. */
const OPTION = /^-{1,2}[A-Za-z0-9][\w-]*/;

/** The word cut where its path begins: behind `--out=`, `if=`, `@`, `host:` or `-I`; else the whole of it is the path. */
const cutAtPath = (
  word: readonly Piece[],
  isPath: (piece: Piece) => boolean,
): { readonly ahead: readonly Piece[]; readonly path: readonly Piece[] } => {
  const at = word.findIndex(isPath);
  const before = word[at - 1];
  if (before === undefined || !('text' in before)) return { ahead: [], path: word };
  const separator = Math.max(...['=', ':', '@', ','].map((sign) => before.text.lastIndexOf(sign)));
  const length = separator >= 0 ? separator + 1 : at === 1 ? (OPTION.exec(before.text)?.[0].length ?? 0) : 0;
  if (length === 0) return { ahead: [], path: word };
  const rest = before.text.slice(length);
  return {
    ahead: [...word.slice(0, at - 1), { text: before.text.slice(0, length) }],
    path: [...(rest === '' ? [] : [{ text: rest }]), ...word.slice(at)],
  };
};

/**
 * A word in which a path stands, with the place that it leads to instead. A folder that the template itself names is the base of what is put
 * in behind it.
 */
const pathWord = async (word: readonly Piece[], values: ReadonlyMap<string, string>, rules: ArgumentRules): Promise<string> => {
  const { ahead, path } = cutAtPath(word, (piece) => 'name' in piece && isChecked(piece.name, rules));
  const asked = textOf(path, values);
  const [lead] = path;
  const literal = lead !== undefined && 'text' in lead ? lead.text : '';
  const given = textOf(word, values);
  // An address, not a file: nothing to look up, and nothing to climb out of.
  if (literal.startsWith('//') && textOf(ahead, values).endsWith(':')) {
    if (asked.split('/').includes('..')) throw traversal(`Path '${asked}' contains '..'`);
    return given;
  }
  const folder = literal.slice(0, literal.lastIndexOf('/') + 1);
  if (folder === '' && rules.base === undefined) {
    if (!isAbsolute(asked)) throw traversal('Relative paths forbidden without --base-path');
    if (asked.split('/').includes('..')) throw traversal(`Path '${asked}' contains '..'`);
  }
  const root = folder === '' ? undefined : await canonicalPath(folder, rules.cwd);
  if (root !== undefined && 'problem' in root) throw traversal(`Path '${folder}' ${root.problem}`);
  const place = await containedPath(asked, rules.cwd, root?.path ?? rules.base);
  if ('problem' in place) throw traversal(place.problem);
  return `${textOf(ahead, values)}${place.path}`;
};

/** The whole argv for these values, each checked as its name asks. Throws with the reason. */
export const buildArgv = async (
  template: CommandTemplate,
  values: ReadonlyMap<string, string>,
  rules: ArgumentRules,
): Promise<readonly string[]> => {
  for (const [name, value] of values) {
    checkValue(name, value);
    if (rules.legacyValidators) checkLegacy(name, value);
    if (isChecked(name, rules) && value === '') throw invalidArgument(name, 'is empty');
  }
  checkOptions(template.words, values);
  const words: string[] = [];
  for (const word of template.words) {
    const hasPath = word.some((piece) => 'name' in piece && isChecked(piece.name, rules));
    words.push(hasPath ? await pathWord(word, values, rules) : textOf(word, values));
  }
  if (words.length > MAX_ARGUMENTS)
    throw failed(`Execution failed: Too many arguments (max ${String(MAX_ARGUMENTS)})`, { event: 'security_warning' });
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  if (bytes > MAX_TOTAL_BYTES)
    throw failed(`Execution failed: Arguments of ${String(bytes)} bytes (max ${String(MAX_TOTAL_BYTES)})`, { event: 'security_warning' });
  return [template.binary, ...words];
};
