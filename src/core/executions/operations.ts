import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { cappedTimeoutMs, decidedSteps, requireCaps } from '../policy/decided.ts';
import type { OutputWatch } from '../output/watch.ts';
import { ARGUMENT_BYTES, checkArgv, executionId, noNul, patienceMs, startFields, stdinBytes, waitSeconds } from './input.ts';
import type { Executions } from './types.ts';
import { tellOf } from './telling.ts';
import { needsBash } from './shell.ts';
import { parseUntil, untilSchema } from './until.ts';
import { durationOf, executionOutput, outcomeView, viewExecution } from './view.ts';
import { waitForExecutions } from './waiting.ts';

export interface ExecutionOperationsDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly watch: OutputWatch;
  readonly receipts: Receipts;
  readonly config: Config;
  /** Absolute paths, as seen inside. */
  readonly shells: { readonly sh: string; readonly bash: string | undefined };
}

const PTY = { cols: 120, rows: 40 } as const;
const HINTS = { destructive: true, idempotent: false, openWorld: false } as const;

/** A caller who asks for a handle at once means to talk to the program; in all other cases an open input makes programs hang. */
const keepsInputOpen = (input: {
  interactive?: boolean | undefined;
  pty?: boolean | undefined;
  detach?: boolean | undefined;
  stdin?: string | undefined;
  wait_seconds?: number | undefined;
}): boolean =>
  input.interactive ??
  (input.stdin === undefined &&
    (input.pty === true || input.detach === true || (input.wait_seconds !== undefined && input.wait_seconds <= 1)));

const titleOf = (command: string | readonly string[]): string => (typeof command === 'string' ? command : command.join(' ')).slice(0, 500);

export const executionOperations = (deps: ExecutionOperationsDeps): readonly Operation[] => {
  const { executions, presenter, watch, receipts, config, shells } = deps;
  const defaultWait = config.waitSeconds;

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
      'Run shell text (bash) or an argv array in the sandbox. Answers when it ends, or after wait_seconds with status "running" and an execution_id for ' +
      'wait, read_output, send_input, terminate. Long output comes as head and tail; all is kept. Calls share files and 127.0.0.1: a server started by one answers the next.',
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
      ...startFields,
      pty: z.boolean().optional().describe('Give it a terminal; all output is stdout.'),
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
          pty: input.pty === true ? PTY : undefined,
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
      wantsHandle: ({ detach, pty, interactive }) => detach === true || pty === true || interactive === true,
      answer: async (execution) => viewExecution(presenter, await executions.look(execution), config.answerBytes),
    },
  });

  const wait = defineOperation({
    name: 'execution.wait',
    tool: 'wait',
    title: 'Wait for executions',
    description:
      'Wait for one or many executions, instead of asking again and again: exit, output matching a regex, a listening port, or silence. ' +
      'Answers at the first (all: true: when each has), or after wait_seconds with satisfied: false.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({
      execution_id: executionId.optional(),
      executions: z.array(executionId).min(1).max(64).optional(),
      until: untilSchema,
      all: z.boolean().optional(),
      wait_seconds: waitSeconds.describe('Default 30, max 50.'),
    }),
    output: z.looseObject({ satisfied: z.boolean(), condition: z.string().optional() }),
    run: async (input, context) => {
      const ids = [...new Set([...(input.executions ?? []), ...(input.execution_id === undefined ? [] : [input.execution_id])])];
      if (ids.length === 0) throw new CorralError('invalid_input', 'wait: give execution_id, or executions.');
      const all = input.all ?? false;
      const met = await waitForExecutions(
        executions,
        watch,
        { executions: ids, until: parseUntil(input.until), all, waitMs: (input.wait_seconds ?? defaultWait) * 1000 },
        context.signal,
      );
      const first = met[0];
      const satisfied = all ? met.length === ids.length : first !== undefined;
      const by =
        first === undefined
          ? {}
          : {
              condition: first.condition,
              ...(first.line !== undefined && { line: first.line }),
              ...(first.port !== undefined && { port: first.port }),
            };
      const share = Math.max(1024, Math.floor(config.answerBytes / ids.length));
      const views = await Promise.all(ids.map(async (id) => viewExecution(presenter, await executions.look(id), share)));
      if (input.executions === undefined) return { satisfied, ...by, ...views[0] };
      return { satisfied, ...by, ...(first !== undefined && { execution_id: first.execution }), executions: views };
    },
  });

  const send = defineOperation({
    name: 'execution.input',
    tool: 'send_input',
    title: 'Type into a running program',
    description: 'Send text, keys or the end of input to a running execution that has an open stdin or a pty.',
    effect: 'execute',
    hints: HINTS,
    input: z.strictObject({
      execution_id: executionId,
      text: z
        .string()
        .max(1024 * 1024)
        .optional()
        .describe('Sent as it is.'),
      keys: z.array(z.string().max(16)).max(64).optional().describe('After the text: enter, tab, escape, up, down, ctrl-c, ...'),
      end: z.boolean().optional().describe('Then close stdin.'),
      resize: z.strictObject({ cols: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) }).optional(),
    }),
    output: z.looseObject({ execution_id: z.string(), sent_bytes: z.number() }),
    run: async (input) => {
      const { keyBytes } = await import('./keys.ts');
      const data = Buffer.concat([Buffer.from(input.text ?? ''), ...(input.keys ?? []).map(keyBytes)]);
      if (data.length === 0 && input.end !== true && input.resize === undefined)
        throw new CorralError('invalid_input', 'send_input: give text, keys, end or resize.');
      if (input.resize !== undefined) await executions.resize(input.execution_id, input.resize.cols, input.resize.rows);
      if (data.length > 0 || input.end === true) await executions.write(input.execution_id, data, input.end ?? false);
      return { execution_id: input.execution_id, sent_bytes: data.length };
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
      executions: z.array(executionId).min(1).max(64).optional(),
      signal: z.enum(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL']).optional(),
      grace_seconds: z.number().min(0).max(30).optional().describe('Default 2.'),
    }),
    output: z.looseObject({ survivors: z.array(z.string()) }),
    limited: () => false,
    run: async (input) => {
      const ids = [...new Set([...(input.executions ?? []), ...(input.execution_id === undefined ? [] : [input.execution_id])])];
      if (ids.length === 0) throw new CorralError('invalid_input', 'terminate: give execution_id, or executions.');
      const { signalNumber } = await import('./keys.ts');
      const signal = input.signal ?? 'SIGTERM';
      const graceMs = signal === 'SIGKILL' ? 0 : (input.grace_seconds ?? config.graceSeconds) * 1000;
      const results = await Promise.all(
        ids.map(async (id) => {
          const ended = await executions.terminate(id, { graceMs, cause: 'cancelled', signal: signalNumber(signal) });
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
      return {
        executions: page.map((record) => ({
          execution_id: record.id,
          sandbox_id: record.sandbox,
          status: record.status,
          ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
          command: record.title,
          ...(record.labels !== '{}' && { labels: JSON.parse(record.labels) as Record<string, string> }),
          started: new Date(record.startedMs).toISOString(),
          ...durationOf(record),
          ...((record.background ?? 0) > 0 && { background: record.background }),
        })),
        ...(records.length > limit && { next_cursor: page.at(-1)?.id }),
      };
    },
  });

  return [execute, wait, send, terminate, list];
};
