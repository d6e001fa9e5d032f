import * as z from 'zod/v4';
import { CorralError } from '../../../ports/errors.ts';
import { checkArgv, noNul } from '../../executions/input.ts';
import type { Operation } from '../../operation.ts';
import { cappedTimeoutMs, decidedSteps, requireCaps } from '../../policy/decided.ts';
import { programsOfArgv, programsOfText } from '../../policy/started-programs.ts';
import type { ExecDeps } from './deps.ts';
import { COMMAND } from './execute.ts';
import { flag, optionalText, outputType, readOutputType, readWait, waitFields } from './input.ts';
import { isWanted, returnCode, streamText } from './output.ts';
import { LABELS } from './start.ts';
import { BLACKLISTED, noSuchFile } from './texts.ts';
import { defineTool } from './tool.ts';

/** Beyond the deadline: for the end to be told. */
const SLACK_MS = 5000;

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly returncode: number;
  readonly execution_time: number;
  readonly timed_out: boolean;
}

const shown = (result: Result): string => JSON.stringify(result, null, 2);

const failure = (stderr: string): string => shown({ stdout: '', stderr, returncode: -1, execution_time: 0, timed_out: false });

const failedToStart = (message: string): string => failure(`Error executing command: ${message}`);

export const syncOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: COMMAND,
    tool: 'run_command_sync',
    title: 'Run a program to its end',
    description: 'Run a program with its arguments, and end it when it takes longer than wait_time seconds. Answers JSON.',
    effect: 'execute',
    input: {
      command: z.array(z.string().refine(noNul, 'must not contain NUL')),
      ...waitFields,
      output_type: outputType,
      shell: flag,
      working_directory: optionalText,
    },
    subject: ({ command, shell, working_directory }) => ({
      ...(shell === true ? { shell: command.join(' ') } : { argv: command }),
      ...(typeof working_directory === 'string' && { cwd: working_directory }),
    }),
    run: async (input, { caller, signal, decision }) => {
      const { executions, logs, place, blocks } = deps;
      const wanted = readOutputType(input.output_type);
      const command = input.shell === true ? input.command.join(' ') : input.command;
      if (input.command.length === 0) return failedToStart('the command is empty');
      const waitMs = readWait(input) * 1000;
      try {
        const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
        checkArgv(argv);
        const live = await place.live(signal);
        const cwd = await place.folder(live, input.working_directory, decision !== undefined);
        const started = () => (typeof command === 'string' ? programsOfText(command, 'sh') : programsOfArgv(command));
        if (await blocks.refuses(started, live, cwd)) return failure(BLACKLISTED);
        const timeoutMs = cappedTimeoutMs(Math.max(waitMs, 1), decision);
        const look = await executions.run(
          {
            title: input.command.join(' ').slice(0, 500),
            plan: async () => {
              if (decision !== undefined) requireCaps(decision, live);
              return { steps: decidedSteps(command, decision, live) ?? [argv] };
            },
            cwd,
            env: place.env,
            keepStdinOpen: false,
            timeoutMs,
            graceMs: 0,
            outputBytes: decision?.caps.outputBytes,
            sandbox: live.record.id,
            labels: { ...LABELS, kind: 'sync' },
            detach: false,
            caller: caller.id,
          },
          timeoutMs + SLACK_MS,
          signal,
        );
        const { outcome, durationMs = 0, message } = look.record;
        const timedOut = outcome === undefined || outcome.kind === 'timed_out';
        const textOf = async (stream: 'stdout' | 'stderr'): Promise<string> =>
          isWanted(wanted, stream) ? streamText(logs, look, stream) : '';
        const [stdout, stderr] = await Promise.all([textOf('stdout'), textOf('stderr')]);
        const late = `Command timed out after ${String(timeoutMs / 1000)} seconds`;
        return shown({
          stdout,
          stderr: timedOut
            ? [stderr, late].filter((text) => text !== '').join('\n')
            : `${stderr}${outcome.kind === 'exited' ? '' : (message ?? '')}`,
          returncode: timedOut ? -1 : returnCode(outcome),
          execution_time: Math.round(durationMs) / 1000,
          timed_out: timedOut,
        });
      } catch (error) {
        if (!(error instanceof CorralError) || error.code === 'cancelled' || error.code === 'denied' || error.code === 'internal')
          throw error;
        const missing = error.code === 'failed_to_start' && /was not found|no such file/i.test(error.message);
        return failedToStart(missing ? noSuchFile(input.command[0] ?? '') : error.message);
      }
    },
  });
