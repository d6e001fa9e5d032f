import { optionList } from './options.ts';
import { SCRIPT_LENGTH } from './program.ts';

/** Words of the language that reach the environment or other files. */
const REFUSED = new Set(['env', 'import', 'include', 'get_search_list', 'modulemeta']);

/** The filter without the text of its strings; what strings interpolate stays. */
const withoutStrings = (filter: string): string | undefined => {
  let out = '';
  /** For each open interpolation, how deep its parentheses are. */
  const open: number[] = [];
  let inString = false;
  for (let at = 0; at < filter.length; at += 1) {
    const char = filter[at] ?? '';
    if (inString) {
      if (char === '\\') {
        at += 1;
        if (filter[at] === '(') {
          inString = false;
          open.push(0);
          out += ' (';
        }
      } else if (char === '"') {
        inString = false;
        out += ' ""';
      }
      continue;
    }
    if (char === '"') inString = true;
    else if (char === '#') {
      while (at < filter.length && filter[at] !== '\n') at += 1;
      out += '\n';
    } else {
      const depth = open.at(-1);
      if (depth !== undefined && char === '(') open[open.length - 1] = depth + 1;
      if (depth !== undefined && char === ')') {
        if (depth === 0) {
          open.pop();
          inString = true;
        } else open[open.length - 1] = depth - 1;
      }
      out += char;
    }
  }
  return inString || open.length > 0 ? undefined : out;
};

/** Why this filter is refused; undefined when it only looks at its input. */
export const refuseJqFilter = (filter: string): string | undefined => {
  if (filter.length > SCRIPT_LENGTH) return `the jq filter is longer than ${String(SCRIPT_LENGTH)} characters`;
  const code = withoutStrings(filter);
  if (code === undefined) return 'the jq filter has a string that does not end';
  // A comment goes on in the next line behind a backslash; older versions end it.
  if (/\\\r?\n/.test(filter)) return 'the jq filter has a backslash at the end of a line';
  if (/\$\s*(?:ENV|__prog_args)\b/.test(code)) return 'the jq filter reads the environment';
  for (const found of code.matchAll(/(\.\s*)?\b([A-Za-z_][A-Za-z0-9_]*)\b(\s*:(?!:))?/g)) {
    const [, dot, word = '', colon] = found;
    if (dot === undefined && colon === undefined && REFUSED.has(word) && code[found.index - 1] !== '$')
      return `the jq filter holds ${word}, which is not accepted`;
  }
  return undefined;
};

const NAMED = 'arg argjson slurpfile rawfile';

const checkOptions = optionList({
  short: 'cCeajMnRrsShV',
  long:
    'compact-output color-output exit-status ascii-output join-output monochrome-output null-input raw-input raw-output raw-output0 slurp sort-keys help version tab indent= ' +
    'unbuffered stream stream-errors seq args jsonargs !from-file !library-path',
  values: { indent: 'count' },
  // With --args some are data and some are files, by their place: all are held to what files are.
  operands: { first: [refuseJqFilter], rest: 'read' },
});

/** `--arg name value` takes two words: they are data, and are taken out before the options are read. */
export const checkJq: typeof checkOptions = (args, context) => {
  const kept: number[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index];
    const name = arg?.fixed === true && arg.text.startsWith('--') ? arg.text.slice(2) : undefined;
    if (name === undefined || !NAMED.split(' ').includes(name)) {
      kept.push(index);
      if (arg?.text !== '--') continue;
      for (index += 1; index < args.length; index += 1) kept.push(index);
      break;
    }
    const [key, value] = [args[index + 1], args[index + 2]];
    if (key?.fixed !== true || value?.fixed !== true)
      return { construct: `option --${name}`, reason: `--${name} needs a name and a value`, at: index };
    const outside = name.endsWith('file') ? context.outside(value.text) : undefined;
    if (outside !== undefined) return { construct: `the path ${value.text}`, reason: outside, at: index + 2 };
    index += 2;
  }
  const found = checkOptions(
    kept.flatMap((index) => args[index] ?? []),
    { ...context, contain: (index) => context.contain(kept[index] ?? index) },
  );
  return found === undefined ? undefined : { ...found, at: kept[found.at] ?? found.at };
};
