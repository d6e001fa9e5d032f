import { constants } from 'node:os';
import * as z from 'zod/v4';
import type { Outcome } from '../../../ports/sandbox.ts';
import { checkAllowed, allowedCommands, type Environment } from './allow-list.ts';
import { defineOperation, type Operation } from '../../operation.ts';
import { cappedTimeoutMs, decidedSteps, requireCaps } from '../../policy/decided.ts';
import type { ProfileServices } from '../profile.ts';
import { readCommand } from './command-line.ts';
import { readDirectory } from './directory.ts';
import { codecFor, defaultEncoding } from './encoding.ts';
import { childEnvironment } from './environment.ts';
import { readPositive, readText, readTimeout, readWords } from './input.ts';
import { outputBlocks } from './output.ts';
import { executeSchema } from './schemas.ts';
import { prepareSteps } from './steps.ts';
import { asRequested, COMMAND, subjectOf } from './subject.ts';
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

export const executeOperation = ({ executions, sandboxes, logs }: ProfileServices, env: Environment): Operation =>
  defineOperation({
    name: COMMAND,
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
    run: async (args, { caller, signal, decision }) => {
      const words = readWords(args, 'No command provided');
      const live = await sandboxes.primary(signal);
      const cwd = await readDirectory(live, args['directory'], (path) => `Directory does not exist: ${path}`);
      const stages = readCommand(words);
      checkAllowed(
        stages.map(({ argv: [name = ''] }) => name),
        env,
      );
      const timeout = cappedTimeoutMs((readTimeout(args) ?? STANDARD_TIMEOUT) * 1000, decision) / 1000;
      const limitLines = readPositive(args, 'limit_lines') ?? 0;
      const codec = await codecFor(readText(args, 'encoding') ?? defaultEncoding(env));
      const stdin = codec.encode(readText(args, 'stdin') ?? '');
      const { steps, missing } = await prepareSteps(stages, live, cwd, false);
      const late = `Command execution timed out after ${String(timeout)} seconds`;
      if (readTimeout(args) === 0) throw mistake(late);
      if (missing !== undefined && live.record.driver === 'host')
        return { blocks: [`**exit with ${String(NOT_FOUND)}**`, `---\nstderr:\n---\n${missing}: command not found\n`] };

      const look = await executions.run(
        {
          title: words.join(' ').slice(0, 500),
          plan: async () => {
            if (decision !== undefined) requireCaps(decision, live);
            return { steps: decidedSteps(asRequested(stages), decision, live) ?? steps };
          },
          cwd,
          env: childEnvironment(env),
          stdin,
          keepStdinOpen: false,
          timeoutMs: timeout * 1000,
          graceMs: GRACE_MS,
          outputBytes: decision?.caps.outputBytes,
          sandbox: live.record.id,
          labels: { profile: 'shell-server' },
          detach: false,
          caller: caller.id,
          decision,
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
