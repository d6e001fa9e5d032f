import { optionList, type OptionList } from './options.ts';
import { objection, SCRIPT_LENGTH, type Check } from './program.ts';

/** Thrown within this file, and caught in it. */
class BadScript extends Error {}

const fail = (what: string): never => {
  throw new BadScript(what);
};

/**
 * Reads a sed script and accepts it only when every command in it is known and neither runs (`e`), reads (`r`, `R`) nor writes (`w`, `W`) anything. Anything
 * unclear is refused.
 */
const readScript = (script: string): void => {
  let at = 0;
  let depth = 0;
  const peek = (): string => script[at] ?? '';
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(script)?.[0] ?? '';
    at += found.length;
    return found;
  };
  const blanks = (): string => skip(/[ \t]*/y);

  /** Up to the delimiter. Brackets protect it; a script that leaves one open is an error to every sed, so both readings of it are safe. */
  const section = (delimiter: string, isPattern: boolean): void => {
    for (;;) {
      const char = peek();
      if (char === '') fail('unfinished pattern');
      at += 1;
      if (char === delimiter) return;
      if (char === '\n' && isPattern) fail('a newline in a pattern');
      if (char === '\\') {
        if (peek() === '') fail('a backslash at the end');
        at += 1;
      } else if (char === '[' && isPattern) {
        const inside = skip(/\^?\]?(?:\[:[a-z]+:\]|[^\]\n[\\]|\\[^\]\n])*/y);
        if (peek() !== ']') fail(`brackets that are unclear: [${inside}`);
        at += 1;
      }
    }
  };

  const address = (): boolean => {
    const char = peek();
    if (/[0-9]/.test(char)) {
      skip(/\d+/y);
      blanks();
      skip(/~\d+/y);
      return true;
    }
    if (char === '$') {
      at += 1;
      return true;
    }
    if (char !== '/' && char !== '\\') return false;
    at += char === '/' ? 1 : 2;
    const delimiter = char === '/' ? '/' : (script[at - 1] ?? '');
    if (delimiter === '' || delimiter === '\n' || delimiter === '\\') fail('an address');
    section(delimiter, true);
    skip(/[IM]*/y);
    return true;
  };

  const addresses = (): void => {
    if (!address()) return;
    blanks();
    if (peek() !== ',') return;
    at += 1;
    blanks();
    if (skip(/[+~]\d+/y) === '' && !address()) fail('an address');
  };

  /** Behind a command: nothing, or what separates it from the next. */
  const ending = (): void => {
    blanks();
    const char = peek();
    if (char === '' || char === '}' || char === '#') return;
    if (char !== ';' && char !== '\n') fail(`the command ${JSON.stringify(char)} behind another`);
    at += 1;
  };

  const text = (): void => {
    blanks();
    if (peek() === '\\') {
      at += 1;
      blanks();
      if (peek() === '\n') at += 1;
    }
    skip(/(?:\\[^]|[^\\\n])*/y);
    if (peek() === '\\') fail('a backslash at the end');
    if (peek() === '\n') at += 1;
  };

  const command = (): void => {
    const name = peek();
    at += 1;
    switch (name) {
      case '{':
        depth += 1;
        return;
      case '}':
        depth -= 1;
        if (depth < 0) fail('a } without {');
        return ending();
      case '#':
        skip(/[^\n]*/y);
        return;
      case '=':
      case 'd':
      case 'D':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'z':
        return ending();
      case 'l':
      case 'q':
      case 'Q':
        blanks();
        skip(/\d+/y);
        return ending();
      case 'b':
      case 't':
      case 'T':
        blanks();
        skip(/\w+/y);
        return ending();
      case ':':
        blanks();
        if (skip(/\w+/y) === '') fail('a label');
        return ending();
      case 'a':
      case 'i':
      case 'c':
        return text();
      case 'y':
      case 's': {
        const delimiter = peek();
        if (delimiter === '' || delimiter === '\n' || delimiter === '\\' || /[\w\s;#{}]/.test(delimiter)) fail('a delimiter');
        at += 1;
        section(delimiter, name === 's');
        section(delimiter, false);
        if (name === 's') skip(/[0-9gpiIMm]*/y);
        return ending();
      }
      default:
        return fail(name === '' ? 'an address without a command' : `the command ${JSON.stringify(name)}`);
    }
  };

  while (at < script.length) {
    skip(/[\s;]*/y);
    if (at >= script.length) break;
    addresses();
    blanks();
    while (peek() === '!') {
      at += 1;
      blanks();
    }
    command();
  }
  if (depth !== 0) fail('a { without }');
};

/** Why this script is refused; undefined when it only edits. */
export const refuseSedScript = (script: string): string | undefined => {
  if (script.length > SCRIPT_LENGTH) return `the sed script is longer than ${String(SCRIPT_LENGTH)} characters`;
  try {
    readScript(script);
    return undefined;
  } catch (error) {
    if (error instanceof BadScript) return `the sed script holds ${error.message}, which is not accepted`;
    throw error;
  }
};

const LIST: OptionList = {
  abbreviates: true,
  short: 'nEre:suzl:',
  long: 'quiet silent regexp-extended expression= line-length= separate unbuffered null-data zero-terminated posix debug sandbox help version !in-place !file !follow-symlinks !binary',
  values: { l: 'count', 'line-length': 'count' },
  operands: (seen) => (seen.has('e') || seen.has('expression') ? { rest: 'read' } : { first: [refuseSedScript], rest: 'read' }),
};

const checkOptions = optionList(LIST);
const EXPRESSION = /^--e[a-z]*(?:=([^]*))?$/;

/** The expressions, joined as sed joins them: one may go on where the last stopped. */
const expressions = (args: readonly { readonly text: string }[]): string | undefined => {
  const found: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const text = args[index]?.text ?? '';
    if (text === '--') break;
    const long = EXPRESSION.exec(text);
    const short = /^-[nErsuz]*e([^]*)$/.exec(text);
    const attached = long?.[1] ?? (short?.[1] === '' ? undefined : short?.[1]);
    if (attached !== undefined) found.push(attached);
    else if (long !== null || short !== null) {
      index += 1;
      found.push(args[index]?.text ?? '');
    } else if (/^-[nErsuz]*l$/.test(text) || /^--l[a-z-]*$/.test(text)) index += 1;
  }
  return found.length === 0 ? undefined : found.join('\n');
};

export const checkSed: Check = (args, context) => {
  const found = checkOptions(args, context);
  if (found !== undefined) return found;
  const script = expressions(args);
  if (args.some(({ fixed, text }) => !fixed && text.startsWith('-'))) return objection('a pattern as an option', 'quote it', 0);
  const reason = script === undefined ? undefined : refuseSedScript(script);
  return reason === undefined ? undefined : objection('the sed script', reason, 0);
};
