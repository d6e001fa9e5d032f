/** Programs that run whatever is configured: what they ran shows in the output only. */
const WRAPPERS = [
  'npm',
  'npx',
  'pnpm',
  'yarn',
  'bun',
  'make',
  'ninja',
  'just',
  'task',
  'tox',
  'nox',
  'poetry',
  'uv',
  'hatch',
  'pipenv',
  'rake',
  'turbo',
  'nx',
  'lerna',
  'sh',
  'bash',
];

/** One of the programs stands where a command or a module is named: as a word, or at the end of a path. */
export const calls = (...programs: readonly string[]): ((command: string) => boolean) => {
  const words = programs.map((program) => program.replaceAll(/[.+]/g, '\\$&').replaceAll(' ', '\\s+(?:[^;&|\\n]*\\s)?')).join('|');
  const pattern = new RegExp(`(?:^|[\\s;&|(/'"])(?:${words})(?=$|[\\s;&|)'"@])`);
  return (command) => pattern.test(command);
};

/** The same, also where a script or a build tool may have called it. */
export const callsOrScripts = (...programs: readonly string[]): ((command: string) => boolean) => {
  const direct = calls(...programs);
  const wrapped = calls(...WRAPPERS);
  return (command) => direct(command) || wrapped(command) || /(?:^|[\s;&|(])\.{0,2}\/[\w./-]+\.sh\b/.test(command);
};
