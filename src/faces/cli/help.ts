import { PROFILES } from '../../core/profiles/index.ts';
import type { Flag } from './flags.ts';

export const ROOT_SUMMARY = 'Hands for AI agents: runs commands in sandboxes and tells the truth about what happened.';

export const ROOT_EXAMPLES = `
Examples:
  corral ~/project                     serve MCP over stdio, with this folder as the workspace (what a client starts)
  corral serve ~/project               serve MCP over HTTP on 127.0.0.1:3344
  corral run -- npm test               run a command here, sandboxed: no network, writes stay in this folder
  corral run 'make 2>&1 | tail -20'    the same with shell text
  corral ps --all                      what runs and what ran, whichever server started it
  corral logs -f x7k                   follow the output of an execution; the beginning of its id will do
  corral doctor                        check this machine

Every option can also be set as CORRAL_NAME_OF_OPTION or in the configuration file; corral config show tells what holds.
Exit codes: 0 done, 1 failed, 2 wrong usage; corral run: that of the program, 124 timed out, 125 could not be run.
`;

export const RUN_EXAMPLES = `
Examples:
  corral run -- cargo test                      a program with its arguments
  corral run 'for f in *.c; do cc -c $f; done'  shell text
  cat data.csv | corral run -- python3 sum.py   standard input is passed on
  corral run --pty -- vim notes.txt             with a terminal
  corral run --detach --timeout 3600 -- ./train prints its id and leaves it running

The current folder is the workspace unless --workspace names others; it is the only place the command can change.
Exit codes: that of the program; 128+N when signal N or a limit ended it; 124 timed out; 125 Corral could not run it.
`;

export const LOGS_EXAMPLES = `
Examples:
  corral logs -f x7k                    follow it until it ends; the beginning of its id will do
  corral logs --tail 20 -t x7k          the last lines and when they came
  corral logs --since 5m --stderr x7k   what it complained of lately
  corral logs --time-format %T --grep 'error|warning' x7k

Without -t, --grep, --encoding and --json it prints the bytes as they are. Times without a zone are local.
Exit codes: 0 also when the program failed, which corral ps --all tells; 130 after Ctrl-C; 141 when the reader went away.
`;

export const MORE_OPTIONS = '\nThe options under Configuration in `corral --help` work here too.';

/** Words in lines of at most `width`. */
const wrap = (text: string, width: number): readonly string[] =>
  text.split(' ').reduce<readonly string[]>((lines, word) => {
    const last = lines.at(-1);
    return last === undefined || last.length + 1 + word.length > width ? [...lines, word] : [...lines.slice(0, -1), `${last} ${word}`];
  }, []);

/** `--driver auto|bubblewrap|host` */
export const flagUsage = ({ name, kind, value }: Flag): string => `--${name}${kind === 'boolean' ? '' : ` ${value}`}`;

/** What an option means, with what holds when it is not given. */
export const flagMeaning = ({ kind, description, standard }: Flag): string =>
  `${description}${kind === 'list' ? ' May be repeated.' : ''}${standard === undefined || kind === 'boolean' ? '' : ` [${standard}]`}`;

const FLAG_COLUMN = 28;

/** The section of the help that shows the servers Corral can stand in for. */
export const profilesHelp = (): string => {
  const rows = [...PROFILES].map(([name, { summary }]) => `  ${`--profile ${name}`.padEnd(FLAG_COLUMN)}${summary}`);
  return [
    '  Corral as a drop-in for another server, with its tools, texts, flags and variables. What follows the name and is no option',
    '  of Corral is for the profile; --profile NAME --help shows it. Also CORRAL_PROFILE=NAME.',
    ...rows,
    '',
  ].join('\n');
};

/** The section of the help that shows every option of the configuration. `width` of the terminal, in columns. */
export const configurationHelp = (flags: readonly Flag[], width: number): string => {
  const rows = [
    ['--config FILE', 'Configuration file, YAML or JSON. [~/.config/corral/config.yaml]'] as const,
    ...flags.map((flag) => [flagUsage(flag), flagMeaning(flag)] as const),
  ];
  const lines = rows.flatMap(([usage, meaning]) => {
    const told = wrap(meaning, Math.max(40, width - FLAG_COLUMN - 2)).map((line) => `${' '.repeat(FLAG_COLUMN + 2)}${line}`);
    const [first = '', ...rest] = told;
    return usage.length < FLAG_COLUMN - 1 ? [`  ${usage.padEnd(FLAG_COLUMN)}${first.trimStart()}`, ...rest] : [`  ${usage}`, ...told];
  });
  return `${lines.join('\n')}\n`;
};
