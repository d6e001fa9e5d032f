import * as z from 'zod/v4';
import { CorralError } from '../../../ports/errors.ts';
import { defineOperation, type Operation } from '../../operation.ts';
import { cappedTimeoutMs, decidedSteps, requireCaps } from '../../policy/decided.ts';
import type { ProfileServices } from '../profile.ts';
import { checkAllowed, checkVariables, type Environment } from './allow-list.ts';
import { type Background, labelsOf, type Note } from './background.ts';
import { readCommand } from './command-line.ts';
import { readDirectory } from './directory.ts';
import { codecFor, defaultEncoding } from './encoding.ts';
import { childEnvironment } from './environment.ts';
import { readText, readTexts, readTimeout, readVariables, readWords } from './input.ts';
import { startSchema } from './schemas.ts';
import { prepareSteps } from './steps.ts';
import { asRequested, COMMAND, subjectOf } from './subject.ts';
import { cut, mistake, presentBlocks } from './texts.ts';

const TOOL = 'shell_bg_start';
/** Characters; what is kept of a process has to fit beside it in a sandbox. */
const DESCRIPTION = 1000;
const LABELS = { count: 32, length: 100 };

const readDescription = (args: Readonly<Record<string, unknown>>): string => {
  const description = readText(args, 'description');
  if (description === undefined || description === '') throw mistake('Description is required');
  if (description.length > DESCRIPTION) throw mistake(`'description' must have at most ${String(DESCRIPTION)} characters`);
  return description;
};

const readLabels = (args: Readonly<Record<string, unknown>>): readonly string[] => {
  const labels = readTexts(args, 'labels') ?? [];
  if (labels.length > LABELS.count || labels.some((label) => label.length > LABELS.length))
    throw mistake(`'labels' must be at most ${String(LABELS.count)}, of at most ${String(LABELS.length)} characters each`);
  return labels;
};

export const startOperation = ({ executions, sandboxes }: ProfileServices, background: Background, env: Environment): Operation =>
  defineOperation({
    name: COMMAND,
    tool: TOOL,
    title: 'Start a background process',
    description: `Start a background process for long-running commands\nAllowed commands: see shell_execute`,
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: true },
    input: z.looseObject({}, { error: 'Arguments must be a dictionary' }),
    output: z.looseObject({ blocks: z.array(z.string()) }),
    advertised: startSchema,
    subject: subjectOf,
    present: presentBlocks(TOOL),
    run: async (args, { caller, signal, decision }) => {
      const words = readWords(args, 'Command cannot be empty');
      const live = await sandboxes.primary(signal);
      const cwd = await readDirectory(live, args['directory'], (path) => `Directory '${path}' does not exist`);
      const stages = readCommand(words);
      checkAllowed(
        stages.map(({ argv: [name = ''] }) => name),
        env,
      );
      const variables = readVariables(args);
      checkVariables(variables);
      const timeout = readTimeout(args);
      const encoding = readText(args, 'encoding') ?? defaultEncoding(env);
      const codec = await codecFor(encoding);
      const stdin = codec.encode(readText(args, 'stdin') ?? '');
      const command = words.join(' ');
      const note: Note = { command: cut(command, DESCRIPTION), description: readDescription(args), labels: readLabels(args), encoding };
      const { steps, missing } = await prepareSteps(stages, live, cwd, 'PATH' in variables);
      if (missing !== undefined && live.record.driver === 'host')
        throw mistake(`Error starting background process: command not found: ${missing}`);
      const id = await background.newId();
      try {
        await executions.run(
          {
            title: command.slice(0, 500),
            plan: async () => {
              if (decision !== undefined) requireCaps(decision, live);
              return { steps: decidedSteps(asRequested(stages), decision, live) ?? steps, meta: { ...note } };
            },
            cwd,
            env: { ...childEnvironment(env), ...variables },
            stdin,
            keepStdinOpen: false,
            timeoutMs: cappedTimeoutMs((timeout ?? 0) * 1000, decision),
            outputBytes: decision?.caps.outputBytes,
            sandbox: live.record.id,
            labels: labelsOf(id),
            detach: true,
            caller: caller.id,
            decision,
          },
          0,
          signal,
        );
      } catch (error) {
        if (error instanceof CorralError && (error.code === 'cancelled' || error.code === 'denied')) throw error;
        throw mistake(`Error starting background process: ${error instanceof Error ? error.message : String(error)}`);
      }
      return { blocks: [`Started background process with ID: ${id}`] };
    },
  });
