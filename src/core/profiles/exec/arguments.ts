import { isProgramName } from './blocks.ts';
import type { ProfileInput, ProfilePlan } from '../profile.ts';

export interface ExecArguments {
  /** Programs that the operator blocks, for as long as this server runs. */
  readonly blocked: readonly string[];
  /** Variables of the server's own environment that commands get. */
  readonly passed: readonly string[];
}

const HELP = `Usage: corral --profile exec [COMMAND...] [options]

Arguments:
  COMMAND...                names of programs that commands may not start, such as: rm dd

Options:
  --pass-env NAME[,NAME]    variables of this server that commands get; none of them else
  --version                 print the version
  -h, --help                print this help

MCP over stdin and stdout; \`corral serve --profile exec\` serves it over HTTP.
Every option of Corral itself works too: --driver bubblewrap and --workspace DIR isolate the commands.
`;

type Exit = Extract<ProfilePlan, { kind: 'exit' }>;

const exit = (code: number, stdout: string, stderr: string): Exit => ({ kind: 'exit', code, stdout, stderr });
const wrong = (message: string): Exit => exit(2, '', `${HELP.split('\n', 1)[0] ?? ''}\nerror: ${message}\n`);

/** The original takes names of commands and nothing else. */
export const readArguments = ({ argv, version }: ProfileInput): ExecArguments | Exit => {
  if (argv.includes('--help') || argv.includes('-h')) return exit(0, HELP, '');
  if (argv.includes('--version')) return exit(0, `exec ${version}\n`, '');
  const blocked: string[] = [];
  const passed: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    const [, inline] = /^--pass-env(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (word.startsWith('--pass-env') && (inline !== undefined || word === '--pass-env')) {
      const names = (inline ?? argv[(at += 1)] ?? '').split(',').map((name) => name.trim());
      const odd = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
      if (odd !== undefined) return wrong(`argument --pass-env: no name of a variable: '${odd}'`);
      passed.push(...names);
    } else if (word.startsWith('-')) return wrong(`unrecognized arguments: ${word}`);
    else if (isProgramName(word)) blocked.push(word);
    else return wrong(`argument COMMAND: no name of a program: '${word}'`);
  }
  return { blocked, passed };
};
