import { Command, CommanderError } from 'commander';
import { CorralError } from '../../ports/errors.ts';
import { COMMANDS } from './commands.ts';
import { addApprovalCommands } from './approvals.ts';
import { addPackageCommands } from './commands/package-commands.ts';
import { addPolicyCommands } from './commands/policy.ts';
import type { AttachOptions } from './attach.ts';
import type { AuditSearchOptions, AuditTailOptions } from './commands/audit.ts';
import { addConfigOptions, readConfigOptions } from './config-options.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { reportFailure } from './fail.ts';
import type { Flag } from './flags.ts';
import { configurationHelp, LOGS_EXAMPLES, MORE_OPTIONS, profilesHelp, ROOT_EXAMPLES, ROOT_SUMMARY, RUN_EXAMPLES } from './help.ts';
import type { GcOptions } from './gc.ts';
import type { KillOptions } from './kill.ts';
import type { LogsOptions } from './logs-request.ts';
import type { PsOptions } from './ps.ts';
import type { ReceiptOptions } from './receipt.ts';
import type { RunOptions } from './run-request.ts';
import type { SandboxListOptions } from './sandbox.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { createStyle, wantsColour } from './style.ts';
import { nearest } from './suggest.ts';

/** Where the terminal does not say how wide it is. */
const HELP_COLUMNS = 100;

const append = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

const summary = (name: string): string => COMMANDS.get(name) ?? '';

/** `error: unknown option '--jsn'\n(Did you mean --json?)` as an error of the house. */
const usageError = ({ message }: CommanderError, flags: readonly Flag[]): CorralError => {
  const [first = '', suggestion] = message.replace(/^error: /, '').split('\n');
  // The library suggests only what its help shows.
  const unknown = /^unknown option '--([^'=]+)/.exec(first)?.[1];
  const meant =
    unknown === undefined
      ? undefined
      : nearest(
          unknown,
          flags.map(({ name }) => name),
        );
  return new CorralError('invalid_input', `${first.charAt(0).toUpperCase()}${first.slice(1)}.`, {
    hint:
      suggestion?.replace(/^\((.*)\)$/, '$1') ?? (meant === undefined ? 'Add --help to see what there is.' : `Did you mean --${meant}?`),
  });
};

/** Was the argument list of `run` set off by `--`? Then one word is a program, not shell text. */
const isExplicit = (argv: readonly string[], operands: readonly string[]): boolean => argv[argv.length - operands.length - 1] === '--';

export interface ProgramDeps {
  readonly argv: readonly string[];
  readonly context: CliContext;
  readonly flags: readonly Flag[];
  readonly done: (code: number) => void;
}

