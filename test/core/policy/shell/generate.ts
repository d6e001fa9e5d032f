/** A small generator of numbers that a seed repeats. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const NAMES = ['ls', 'cat', 'echo', 'grep', 'wc', 'sort', 'true', 'false', 'printf', 'test'];
const WORDS = [
  'a',
  'b.txt',
  'src',
  '-l',
  '-n',
  '--',
  '-',
  'x=y',
  '--opt=v',
  'é',
  '日本',
  '.',
  '..',
  'src/one.ts',
  '%',
  '+x',
  ',',
  ':',
  '@',
  '^',
  '!',
  '=',
  '#',
  'a#b',
  '{}',
  '{',
  '}',
  '{a}',
  'a{b',
  '*',
  '*.txt',
  'src/*',
  's*',
  '?',
  '[ab]*',
  '[!a]*',
  '[',
  ']',
  '[]',
  '[a',
  'a]',
  '*x*nothing',
  '[[:alpha:]]*',
  'src/*.ts',
  './*',
  '*/',
  '.*',
  '**',
  '[a-c].txt',
  '[^a]*',
  '[]a]*',
  '~',
  '~/x',
  'a~',
  '~x',
  'x=~',
  'a:~',
  '$',
  '$ ',
  'a$',
  '100%',
  '\\',
  'in',
  'do',
  'done',
  'then',
  'if',
  'for',
  'while',
  'time',
  'case',
  'esac',
  'function',
  '1',
  '2',
  '10',
];
const QUOTED = [
  "''",
  '""',
  "'a b'",
  '"a b"',
  "'$x'",
  '"\\$x"',
  '"\\`"',
  '"a\\"b"',
  '"\\\\"',
  '"\\n"',
  '"*"',
  "'*'",
  '"a\nb"',
  "'a\nb'",
  '"#"',
  '";"',
  "'|'",
  '"&&"',
  "\\'",
  '\\"',
  '\\ ',
  '\\*',
  '\\?',
  '\\[',
  '\\~',
  '\\#',
  '\\;',
  '\\|',
  '\\&',
  '\\$',
  '\\\\',
  '\\a',
  '\\\n',
  "$'a\\tb'",
  "$'\\''",
  "$'\\x41'",
  "$'\\u00e9'",
  "$'\\101'",
  "$'\\\\'",
  "$'\\e'",
  '"$"',
  '"a$"',
  '"!"',
  '"~"',
  "'~'",
  '"{a,b}"',
  "'{a,b}'",
  '\\{a,b}',
  '{a\\,b}',
  '"\\!"',
  '"a\\\nb"',
  "'\\'",
  '"é"',
];
const BAD = [
  '$x',
  '${x}',
  '$(id)',
  '`id`',
  '$((1))',
  '<(id)',
  '>(id)',
  '{a,b}',
  '{1..3}',
  '$"x"',
  '"$x"',
  '"`id`"',
  '"$(id)"',
  '@(a)',
  '(',
  ')',
  '$[1]',
  '\u00a0',
  '\u200b',
  '\r',
  '\v',
  '&',
  ';;',
  '<<E',
  '<<<x',
  '>f',
  '>>f',
  '<f',
  '2>f',
  '|&',
  '((',
  '[[',
];
const REDIRECTS = [
  '>/dev/null',
  '2>/dev/null',
  '2>&1',
  '>&2',
  '1>&2',
  '&>/dev/null',
  '</dev/null',
  '>>/dev/null',
  '> /dev/null',
  '2> /dev/null',
  '>|/dev/null',
  '&>>/dev/null',
  '2>&2',
];
const BETWEEN = [' ', ' ', ' ', ' ', '  ', '\t', ' \\\n ', ''];
const OPERATORS = [
  ' ; ',
  ';',
  '\n',
  ' && ',
  ' || ',
  ' | ',
  '|',
  '&&',
  '||',
  ' &&\n',
  ' |\n',
  ' ;\n',
  '\n\n',
  ' # comment\n',
  ' #\'"`\n',
  '; # $(id)\n',
];

export interface Generator {
  /** Shell text, mostly within the grammar. */
  next(): string;
}

export const createGenerator = (random: () => number): Generator => {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const chance = (share: number): boolean => random() < share;

  const word = (): string => {
    let text = '';
    const pieces = chance(0.7) ? 1 : 1 + Math.floor(random() * 3);
    for (let piece = 0; piece < pieces; piece += 1) text += chance(0.02) ? pick(BAD) : chance(0.45) ? pick(QUOTED) : pick(WORDS);
    return text;
  };

  const name = (): string => {
    const plain = pick(NAMES);
    if (chance(0.85)) return plain;
    return pick([
      `'${plain}'`,
      `"${plain}"`,
      `\\${plain}`,
      `${plain[0] ?? ''}""${plain.slice(1)}`,
      `$'${plain}'`,
      `${plain[0] ?? ''}\\\n${plain.slice(1)}`,
      word(),
    ]);
  };

  const command = (): string => {
    if (chance(0.05)) return `cd ${pick(['src', '.', './src', 'nothing', "'src'", '--', word()])}`;
    let text = chance(0.04) ? `LC_ALL=${pick(['C', 'C.UTF-8', 'x', word()])} ` : '';
    if (chance(0.02)) text += 'time ';
    if (chance(0.03)) text += `${pick(REDIRECTS)} `;
    text += name();
    const words = Math.floor(random() * 5);
    for (let at = 0; at < words; at += 1) text += `${pick(BETWEEN)}${chance(0.08) ? pick(REDIRECTS) : word()}`;
    return chance(0.1) ? `${text} ${pick(REDIRECTS)}` : text;
  };

  const script = (): string => {
    let text = chance(0.05) ? pick([' ', '\n', '\t', '# c\n']) : '';
    const commands = 1 + Math.floor(random() * 4);
    for (let at = 0; at < commands; at += 1) text += `${at === 0 ? '' : pick(OPERATORS)}${command()}`;
    if (chance(0.05)) text = `for f in ${word()} ${word()}; do ${command()} "$f"; ${command()} $f; done`;
    if (chance(0.03)) text += ` <<'E'\n${word()}\nE\n`;
    return chance(0.1) ? `${text}${pick([';', '\n', ' ', ' # end', ' ;'])}` : text;
  };

  /** A small accident: a character lost, doubled, moved or replaced. */
  const spoil = (text: string): string => {
    const at = Math.floor(random() * (text.length + 1));
    const odd = pick([
      "'",
      '"',
      '\\',
      ' ',
      '\n',
      '$',
      '`',
      '*',
      '~',
      '{',
      '}',
      '(',
      ')',
      '|',
      '&',
      ';',
      '<',
      '>',
      '#',
      '!',
      '=',
      '[',
      ']',
      'a',
      '\t',
    ]);
    return pick([
      `${text.slice(0, at)}${text.slice(at + 1)}`,
      `${text.slice(0, at)}${odd}${text.slice(at)}`,
      `${text.slice(0, at)}${odd}${text.slice(at + 1)}`,
    ]);
  };

  return { next: () => (chance(0.35) ? spoil(script()) : script()) };
};
