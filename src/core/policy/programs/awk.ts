import { checkKind, optionList } from './options.ts';
import { objection, SCRIPT_LENGTH, type Check } from './program.ts';

/** Thrown within this file, and caught in it. */
class BadScript extends Error {}

const fail = (what: string): never => {
  throw new BadScript(what);
};

/** What may be called, beside functions that the program defines itself. */
const FUNCTIONS = new Set(
  (
    'length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper gensub strftime systime mktime strtonum asort ' +
    'asorti and or xor lshift rshift compl patsplit isarray typeof fflush'
  ).split(' '),
);
/** Words behind which an operand begins, so that a slash there begins a pattern. */
const KEYWORDS = new Set(
  'BEGIN END if else while for do in print printf return exit next nextfile delete function func break continue switch case default BEGINFILE ENDFILE'.split(
    ' ',
  ),
);
/** Reach the environment, the arguments, other files or other programs. */
const REFUSED = new Set('system getline ENVIRON ARGV ARGC ARGIND PROCINFO SYMTAB FUNCTAB close'.split(' '));

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'pattern' | 'mark' | 'newline';
  readonly text: string;
  readonly spaced: boolean;
}

const MARK = /\*\*=|&&|\|\||\+\+|--|<=|>=|==|!=|!~|\+=|-=|\*=|\/=|%=|\^=|\*\*|[{}()[\];,+\-*/%^!<>~?:=$|&@]/y;
/** Brackets protect a slash; a pattern that leaves one open is an error to every awk. */
const PATTERN = /\/(?:\\[^\n]|\[\^?\]?(?:\[:[a-z]+:\]|\\[^\n\]]|[^\]\n[\\])*\]|[^/\\\n[])*\//y;

/** May a pattern begin behind this token? `unclear` where that takes the whole grammar to say. */
const patternBehind = (last: Token | undefined): boolean | 'unclear' => {
  if (last === undefined || last.kind === 'newline') return true;
  if (last.kind === 'number' || last.kind === 'string' || last.kind === 'pattern') return false;
  if (last.kind === 'name') return KEYWORDS.has(last.text) || (last.text === 'length' ? 'unclear' : false);
  if (last.text === ']' || last.text === '$') return false;
  return last.text === ')' || last.text === '++' || last.text === '--' ? 'unclear' : true;
};

const tokenize = (script: string): readonly Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  let spaced = false;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(script)?.[0];
  };
  const add = (kind: Token['kind'], text: string): void => {
    tokens.push({ kind, text, spaced });
    at += text.length;
    spaced = false;
  };
  while (at < script.length) {
    const blank = take(/(?:[ \t\r]|\\\r?\n|#[^\n]*)+/y);
    if (blank !== undefined) {
      at += blank.length;
      spaced = true;
      continue;
    }
    const char = script[at] ?? '';
    if (char === '\n') {
      add('newline', char);
      continue;
    }
    const name = take(/[A-Za-z_][A-Za-z0-9_]*/y);
    if (name !== undefined) {
      add('name', name);
      continue;
    }
    const number = take(/0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y);
    if (number !== undefined) {
      add('number', number);
      continue;
    }
    if (char === '"') {
      add('string', take(/"(?:\\[^\n]|[^"\\\n])*"/y) ?? fail('a string that does not end'));
      continue;
    }
    if (char === '/') {
      const behind = patternBehind(tokens.at(-1));
      if (behind === 'unclear' && /\/[^\n]*\//.test(script.slice(at))) fail('a slash that may begin a pattern or divide');
      if (behind === true) {
        add('pattern', take(PATTERN) ?? fail('a pattern that does not end'));
        continue;
      }
    }
    add('mark', take(MARK) ?? fail(`the character ${JSON.stringify(char)}`));
  }
  return tokens;
};

/** Behind a comma or an operator a statement goes on in the next line. */
const goesOn = (last: Token | undefined): boolean =>
  last?.kind === 'newline' || (last?.kind === 'mark' && !/^(?:[)\]]|\+\+|--)$/.test(last.text));

/** Accepts a program that only computes and prints. `>` counts as a comparison only where it cannot be a redirection. */
const readScript = (script: string): void => {
  const tokens = tokenize(script);
  const own = new Set(
    tokens.flatMap((token, index) => (token.text === 'function' || token.text === 'func' ? [tokens[index + 1]?.text ?? ''] : [])),
  );
  let depth = 0;
  let printing = false;
  for (const [index, { kind, text }] of tokens.entries()) {
    const next = tokens[index + 1];
    if (kind === 'name') {
      if (REFUSED.has(text)) fail(text);
      if (text === 'print' || text === 'printf') {
        printing = true;
        depth = 0;
      } else if (next?.text === '(' && !next.spaced && !FUNCTIONS.has(text) && !KEYWORDS.has(text) && !own.has(text))
        fail(`the function ${text}`);
    } else if (kind === 'newline') printing = printing && (depth > 0 || goesOn(tokens[index - 1]));
    else if (kind === 'mark') {
      if (text === '|' || text === '@' || text === '&') fail(text === '|' ? 'a pipe' : text);
      if (text === '>' && printing && depth <= 0) fail('a redirection');
      // `>>` is two marks here, and never a comparison.
      if (text === '>' && (next?.text === '>' || next?.text === '>=') && !next.spaced) fail('a redirection');
      if (text === '(' || text === '[') depth += 1;
      if (text === ')' || text === ']') depth -= 1;
      if (text === ';' || text === '{' || text === '}') printing = false;
    }
  }
};

/** Why this program is refused; undefined when it only computes and prints. */
export const refuseAwkScript = (script: string): string | undefined => {
  if (script.length > SCRIPT_LENGTH) return `the awk program is longer than ${String(SCRIPT_LENGTH)} characters`;
  try {
    readScript(script);
    return undefined;
  } catch (error) {
    if (error instanceof BadScript) return `the awk program holds ${error.message}, which is not accepted`;
    throw error;
  }
};

const assignment = (text: string): string | undefined => {
  const name = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(text)?.[1];
  if (name === undefined) return 'a variable is given as name=value';
  return REFUSED.has(name) ? `${name} may not be set` : undefined;
};

const checkOptions = optionList({
  short: 'F:v:',
  long: 'field-separator= assign= posix re-interval csv characters-as-bytes version help',
  values: { v: assignment, assign: assignment },
  stops: true,
  operands: { first: [refuseAwkScript], rest: 'text' },
});

/** Where the program stands: behind the options. */
const programAt = (args: readonly { readonly text: string }[]): number => {
  for (let index = 0; index < args.length; index += 1) {
    const text = args[index]?.text ?? '';
    if (text === '--') return index + 1;
    if (!text.startsWith('-') || text === '-') return index;
    if (/^-[Fv]$|^--(?:field-separator|assign)$/.test(text)) index += 1;
  }
  return args.length;
};

export const checkAwk: Check = (args, context) => {
  const found = checkOptions(args, context);
  if (found !== undefined) return found;
  const start = programAt(args);
  for (let index = start + 1; index < args.length; index += 1) {
    const arg = args[index];
    if (arg === undefined) break;
    const name = arg.fixed ? /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(arg.text)?.[1] : undefined;
    if (name !== undefined && REFUSED.has(name)) return objection(`the variable ${name}`, `${name} may not be set`, index);
    const outside = name === undefined ? checkKind('read', arg, arg.text, index, context) : undefined;
    if (outside !== undefined) return outside;
  }
  return undefined;
};
