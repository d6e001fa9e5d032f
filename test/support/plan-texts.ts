/** Shell text from a grammar a little wider than the one that is accepted, so that its edges are tried, too. Deterministic for a seed. */

export type Random = () => number;

/** mulberry32: numbers in [0, 1). */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const BARE = [
  'a',
  'b.ts',
  'x1',
  '-l',
  '--color=auto',
  'a=b',
  'é',
  'ü',
  '12',
  '%s',
  '+x',
  '@',
  'a,b',
  '{a}',
  'a{b',
  'x}',
  ']',
  'a]b',
  '[',
  'd/in.ts',
  './a.ts',
  '~x',
  'a~',
  'e~',
  '--',
  '-',
  ':',
  '^',
  'a:b',
  '!',
  '#no',
  'x#y',
  '=',
  '..',
  '.',
  '日本',
];
const SINGLE = [
  '',
  'a b',
  '*',
  '$HOME',
  '`x`',
  '\\',
  '"',
  '; no',
  '~',
  'tab\there',
  'new\nline',
  '#x',
  '{a,b}',
  '&& no',
  'é',
  '>out',
  '!',
  '[a]',
];
const DOUBLE = [
  '',
  'a b',
  '*',
  "it's",
  '\\$x',
  '\\"q\\"',
  '\\\\',
  'a\\b',
  '\\`x\\`',
  '; no',
  '~',
  'tab\there',
  'new\nline',
  'con\\\ntinued',
  '#x',
  '$',
  'a$',
  '{a,b}',
  '| no',
  '\\*',
  '\\n',
  '[a]',
  '!',
];
const ANSI = ['a\\nb', "it\\'s", '\\x41', '\\101', '\\u00e9', '\\t', '\\\\', '*', '\\e[0m', '\\"', '$x'];
const ESCAPED = ['\\ ', '\\*', '\\$', '\\"', "\\'", '\\\\', '\\;', '\\~', '\\#', '\\a', '\\[', '\\&', '\\|', '\\>', '\\{', '\\\n'];
const GLOB = [
  '*',
  '?',
  '**',
  '[ab]',
  '[!a]',
  '[^a-c]',
  '[a-c]',
  '[[:alpha:]]',
  '[[:digit:]]',
  '[]x]',
  '[!]a]',
  '[a-]',
  '[-a]',
  '[z-a]',
  '[é]',
  '[à-ü]',
  '*.ts',
  '*.js',
  '?.ts',
  'x?',
  '*/',
  '*/*',
  'd*/*.ts',
  './*',
  '.*',
  '.d*',
  '[.]dot',
  'd/*',
  'd/e/*.js',
  'nomatch*',
  '*"*"*',
  "*' '*",
  'st\\*?',
  '\\[?]',
  '*//in.ts',
  '*/.hid',
  'dlink/*',
  'l*',
  'g*',
  'in.txt/*',
  '[[:upper:]]*',
  '[*]',
  'empty/*',
  '*/e/*',
  '../*/a.ts',
  '*[!s]',
  '[a-c-e]*',
  '?????????',
  '*t*é*',
  '~/*',
  '~/.r?',
];
const TILDE = ['~', '~/', '~/h.ts', '~/"x y"', '~nobody', 'a:~', '"~"', '\\~'];
const FILES = ['out', 'out2', 'd/out', './out3', '"sp out"', 'd/../out4', "'q out'"];
const FILTERS = ['copy', 'up', 'count', 'first'];
const COMMANDS = ['say', 'say', 'say', 'say', 'ok', 'no', 'seven', 'both', 'copy', 'up', 'count', 'first', 'boom', 'nosuch'];

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const chance = (random: Random, probability: number): boolean => random() < probability;

const many = <T>(random: Random, most: number, make: () => T): T[] => Array.from({ length: Math.floor(random() * (most + 1)) }, make);

const piece = (random: Random, globs: boolean): string => {
  const kind = random();
  if (kind < 0.3) return pick(random, BARE);
  if (kind < 0.42) return `'${pick(random, SINGLE)}'`;
  if (kind < 0.54) return `"${pick(random, DOUBLE)}"`;
  if (kind < 0.6) return `$'${pick(random, ANSI)}'`;
  if (kind < 0.68) return pick(random, ESCAPED);
  if (kind < 0.73) return pick(random, TILDE);
  return globs ? pick(random, GLOB) : pick(random, BARE);
};

const word = (random: Random, globs = true): string =>
  [
    piece(random, globs),
    ...(chance(random, 0.35) ? [piece(random, globs)] : []),
    ...(chance(random, 0.1) ? [piece(random, globs)] : []),
  ].join('');

