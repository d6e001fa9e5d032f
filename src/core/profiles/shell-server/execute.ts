import { constants } from 'node:os';
import * as z from 'zod/v4';
import type { Outcome } from '../../../ports/sandbox.ts';
import { checkAllowed, allowedCommands, type Environment } from './allow-list.ts';
import { defineOperation, type Operation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';
import { readCommand } from './command-line.ts';
import { readDirectory } from './directory.ts';
import { codecFor, defaultEncoding } from './encoding.ts';
import { childEnvironment } from './environment.ts';
import { readPositive, readText, readTimeout, readWords } from './input.ts';
import { outputBlocks } from './output.ts';
import { executeSchema } from './schemas.ts';
import { asShellText, prepareSteps } from './steps.ts';
import { failureWith, mistake, presentBlocks } from './texts.ts';

const TOOL = 'shell_execute';
const STANDARD_TIMEOUT = 15;
/** Between SIGTERM and SIGKILL at the deadline: the answer is to come on time, and nothing is to be left by then. */
const GRACE_MS = 300;
/** Beyond the deadline and the grace: for the end to be told. */
const SLACK_MS = 5000;
const NOT_FOUND = 127;

/** As the original's runtime counts: a program that a signal ended has its negative number. */
const exitCode = ({ kind, code, signal }: Outcome): number | undefined => {
  if (kind === 'exited') return code;
  const number = signal === undefined ? undefined : constants.signals[signal as NodeJS.Signals];
  return kind === 'signalled' && number !== undefined ? -number : undefined;
};

/** What rules see of a call: the argv of one program, or the pipeline as text. Mistakes are for the call itself to tell. */
export const subjectOf = (args: Readonly<Record<string, unknown>>) => {
  const { command, directory } = args;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) return {};
  const cwd = typeof directory === 'string' ? directory : undefined;
  try {
    const stages = readCommand(command);
    const [only, second] = stages;
    return only !== undefined && second === undefined && only.redirects.length === 0 ? { argv: only.argv, cwd } : { shell: asShellText(stages), cwd };
  } catch {
    return {};
  }
};

export const executeOperation = ({ executions, sandboxes, logs }: ProfileServices, env: Environment): Operation =>
  defineOperation({
    name: 'shell.execute',
    tool: TOOL,
    title: 'Execute a shell command',
    description: `Execute a shell command\nAllowed commands: ${allowedCommands(env).join(', ')}`,
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: true },
    input: z.looseObject({}, { error: 'Arguments must be a dictionary' }),
    output: z.looseObject({ blocks: z.array(z.string()) }),
    advertised: executeSchema,
    subject: subjectOf,
    present: presentBlocks(TOOL),
    run: async (args, { caller, signal }) => {
      const words = readWords(args, 'No command provided');
      const live = await sandboxes.primary(signal);
      const cwd = await readDirectory(live, args['directory'], (path) => `Directory does not exist: ${path}`);
      const stages = readCommand(words);
      checkAllowed(stages.map(({ argv: [name = ''] }) => name), env);
      const timeout = readTimeout(args) ?? STANDARD_TIMEOUT;
      const limitLines = readPositive(args, 'limit_lines') ?? 0;
      const codec = await codecFor(readText(args, 'encoding') ?? defaultEncoding(env));
      const stdin = codec.encode(readText(args, 'stdin') ?? '');
      const { steps, missing } = await prepareSteps(stages, live, cwd, false);
      const late = `Command execution timed out after ${String(timeout)} seconds`;
      if (timeout === 0) throw mistake(late);
      if (missing !== undefined && live.record.driver === 'host')
        return { blocks: [`**exit with ${String(NOT_FOUND)}**`, `---\nstderr:\n---\n${missing}: command not found\n`] };

      const look = await executions.run(
        {
          title: words.join(' ').slice(0, 500),
          plan: async () => ({ steps }),
          cwd,
          env: childEnvironment(env),
          stdin,
          keepStdinOpen: false,
          timeoutMs: timeout * 1000,
          graceMs: GRACE_MS,
          sandbox: live.record.id,
          labels: { profile: 'shell-server' },
          detach: false,
          caller: caller.id,
        },
        timeout * 1000 + GRACE_MS + SLACK_MS,
        signal,
      );
      const shown = await outputBlocks(logs, look, codec, limitLines);
      const { outcome, message } = look.record;
      if (outcome === undefined || outcome.kind === 'timed_out') throw failureWith(late, shown);
      const code = exitCode(outcome);
      if (code === undefined) throw failureWith(message ?? `The command ended as ${outcome.kind}`, shown);
      return { blocks: [`**exit with ${String(code)}**`, ...shown] };
    },
  });
