import type { Operation } from '../../operation.ts';
import { decidedSteps } from '../../policy/decided.ts';
import { programsOfArgv, programsOfText } from '../../policy/started-programs.ts';
import type { ExecDeps } from './deps.ts';
import { commandText, flag, optionalText, outputType, readOutputType, readWait, waitFields } from './input.ts';
import { runSession } from './start.ts';
import { BLACKLISTED, exception } from './texts.ts';
import { defineTool } from './tool.ts';
import { splitWords } from './words.ts';

/** Rules for commands hold for these tools: to them they are the operation that runs one. */
export const COMMAND = 'command.execute';

const cwdOf = (folder: string | null | undefined): { readonly cwd?: string } =>
  folder === undefined || folder === null ? {} : { cwd: folder };

/** As rules see it; what cannot be split is told by the call. */
const asGiven = (command: string, shell: boolean | null | undefined): { readonly shell: string } | { readonly argv: readonly string[] } => {
  if (shell !== false) return { shell: command };
  try {
    return { argv: splitWords(command) };
  } catch {
    return { argv: [] };
  }
};

export const executeOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: COMMAND,
    tool: 'execute_command',
    title: 'Execute a command',
    description:
      'Run a shell command and wait for it, at most wait_time (or timeout) seconds. What has not ended by then goes on as a session: read_output shows its output, force_terminate ends it.',
    effect: 'execute',
    input: {
      command: commandText,
      ...waitFields,
      output_type: outputType,
      shell: flag,
      use_fork: flag,
      terminate_after_wait: flag,
      working_directory: optionalText,
    },
    subject: ({ command, shell, working_directory }) => ({ ...asGiven(command, shell), ...cwdOf(working_directory) }),
    run: async (input, context) => {
      const wanted = readOutputType(input.output_type);
      const argv = input.shell === false ? splitWords(input.command) : undefined;
      if (argv?.length === 0) throw exception('list index out of range');
      const live = await deps.place.live(context.signal);
      const cwd = await deps.place.folder(live, input.working_directory, context.decision !== undefined);
      const started = () => (argv === undefined ? programsOfText(input.command, 'sh') : programsOfArgv(argv));
      if (await deps.blocks.refuses(started, live, cwd)) return BLACKLISTED;
      return runSession(
        deps,
        {
          command: input.command,
          live,
          cwd,
          plan: async () => ({
            steps: decidedSteps(argv ?? input.command, context.decision, live) ?? [argv ?? ['/bin/sh', '-c', input.command]],
          }),
          waitSeconds: readWait(input),
          wanted,
          terminate: input.terminate_after_wait === true,
          detach: input.use_fork === true,
        },
        context,
      );
    },
  });