/** The commands. What a command needs is loaded when it runs. */
export const createProgram = ({ argv, context, flags, done }: ProgramDeps): Command => {
  const style = createStyle(wantsColour(process.stdout, context.env));
  const program = new Command('corral')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ styleTitle: style.bold, styleCommandText: style.bold })
    .description(ROOT_SUMMARY)
    .usage('[options] [DIR...]\n       corral COMMAND [options] [arguments]')
    .argument('[DIR...]', 'workspaces: folders that commands may change')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help, also of a command')
    .addHelpText(
      'after',
      () =>
        `\n${style.bold('Configuration:')}\n${configurationHelp(flags, process.stdout.columns ?? HELP_COLUMNS)}\n${style.bold('Profiles:')}\n${profilesHelp()}${ROOT_EXAMPLES}`,
    );
  addConfigOptions(program, flags);

  const configOf = (command: Command, folders: readonly string[] = []): ServerArguments => ({
    folders,
    ...readConfigOptions(command, flags),
  });

  /** A command on its parent, with the options of the configuration, hidden. */
  const add = (parent: Command, name: string, description: string): Command => {
    const command = parent.command(name).description(description).addHelpText('after', MORE_OPTIONS);
    addConfigOptions(command, flags);
    return command;
  };

  program.action(async (folders: string[], _options, command: Command) => {
    const { runStdio } = await import('./stdio.ts');
    await runStdio(context, configOf(command, folders));
  });

  program.commandsGroup('Serve:');
  add(program, 'serve', summary('serve'))
    .argument('[DIR...]', 'workspaces')
    .option('--transport <http|stdio>', 'how clients connect', 'http')
    .action(async (folders: string[], options: { transport: string }, command: Command) => {
      const args = configOf(command, folders);
      if (options.transport === 'stdio') {
        const { runStdio } = await import('./stdio.ts');
        return runStdio(context, args);
      }
      if (options.transport !== 'http')
        throw new CorralError('invalid_input', `There is no transport "${options.transport}".`, {
          hint: 'Use --transport http or --transport stdio.',
        });
      const { runServe } = await import('./serve.ts');
      done(await runServe(context, args));
    });

  program.commandsGroup('Run:');
  add(program, 'run', summary('run'))
    .alias('exec')
    .usage("[options] -- PROGRAM [ARGUMENT...]\n       corral run [options] 'SHELL TEXT'")
    .argument('<command...>', 'a program and its arguments, or one shell text')
    .passThroughOptions()
    .option('--timeout <SECONDS>', 'end the whole process tree after this')
    .option('-e, --env <NAME=VALUE>', 'set a variable; NAME alone takes it from here; may be repeated', append)
    .option('--cwd <DIR>', 'start in this folder of the workspace')
    .option('--label <NAME=VALUE>', 'remember it with the execution; may be repeated', append)
    .option('--sandbox <ID>', 'run in a sandbox that is there already')
    .option('-t, --pty', 'give it a terminal')
    .option('--no-stdin', 'leave standard input alone')
    .option('-d, --detach', 'print the id and leave it running')
    .option('--json', 'print one JSON result at its end')
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (operands: string[], options: RunOptions, command: Command) => {
      const { runCommand } = await import('./run.ts');
      done(
        await runCommand(
          context,
          configOf(command),
          isExplicit(argv, operands) || operands.length > 1 ? operands : (operands[0] ?? ''),
          options,
        ),
      );
    });

  program.commandsGroup('Look and act:');
  add(program, 'ps', summary('ps'))
    .option('-a, --all', 'ended ones too')
    .option('-n, --limit <N>', 'at most so many (200 at most)')
    .option('--live', 'what those that run use now')
    .option('--json', 'as JSON')
    .action(async (options: PsOptions, command: Command) => {
      const { runPs } = await import('./ps.ts');
      done(await runPs(context, configOf(command), options));
    });
  add(program, 'receipt', summary('receipt'))
    .argument('<ID>', 'an execution; the beginning of its id will do')
    .option('--json', 'as JSON')
    .action(async (id: string, options: ReceiptOptions, command: Command) => {
      const { runReceipt } = await import('./receipt.ts');
      done(await runReceipt(context, configOf(command), id, options));
    });
  add(program, 'logs', summary('logs'))
    .argument('<ID>', 'an execution; the beginning of its id will do')
    .option('-f, --follow', 'go on until it ends')
    .option('-n, --tail <N>', 'begin with the last N lines')
    .option('--since <TIME>', 'from then on: 5m (ago), +2s (after the start), 2026-11-28T14:00, seconds since 1970')
    .option('--until <TIME>', 'up to then')
    .option('-t, --timestamps', 'when each line came, in front of it')
    .option('--time-format <FORMAT>', 'the same, as strftime has it: %H:%M:%S.%L')
    .option('--stdout', 'this stream only')
    .option('--stderr', 'this stream only')
    .option('--stream <stdout|stderr|both>', 'the same', 'both')
    .option('--grep <REGEX>', 'only the lines that match, with their numbers')
    .option('--encoding <NAME>', 'how the program writes text, if not as UTF-8: latin1, shift_jis, utf-16le, ...')
    .option('--raw', 'with stamps, --grep or --json: keep colours and overwritten progress lines')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', LOGS_EXAMPLES)
    .action(async (id: string, options: LogsOptions, command: Command) => {
      const { runLogs } = await import('./logs.ts');
      done(await runLogs(context, configOf(command), id, options));
    });
  add(program, 'attach', summary('attach'))
    .argument('<ID>', 'a running execution; the beginning of its id will do')
    .option('--no-stdin', 'look only')
    .addHelpText('after', '\nCtrl-P Ctrl-Q leaves it running. When it ends, attach ends with its exit code.')
    .action(async (id: string, options: AttachOptions, command: Command) => {
      const { runAttach } = await import('./attach.ts');
      done(await runAttach(context, configOf(command), id, options));
    });
  add(program, 'kill', summary('kill'))
    .argument('<ID...>', 'executions; the beginnings of their ids will do')
    .option('-s, --signal <NAME>', 'TERM, INT, HUP, QUIT and KILL end it; any other, such as USR1, is sent to its program', 'SIGTERM')
    .option('--grace <SECONDS>', 'before what is left is ended by force')
    .option('--json', 'as JSON')
    .action(async (ids: string[], options: KillOptions, command: Command) => {
      const { runKill } = await import('./kill.ts');
      done(await runKill(context, configOf(command), ids, options));
    });
  const sandbox = program.command('sandbox').description(summary('sandbox'));
  add(sandbox, 'ls', 'list sandboxes')
    .option('-a, --all', 'ended ones too')
    .option('--json', 'as JSON')
    .action(async (options: SandboxListOptions, command: Command) => {
      const { runSandboxList } = await import('./sandbox.ts');
      done(await runSandboxList(context, configOf(command), options));
    });
  add(sandbox, 'rm', 'end sandboxes and everything that runs in them')
    .argument('<ID...>', 'sandboxes; the beginnings of their ids will do')
    .option('--json', 'as JSON')
    .action(async (ids: string[], options: { json?: boolean }, command: Command) => {
      const { runSandboxRemove } = await import('./sandbox.ts');
      done(await runSandboxRemove(context, configOf(command), ids, options));
    });
  const template = program.command('template').description(summary('template'));
  add(template, 'ls', 'list the templates')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { runTemplateList } = await import('./commands/template.ts');
      done(await runTemplateList(context, configOf(command), options));
    });
  add(template, 'run', 'run one in a sandbox, with values for its parameters')
    .argument('<NAME>', 'of a template')
    .argument('[PARAMETER=VALUE...]', 'lists are separated by commas')
    .option('--json', 'as JSON')
    .action(async (name: string, words: string[], options: { json?: boolean }, command: Command) => {
      const { runTemplate } = await import('./commands/template.ts');
      done(await runTemplate(context, configOf(command), name, words, options));
    });
  addPackageCommands(program.command('package').description(summary('package')), {
    context,
    add,
    configOf: (command) => configOf(command),
    done,
  });
  addApprovalCommands(add(program, 'approvals', summary('approvals')), { context, add, configOf: (command) => configOf(command), done });
  const audit = program.command('audit').description(summary('audit'));
  add(audit, 'tail', 'the newest events of all servers')
    .option('-f, --follow', 'go on with those that come')
    .option('-n, --lines <N>', 'how many [20]')
    .option('--json', 'as JSON lines')
    .action(async (options: AuditTailOptions, command: Command) => {
      const { runAuditTail } = await import('./commands/audit.ts');
      done(await runAuditTail(context, configOf(command), options));
    });
  add(audit, 'search', 'the events that match all of these, oldest first')
    .option('--caller <ID>', 'of this caller')
    .option('--operation <NAME>', 'such as command.execute')
    .option('--since <TIME>', 'not older: 2h, 30m, 7d ago, or 2026-11-20T12:00:00Z')
    .option('--until <TIME>', 'not newer')
    .option('--outcome <WORD>', 'such as exited, "exited 1", timed_out, denied')
    .option('--text <TEXT>', 'somewhere in the event')
    .option('--limit <N>', 'at most so many, the newest [100]')
    .option('--json', 'as JSON lines')
    .action(async (options: AuditSearchOptions, command: Command) => {
      const { runAuditSearch } = await import('./commands/audit.ts');
      done(await runAuditSearch(context, configOf(command), options));
    });
  add(audit, 'verify', 'has anybody changed the log? Exit code 1 if so')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { runAuditVerify } = await import('./commands/audit.ts');
      done(await runAuditVerify(context, configOf(command), options));
    });

  program.commandsGroup('Set up:');
  add(program, 'gc', summary('gc'))
    .option('--dry-run', 'count what would go, and remove nothing')
    .option('--json', 'as JSON')
    .action(async (options: GcOptions, command: Command) => {
      const { runGc } = await import('./gc.ts');
      done(await runGc(context, configOf(command), options));
    });
  add(program, 'doctor', summary('doctor'))
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { runDoctor } = await import('./doctor.ts');
      done(await runDoctor(context, configOf(command), options));
    });
  addPolicyCommands(program.command('policy').description(summary('policy')), {
    context,
    add,
    configOf: (command) => configOf(command),
    done,
  });
  const config = program.command('config').description(summary('config'));
  add(config, 'show', 'every option, its value and where it comes from')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { runConfigShow } = await import('./config.ts');
      done(await runConfigShow(context, configOf(command), flags, options));
    });
  program.helpCommand('help [COMMAND]', summary('help'));
  return program;
};

/** Is JSON asked of Corral itself, and not of the program that it runs? */
const wantsJson = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
};

/** Reads the arguments with the command line library and runs the command. Returns the exit code; reports what a command throws. */
export const runProgram = async (argv: readonly string[], context: CliContext, flags: readonly Flag[]): Promise<number> => {
  let code: number = EXIT.ok;
  const program = createProgram({
    argv,
    context,
    flags,
    done: (end) => {
      code = end;
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, { json: wantsJson(argv) });
    // Help and version have been printed by now; help for want of a subcommand is a mistake all the same.
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code === 'commander.help') return EXIT.usage;
    return reportFailure(usageError(error, flags), { json: wantsJson(argv) });
  }
};
