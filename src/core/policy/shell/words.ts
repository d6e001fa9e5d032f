import type { Word as Node, WordPart as Part } from 'unbash';
import { checkAnsiC, dequoteBare, dequoteDouble } from './dequote.ts';
import type { Word, WordPart } from './plan.ts';
import { refuse } from './refuse.ts';

/** Values of the loop variables in scope. */
export type Variables = ReadonlyMap<string, string>;

const NAMES: Readonly<Record<string, string>> = {
  SimpleExpansion: 'a parameter expansion',
  ParameterExpansion: 'a parameter expansion',
  CommandExpansion: 'a command substitution',
  ArithmeticExpansion: 'an arithmetic expansion',
  ProcessSubstitution: 'a process substitution',
  BraceExpansion: 'a brace expansion',
  ExtendedGlob: 'an extended glob',
  LocaleString: 'a translated string',
};

/** Text between brackets that every matcher reads alike: a class such as [:alpha:] means something else in each locale. */
const BRACKET = /^\[[!^]?\]?[^\\[\]/'"$`]*\]$/;
/** May stand unquoted: no blank to split at, no pattern to expand. */
const WHOLE = /^[A-Za-z0-9_.,:@%+=/-]+$/;

/** The value of `$name` and `${name}`, when it is a loop variable. */
const loopValue = (text: string, variables: Variables): string | undefined => {
  const name = /^\$(?:([a-z_][a-z0-9_]*)|\{([a-z_][a-z0-9_]*)\})$/.exec(text);
  return name === null ? undefined : variables.get(name[1] ?? name[2] ?? '');
};

const expanded = (
  part: { readonly type: string; readonly text: string; readonly pos: number },
  variables: Variables,
  quoted: boolean,
): string => {
  const value = part.type === 'SimpleExpansion' || part.type === 'ParameterExpansion' ? loopValue(part.text, variables) : undefined;
  if (value === undefined) return refuse(NAMES[part.type] ?? part.type, part.pos, 'nothing is expanded; write out what is meant');
  if (!quoted && !WHOLE.test(value)) return refuse('an unquoted variable', part.pos, `write "${part.text}"`);
  return value;
};

/** Text without quotes: no pattern, no brace, no tilde may hide in it. */
const bareText = (text: string, known: string, at: number): { readonly value: string; readonly bare: string } => {
  const read = dequoteBare(text, at);
  if (read.value !== known) return refuse('quoting', at, 'two readings of it differ');
  const odd = /[*?$`'"|&;<>()]/.exec(read.bare);
  // A lone `$` is text, to a shell as well.
  if (odd !== null && (odd[0] !== '$' || /\$[^\s]/.test(read.bare.slice(odd.index))))
    return refuse(`an unquoted ${odd[0]}`, at, 'quote it when it is meant');
  return read;
};

/** `NAME=` and `NAME+=` turn a tilde behind `=` or `:` into a folder. */
const HIDDEN_TILDE = /^[A-Za-z_][A-Za-z0-9_]*\+?=(?:~|[^]*:~)/;

/** An open brace, a close brace behind it, and between them what would make it an expansion. */
const mayExpand = (bare: string): boolean => {
  const inside = bare.slice(bare.indexOf('{'), bare.lastIndexOf('}') + 1);
  return bare.includes('{') && (inside.includes(',') || inside.includes('..'));
};

const checkBare = (bare: string, at: number): void => {
  if (mayExpand(bare)) refuse('a brace expansion', at, 'quote the braces when they are meant');
  if (HIDDEN_TILDE.test(bare)) refuse('a tilde in a value', at, 'write the path');
};

const push = (parts: WordPart[], value: string): void => {
  const last = parts.at(-1);
  if (last !== undefined && 'literal' in last) parts[parts.length - 1] = { literal: last.literal + value };
  else if (value !== '') parts.push({ literal: value });
};

const readPart = (part: Part, variables: Variables, parts: WordPart[]): string => {
  switch (part.type) {
    case 'Literal': {
      const { value, bare } = bareText(part.text, part.value, part.pos);
      push(parts, value);
      return bare;
    }
    case 'SingleQuoted':
      if (part.text !== `'${part.value}'`) refuse('quoting', part.pos, 'two readings of it differ');
      push(parts, part.value);
      return 'q';
    case 'AnsiCQuoted':
      push(parts, checkAnsiC(part.text, part.value, part.pos));
      return 'q';
    case 'DoubleQuoted':
      for (const child of part.parts) {
        if (child.type === 'Literal' && dequoteDouble(child.text) !== child.value)
          refuse('quoting', child.pos, 'two readings of it differ');
        push(parts, child.type === 'Literal' ? child.value : expanded(child, variables, true));
      }
      return 'q';
    case 'Glob':
      if (part.kind === 'bracket' && !BRACKET.test(part.text))
        refuse('a bracket pattern', part.pos, 'only plain characters and ranges are accepted');
      // Stars in a row match as one does, and all of them stand when nothing matches.
      if (part.kind === 'star') for (let star = 0; star < part.text.length; star += 1) parts.push({ glob: '*' });
      else parts.push({ glob: part.text });
      return '*';
    default:
      push(parts, expanded(part, variables, false));
      return 'q';
  }
};

/** A tilde counts only as `~` or before a slash, and only where the word begins with it. */
const readTilde = (bare: string, parts: WordPart[], at: number): readonly WordPart[] => {
  const [first, ...rest] = parts;
  if (first === undefined || !('literal' in first) || (bare !== '~' && !bare.startsWith('~/')))
    return refuse('a tilde of a user', at, 'only ~ and ~/ are accepted');
  const behind = first.literal.slice(1);
  return [{ home: true }, ...(behind === '' ? [] : [{ literal: behind }]), ...rest];
};

/** One word as the parts that a runner joins. Throws when there is anything to expand but a glob, `~`, or a loop variable. */
export const readWord = (node: Node, variables: Variables): Word => {
  const parts: WordPart[] = [];
  let bare = '';
  const nodes = node.parts;
  if (nodes === undefined) {
    const read = bareText(node.text, node.value, node.pos);
    push(parts, read.value);
    ({ bare } = read);
  } else for (const part of nodes) bare += readPart(part, variables, parts);
  checkBare(bare, node.pos);
  if (bare.startsWith('~')) return readTilde(bare, parts, node.pos);
  return parts.length === 0 ? [{ literal: '' }] : parts;
};
