import { parse, type Word as WordNode } from 'unbash';
import { POLICY_LIMITS } from '../limits.ts';
import { refuseCharacters, utf8Length } from '../text.ts';
import type { Refusal } from '../types.ts';
import { wordText } from './plan.ts';
import { NotUnderstood, refuse } from './refuse.ts';
import { readWord } from './words.ts';

/** One word of a command: what it says, or undefined when that is only known when it runs. A home folder stands as `~`. */
export type KnownWord = string | undefined;

/** One simple command, wherever in the text it stands. */
export interface StartedCommand {
  readonly words: readonly KnownWord[];
  /** What is written out as its standard input, in a here-document or a here-string. */
  readonly input: string | undefined;
}

export type Started = { readonly ok: true; readonly commands: readonly StartedCommand[] };

/** `sh` may be a shell that takes some constructs of bash for something else. */
export type Dialect = 'sh' | 'bash';

interface Node {
  readonly type: string;
  readonly pos: number;
  readonly [key: string]: unknown;
}

/** Everything that the parser may say. What it says beside that, nobody has thought about. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'Script Statement CompoundList AndOr Pipeline Time Negation Command Redirected If Elif For ArithmeticFor Select While Subshell BraceGroup Case CaseItem Function Coproc TestCommand ' +
    'ArithmeticCommand TestUnary TestBinary TestLogical TestNot TestGroup Word Literal Glob SingleQuoted DoubleQuoted AnsiCQuoted LocaleString SimpleExpansion ParameterExpansion ' +
    'CommandExpansion ArithmeticExpansion ProcessSubstitution ExtendedGlob BraceExpansion Assignment ArrayValue Redirect HereString HereDoc HereDocDelimiter HereDocBody FileDescriptor ' +
    'FileDescriptorVariable Default Remove Replace Slice CaseModification Transform Names ArithmeticBinary ArithmeticUnary ArithmeticTernary ArithmeticGroup ArithmeticWord ' +
    'ArithmeticCommandExpansion'
  ).split(' '),
);

const SUBSTITUTION = /\$\(|`|\$\{ |[<>]\(/;
/** Openings for each of which the parser may read the rest of the text, times characters: a few milliseconds. */
const OPENINGS = /\$[{([]|`|<</g;
const WORK = 500_000;
const DEPTH = 200;
/** Commands, and what may separate them. */
const MOST = POLICY_LIMITS.commands * 8;
const SEPARATORS = /[;&|\n]/g;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

const nodes = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** Parts of the tree are made when they are asked for: this asks for all of them. */
const fieldsOf = (value: object): Readonly<Record<string, unknown>> => {
  const { toJSON } = value as { readonly toJSON?: unknown };
  return (typeof toJSON === 'function' ? toJSON.call(value) : value) as Readonly<Record<string, unknown>>;
};

const known = (word: Node): KnownWord => {
  try {
    const read = readWord(word as unknown as WordNode, new Map());
    return read.every((part) => 'literal' in part || 'home' in part) ? wordText(read) : undefined;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
};

const commandOf = (node: Node): StartedCommand => {
  const suffix = nodes(node['suffix']);
  const words = isNode(node['name']) ? [known(node['name'])] : [];
  for (const part of suffix)
    if (part.type === 'Word') words.push(known(part));
    else if (part.type === 'Assignment') words.push(`${String(part['name'])}=`);
  let input: string | undefined;
  for (const part of [...nodes(node['prefix']), ...suffix]) {
    const { body, target } = part;
    if (part.type === 'HereDoc' && isNode(body) && body['parts'] === undefined) input = String(body['text']);
    else if (part.type === 'HereString' && isNode(target)) input = known(target);
  }
  return { words, input };
};

/** Throws for what another shell would read as commands, and for what holds commands that the parser did not show. */
const checkNode = (node: Node, text: string, dialect: Dialect): void => {
  if (!KNOWN.has(node.type)) refuse(node.type, node.pos);
  const own = typeof node['text'] === 'string' ? node['text'] : '';
  const unread =
    (node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution' || node.type === 'ArithmeticCommandExpansion') &&
    node['script'] === undefined;
  const opaque =
    (node.type === 'ArithmeticExpansion' || node.type === 'ArithmeticCommand') &&
    node['expression'] === undefined &&
    SUBSTITUTION.test(`${own.slice(3)}${typeof node['body'] === 'string' ? node['body'] : ''}`);
  if (unread || opaque) refuse('a substitution', node.pos, 'it could not be read');
  if (dialect === 'bash') return;
  const source = text.slice(node.pos, typeof node['end'] === 'number' ? node['end'] : undefined);
  if (
    node.type === 'ArithmeticCommand' ||
    node.type === 'TestLogical' ||
    node.type === 'TestGroup' ||
    (node.type === 'TestCommand' && /[\n;&|(]/.test(source))
  )
    refuse(node.type, node.pos, 'sh may read commands in it');
};

const collect = (value: unknown, text: string, dialect: Dialect, into: StartedCommand[], depth: number): void => {
  if (depth > DEPTH) refuse('nesting so deep', 0);
  if (Array.isArray(value)) {
    for (const item of value) collect(item, text, dialect, into, depth + 1);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const fields = fieldsOf(value);
  const { errors } = fields;
  if (Array.isArray(errors) && errors.length > 0) refuse('a syntax error', 0);
  if (isNode(value)) {
    checkNode(value, text, dialect);
    if (value.type === 'Command') into.push(commandOf(value));
    if (into.length > MOST) refuse('so many commands', value.pos);
  }
  for (const field of Object.values(fields)) if (typeof field === 'object') collect(field, text, dialect, into, depth + 1);
};

/**
 * Every simple command of shell text, in all of the language: within loops, functions, substitutions, here-documents. Refuses what cannot be read
 * for certain. What the words of a command start in their turn is not looked at here.
 */
export const readStarted = (text: string, dialect: Dialect): Started | Refusal => {
  try {
    if (utf8Length(text) > POLICY_LIMITS.shellBytes) return refuse('so long a text', 0);
    const odd = refuseCharacters(text);
    if (odd !== undefined) return odd;
    const openings = text.match(OPENINGS)?.length ?? 0;
    if (openings * text.length > WORK) return refuse('so many expansions in so long a text', 0);
    if ((text.match(SEPARATORS)?.length ?? 0) > MOST * 2) return refuse('so many commands', 0);
    const commands: StartedCommand[] = [];
    collect(parse(text), text, dialect, commands, 0);
    return { ok: true, commands };
  } catch (error) {
    if (error instanceof NotUnderstood) return error.refusal;
    return {
      ok: false,
      construct: 'the text',
      reason: `the parser failed: ${error instanceof Error ? error.message : String(error)}`,
      at: 0,
    };
  }
};
