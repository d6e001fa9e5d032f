import type { Subject } from '../../operation.ts';
import { type FileRedirect, readCommand, type Stage } from './command-line.ts';
import { type RawArguments, readVariables, readWords } from './input.ts';

/** Rules for commands hold for these tools: to them they are the operation that runs one. */
export const COMMAND = 'command.execute';

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const OPERATORS: Readonly<Record<FileRedirect['kind'], string>> = { read: '<', write: '>', append: '>>' };

/** The command as shell text that means the same: rules know pipelines in this form. It is never given to a shell. */
export const asShellText = (stages: readonly Stage[]): string =>
  stages
    .map(({ argv, redirects }) =>
      [...argv.map(quoted), ...redirects.map(({ kind, path }) => `${OPERATORS[kind]} ${quoted(path)}`)].join(' '),
    )
    .join(' | ');

/** The argv of one program, or a pipeline as text. */
export const asRequested = (stages: readonly Stage[]): string | readonly string[] => {
  const [only, second] = stages;
  return only !== undefined && second === undefined && only.redirects.length === 0 ? only.argv : asShellText(stages);
};

/** What rules see of a call. Nothing of one that is wrong: the call itself tells its mistake, and starts nothing. */
export const subjectOf = (args: RawArguments): Subject => {
  try {
    const command = asRequested(readCommand(readWords(args, '')));
    const { directory } = args;
    return {
      ...(typeof command === 'string' ? { shell: command } : { argv: command }),
      ...(typeof directory === 'string' && { cwd: directory }),
      env: readVariables(args),
    };
  } catch {
    return {};
  }
};
