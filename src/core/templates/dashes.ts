/** Programs for which `--` ends the options, and that mean the same with it. */
const TAKES_DASHES = new Set([
  'cat',
  'tac',
  'nl',
  'head',
  'tail',
  'wc',
  'sort',
  'uniq',
  'cut',
  'grep',
  'egrep',
  'fgrep',
  'rg',
  'ls',
  'stat',
  'du',
  'file',
  'diff',
  'cmp',
  'basename',
  'dirname',
  'realpath',
  'readlink',
  'mkdir',
  'rmdir',
  'touch',
  'rm',
  'cp',
  'mv',
  'md5sum',
  'sha1sum',
  'sha256sum',
  'sha512sum',
  'base64',
  'gzip',
  'gunzip',
  'zcat',
]);

const isWord = (value: unknown): value is string => typeof value === 'string';

/**
 * Puts `--` before the first argument that a caller fills in, where the program takes it and nothing behind it can be an option: whatever a
 * value begins with then, it is an operand. Leaves alone what it does not understand; loading the template says what is wrong with it.
 */
export const withDashes = (spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const argv = spec['argv'];
  if (!Array.isArray(argv) || !argv.every(isWord) || argv.includes('--')) return spec;
  const program = argv[0]?.slice(argv[0].lastIndexOf('/') + 1) ?? '';
  const params =
    typeof spec['params'] === 'object' && spec['params'] !== null
      ? (spec['params'] as Readonly<Record<string, { readonly type?: unknown } | undefined>>)
      : {};
  const filled = (word: string): boolean => /(?<!\{)\{[A-Za-z_]\w*\}/.test(word) && !word.startsWith('-');
  const first = argv.findIndex((word, index) => index > 0 && filled(word));
  if (!TAKES_DASHES.has(program) || first < 0) return spec;
  // The word may be the value of the option before it; and an option behind it would become an operand.
  if (argv[first - 1]?.startsWith('-') === true) return spec;
  const later = argv.slice(first);
  const isOption = (word: string): boolean =>
    word.startsWith('-') || [...word.matchAll(/\{([A-Za-z_]\w*)\}/g)].some(([, name]) => params[name ?? '']?.type === 'flag');
  return later.some(isOption) ? spec : { ...spec, argv: argv.toSpliced(first, 0, '--') };
};
