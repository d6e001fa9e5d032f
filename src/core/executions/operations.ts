import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { cappedTimeoutMs, decidedSteps, requireCaps } from '../policy/decided.ts';
import { DEFAULT_SIZE } from '../terminal/sizes.ts';
import {
  ARGUMENT_BYTES,
  checkArgv,
  executionId,
  MAX_EXECUTIONS,
  noNul,
  patienceMs,
  startFields,
  stdinBytes,
  terminalSides,
} from './input.ts';
import { signalNamed } from './signal-names.ts';
import { sendOperation } from './send-operation.ts';
import type { Executions } from './types.ts';
import { tellOf } from './telling.ts';
import { needsBash } from './shell.ts';
import { durationOf, executionOutput, outcomeView, viewExecution } from './view.ts';
import { type WaitOperationDeps, waitOperation } from './wait-operation.ts';

export interface ExecutionOperationsDeps extends WaitOperationDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly receipts: Receipts;
  readonly config: Config;
  /** Absolute paths, as seen inside. */
  readonly shells: { readonly sh: string; readonly bash: string | undefined };
}

const HINTS = { destructive: true, idempotent: false, openWorld: false } as const;

type TerminalSides = z.output<typeof terminalSides>;
const hasTerminal = (pty: TerminalSides | boolean | undefined): boolean => pty !== undefined && pty !== false;

const sidesOf = (pty: TerminalSides | boolean | undefined) => {
  const { cols = DEFAULT_SIZE.cols, rows = DEFAULT_SIZE.rows } = typeof pty === 'object' ? pty : {};
  return { cols, rows };
};

/** A caller who asks for a handle at once means to talk to the program; in all other cases an open input makes programs hang. */
const keepsInputOpen = (input: {
  interactive?: boolean | undefined;
  pty?: TerminalSides | boolean | undefined;
  detach?: boolean | undefined;
  stdin?: string | undefined;
  wait_seconds?: number | undefined;
}): boolean =>
  input.interactive ??
  (input.stdin === undefined &&
    (hasTerminal(input.pty) || input.detach === true || (input.wait_seconds !== undefined && input.wait_seconds <= 1)));

const titleOf = (command: string | readonly string[]): string => (typeof command === 'string' ? command : command.join(' ')).slice(0, 500);