const blank = (random: Random): string => pick(random, [' ', ' ', ' ', '  ', '\t', ' \\\n']);

/** A shell words its complaints in its own way: they must not reach what is compared. */
const redirection = (random: Random, name: string, mayWrite: boolean, mayFail: boolean): string => {
  const quiet = [
    '</dev/null',
    '>/dev/null',
    '1>/dev/null',
    '< in.txt',
    '<in.txt',
    '<link',
    '< d/in.ts',
    ...(name === 'nosuch' ? ['2>/dev/null'] : ['2>/dev/null', '2>&1', '&>/dev/null', '>&2', '1>&2', ...(mayFail ? ['< missing'] : [])]),
  ];
  const writing = [
    `> ${pick(random, FILES)}`,
    `>${pick(random, FILES)}`,
    `>> ${pick(random, FILES)}`,
    `>| ${pick(random, FILES)}`,
    ...(name === 'nosuch' ? [] : [`&> ${pick(random, FILES)}`, `&>>${pick(random, FILES)}`]),
    '>> in.txt',
    ...(name === 'nosuch' ? [] : ['2> err']),
    ...(mayFail ? ['> missing/x', '> d'] : []),
  ];
  return pick(random, mayWrite && chance(random, 0.6) ? writing : quiet);
};

/** `single`: the stages of a pipeline run at once, so none of them makes a file that another one's pattern could see. */
const command = (random: Random, names: readonly string[], single: boolean): string => {
  const name = pick(random, names);
  const spelled = chance(random, 0.08)
    ? pick(random, [`"${name}"`, `'${name}'`, `\\${name}`, `${name.slice(0, 1)}''${name.slice(1)}`])
    : name;
  const writes = single || chance(random, 0.3);
  const parts = [...(chance(random, 0.04) ? ['LC_ALL=C'] : []), spelled, ...many(random, 4, () => word(random, single || !writes))];
  if (chance(random, 0.25)) parts.splice(1 + Math.floor(random() * parts.length), 0, redirection(random, name, single, true));
  if (chance(random, 0.06)) parts.push(redirection(random, name, false, false));
  return parts.join(blank(random));
};

const pipeline = (random: Random): string => {
  if (chance(random, 0.7)) return command(random, COMMANDS, true);
  const first = chance(random, 0.1) ? 'flood' : command(random, COMMANDS, false);
  const rest = [
    ...many(random, 2, () => command(random, FILTERS, false)),
    first === 'flood' ? 'first' : command(random, chance(random, 0.2) ? COMMANDS : FILTERS, false),
  ];
  return [first, ...rest].join(pick(random, [' | ', '|', ' |\n']));
};

const folder = (random: Random): string =>
  `cd ${pick(random, ['d', './d', 'dd', 'd/e', '..', 'dlink', '"d"', '-- d', 'missing', 'in.txt', 'empty', '.', 'home', 'd/..'])}`;

const hereDocument = (random: Random): string =>
  `${pick(random, FILTERS)} <<${pick(random, ["'EOF'", '"EOF"', '\\EOF'])}${pick(random, ['', ' | up', ' > out', ' && say after'])}\n${many(random, 3, () => `${pick(random, ['text', '$HOME `x` \\', '*', "it's", '  two', '', 'é'])}\n`).join('')}EOF\n`;

const loop = (random: Random): string => {
  const use = pick(random, ['$x', '"$x"', '${x}', '"${x}y"', 'a"$x"b', '$x*']);
  return `for x in ${['a', ...many(random, 2, () => pick(random, ['b', "'c d'", '"*"', 'x1', "''"]))].join(' ')}; do ${pick(random, ['say', 'say', 'copy'])} ${use} ${chance(random, 0.3) ? '; ok' : ''}; done`;
};

const part = (random: Random): string => {
  const kind = random();
  if (kind < 0.08) return folder(random);
  if (kind < 0.13) return loop(random);
  return pipeline(random);
};

export const generateText = (random: Random): string => {
  if (chance(random, 0.05))
    return `${chance(random, 0.5) ? 'say first; ' : ''}${hereDocument(random)}${chance(random, 0.5) ? pipeline(random) : ''}`;
  const parts = [part(random), ...many(random, 3, () => part(random))];
  const joined = parts.reduce(
    (before, next) => `${before}${pick(random, ['; ', ';', '\n', ' && ', '&&', ' || ', ' && ', ' || ', ' &&\n'])}${next}`,
  );
  return `${joined}${chance(random, 0.08) ? pick(random, [' # comment; no', ';', '\n', '  ']) : ''}`;
};
