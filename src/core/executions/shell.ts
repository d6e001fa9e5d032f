/** Builtins and habits in which the small shells and bash differ even for plain words. */
const BASH_WORDS = new Set([
  'source',
  'type',
  'help',
  'let',
  'declare',
  'typeset',
  'shopt',
  'pushd',
  'popd',
  'dirs',
  'builtin',
  'enable',
  'mapfile',
  'readarray',
  'compgen',
  'complete',
  'disown',
  'history',
  'caller',
  'time',
  'select',
  'function',
  'coproc',
  'local',
  'read',
  'ulimit',
  'trap',
  'wait',
  'hash',
  'exec',
  'suspend',
  'logout',
  'bind',
  'fc',
  'printf',
  'export',
  'set',
  'kill',
  'jobs',
  'test',
]);

/**
 * Which shell reads this text? Models write bash. For one command of plain words every shell means the same, and `sh` starts sooner.
 * `echo` with an option is the exception: sh prints it.
 */
export const needsBash = (text: string): boolean => {
  if (!/^[A-Za-z0-9_./,:@%+ -]*$/.test(text)) return true;
  const words = text.trim().split(/ +/);
  const first = words[0] ?? '';
  return BASH_WORDS.has(first) || (first === 'echo' && words.some((word) => word.startsWith('-')));
};
