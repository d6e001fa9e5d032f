import { objection, type Arg, type Check, type Objection } from './program.ts';

const UNARY = new Set('-b -c -d -e -f -g -G -h -k -L -n -O -p -r -s -S -t -u -w -x -z'.split(' '));
const BINARY = new Set('= == != -nt -ot -ef < >'.split(' '));
const NUMERIC = new Set('-eq -ne -lt -le -gt -ge'.split(' '));
const WHOLE = /^\s*[+-]?\d+\s*$/;

/** Reads `! e`, `( e )`, `e -a e`, `e -o e` and the tests: files are looked at, texts and whole numbers compared. */
const checkExpression = (args: readonly Arg[]): Objection | undefined => {
  const glob = args.findIndex(({ fixed }) => !fixed);
  if (glob >= 0) return objection('a pattern in a test', 'an unquoted pattern may become several words here; quote it', glob);
  const words = args.map(({ text }) => text);
  const operator = (index: number): boolean => BINARY.has(words[index] ?? '') || NUMERIC.has(words[index] ?? '');
  let at = 0;
  let open = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    const left = words.length - at;
    if (left >= 3 && operator(at + 1)) {
      if (NUMERIC.has(words[at + 1] ?? '') && (!WHOLE.test(word) || !WHOLE.test(words[at + 2] ?? '')))
        return objection(`test ${words[at + 1] ?? ''}`, `${words[at + 1] ?? ''} compares whole numbers`, at);
      at += 3;
    } else if (word === '!' && left > 1) {
      at += 1;
      continue;
    } else if (word === '(' && left > 1) {
      open += 1;
      at += 1;
      continue;
    } else if (left >= 2 && UNARY.has(word)) at += 2;
    else at += 1;
    while (words[at] === ')' && open > 0) {
      open -= 1;
      at += 1;
    }
    if (at === words.length) break;
    if (words[at] !== '-a' && words[at] !== '-o')
      return objection(`test ${word}`, `${word} ${words[at] ?? ''} is no test that is accepted`, at);
    at += 1;
  }
  return open === 0 ? undefined : objection('test (', 'a parenthesis is left open', args.length - 1);
};

export const checkTest: Check = (args) => checkExpression(args);

export const checkBracket: Check = (args) => {
  const last = args.at(-1);
  if (last === undefined || last.text !== ']' || !last.fixed)
    return objection('[ without ]', 'the last argument of [ is ]', Math.max(args.length - 1, 0));
  return checkExpression(args.slice(0, -1));
};

/** Everything is data. */
export const anything: Check = () => undefined;

/** A first argument with a dash is an option to some and a format to others. */
export const checkPrintf: Check = ([first]) =>
  first !== undefined && first.head.startsWith('-') && first.text !== '--'
    ? objection(`printf ${first.text}`, 'a format that begins with a dash has to stand behind --', 0)
    : undefined;