export const executionOperations = (deps: ExecutionOperationsDeps): readonly Operation[] => {
  const { executions, presenter, receipts, config, shells } = deps;

  const stepsFor = (command: string | string[]): string[][] => {
    if (typeof command !== 'string') {
      checkArgv(command);
      return [command];
    }
    if (Buffer.byteLength(command) > ARGUMENT_BYTES)
      throw new CorralError(
        'limit_exceeded',
        `command: ${String(Buffer.byteLength(command))} bytes; shell text holds at most ${String(ARGUMENT_BYTES)}.`,
        {
          hint: 'Write it to a file (files, action "write") and run that, or use execute_code.',
        },
      );
    return [[needsBash(command) ? (shells.bash ?? shells.sh) : shells.sh, '-c', command]];
  };

  const execute = defineOperation({
    name: 'command.execute',
    tool: 'execute_command',
    title: 'Run a command',
    description:
      'Run shell text (bash) or an argv array in the sandbox. Answers when it ends or needs input, or after wait_seconds with status "running" and an ' +
      'execution_id for wait, read_output, send_input, terminate. Long output comes as head and tail; all is kept. Calls share files and 127.0.0.1: a server started by one answers the next.',
    effect: 'execute',
    hints: HINTS,
    input: z.strictObject({
      command: z
        .union(
          [
            z
              .string()
              .refine((text) => text.trim() !== '', 'is empty')
              .refine(noNul, 'must not contain NUL'),
            z.array(z.string()),
          ],
          {
            error: ({ input }) => (typeof input === 'string' ? undefined : 'give shell text, or an array of strings'),
          },
        )
        .describe('Shell text, or ["program", "arg", ...] without a shell.'),
      ...startFields(config),
      pty: z.union([z.boolean(), terminalSides]).optional().describe('Give it a terminal; all output is stdout.'),
      interactive: z.boolean().optional().describe('Open stdin for send_input. Default: with pty, detach or wait_seconds <= 1.'),
    }),
    output: executionOutput,
    subject: (input) => ({
      ...(typeof input.command === 'string' ? { shell: input.command } : { argv: input.command }),
      cwd: input.cwd,
      env: input.env,
    }),
    run: async (input, context) => {
      const steps = stepsFor(input.command);
      const look = await executions.run(
        {
          title: titleOf(input.command),
          plan: async ({ live }) => {
            if (context.decision !== undefined) requireCaps(context.decision, live);
            const decided = decidedSteps(input.command, context.decision, live);
            // What is executed then is not what was written: the record keeps both.
            return decided === undefined ? { steps } : { steps: decided, meta: { asked: input.command } };
          },
          cwd: input.cwd,
          env: input.env,
          stdin: stdinBytes(input.stdin),
          keepStdinOpen: keepsInputOpen(input),
          pty: hasTerminal(input.pty) ? sidesOf(input.pty) : undefined,
          untilInput: true,
          timeoutMs: cappedTimeoutMs(Math.ceil((input.timeout_seconds ?? config.timeoutSeconds) * 1000), context.decision),
          outputBytes: context.decision?.caps.outputBytes,
          sandbox: input.sandbox,
          labels: input.labels ?? {},
          detach: input.detach ?? false,
          caller: context.caller.id,
          decision: context.decision,
          tell: tellOf(context),
        },
        patienceMs(input.wait_seconds, context, config),
        context.signal,
      );
      return viewExecution(presenter, look, config.answerBytes, {}, input.raw);
    },
    starts: {
      wantsHandle: ({ detach, pty, interactive }) => detach === true || hasTerminal(pty) || interactive === true,
      answer: async (execution) => viewExecution(presenter, await executions.look(execution), config.answerBytes),
    },
  });

  const terminate = defineOperation({
    name: 'execution.terminate',
    tool: 'terminate',
    title: 'End executions',
    description:
      'End the whole process tree of executions, daemons included: signal, then SIGKILL after grace_seconds. Says what survived (nothing may).',
    effect: 'execute',
    hints: { destructive: true, idempotent: true, openWorld: false },
    input: z.strictObject({
      execution_id: executionId.optional(),
      executions: z.array(executionId).min(1).max(MAX_EXECUTIONS).optional(),
      signal: z.string().min(1).max(64).optional(),
      grace_seconds: z.number().min(0).max(30).optional().describe('Default 2.'),
    }),
    output: z.looseObject({ survivors: z.array(z.string()) }),
    limited: () => false,
    run: async (input) => {
      const ids = [...new Set([...(input.executions ?? []), ...(input.execution_id === undefined ? [] : [input.execution_id])])];
      if (ids.length === 0) throw new CorralError('invalid_input', 'terminate: give execution_id, or executions.');
      const signal = signalNamed(input.signal ?? 'SIGTERM');
      const graceMs = signal.name === 'SIGKILL' ? 0 : (input.grace_seconds ?? config.graceSeconds) * 1000;
      const results = await Promise.all(
        ids.map(async (id) => {
          const ended = await executions.terminate(id, { graceMs, cause: 'cancelled', signal: signal.number });
          const { record } = await executions.look(id);
          return {
            execution_id: id,
            status: record.status,
            ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
            ...durationOf(record),
            survivors: [...ended.survivors],
          };
        }),
      );
      const only = results[0];
      if (input.executions === undefined && only !== undefined) return only;
      return { survivors: results.flatMap((one) => one.survivors), executions: results };
    },
  });

  const list = defineOperation({
    name: 'execution.list',
    tool: 'list_executions',
    title: 'List executions',
    description: 'Executions, newest first; with execution_id: its receipt.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({
      execution_id: z.string().max(64).optional(),
      status: z.enum(['running', 'finished']).optional(),
      sandbox: z.string().max(64).optional(),
      labels: z.record(z.string(), z.string()).optional(),
      limit: z.int().min(1).max(200).optional().describe('Default 20.'),
      cursor: z.string().max(64).optional().describe('next_cursor of the page before.'),
    }),
    output: z.looseObject({ executions: z.array(z.looseObject({})) }),
    run: async (input, context) => {
      if (input.execution_id !== undefined) return { executions: [await receipts.receipt(input.execution_id, context.signal)] };
      const limit = input.limit ?? 20;
      const records = await executions.list({
        status: input.status,
        sandbox: input.sandbox,
        labels: input.labels,
        before: input.cursor,
        limit: limit + 1,
      });
      const page = records.slice(0, limit);
      const looks = await Promise.all(page.map(async ({ id, status }) => (status === 'running' ? executions.glance(id) : undefined)));
      return {
        executions: page.map((record, index) => ({
          execution_id: record.id,
          sandbox_id: record.sandbox,
          status: record.status,
          ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
          command: record.title,
          ...(record.labels !== '{}' && { labels: JSON.parse(record.labels) as Record<string, string> }),
          started: new Date(record.startedMs).toISOString(),
          ...durationOf(record),
          ...((record.background ?? 0) > 0 && { background: record.background }),
          ...(looks[index]?.needsInput !== undefined && { needs_input: looks[index].needsInput }),
        })),
        ...(records.length > limit && { next_cursor: page.at(-1)?.id }),
      };
    },
  });

  return [execute, waitOperation(deps), sendOperation(deps), terminate, list];
};
