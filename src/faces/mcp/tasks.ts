import type { CallToolResult, McpServer, Result, ServerContext } from '@modelcontextprotocol/server';
import { inputRequired, MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import type { Continuation, Followed } from '../../core/executions/continuation.ts';
import type { Caller, Invoke, Operation } from '../../core/operation.ts';
import { toCorralError } from '../../ports/errors.ts';
import { resultOfOutcome } from './call-result.ts';
import { declaredBy, takesForms } from './elicitation.ts';
import { createTaskIds, type TaskTarget } from './task-id.ts';

/** The extension of the protocol of 2026-07-28 for results that come later. */
export const TASKS = 'io.modelcontextprotocol/tasks';
const CAPABILITY = { extensions: { [TASKS]: {} } };

/** How long a call whose arguments do not say stays in the foreground: most commands are over by then, and need no second request. */
const FOREGROUND_MS = 2000;

/** A client asks as often as a task is young: what has run for long is not over in a moment. */
const POLL_MS = { first: 500, last: 5000, partOfAge: 0.1 } as const;

export interface TasksOptions extends Continuation {
  /** Signs the names of tasks: at least 32 bytes, the same for all servers of a state folder. */
  readonly key: () => Promise<Uint8Array>;
}

export interface Tasks {
  /** How long this call may wait for the end of its program before it becomes a task; undefined when it may not become one. */
  patienceMs(operation: Operation, args: unknown, context: ServerContext): number | undefined;
  /** The answer to a call whose program goes on; undefined when it is over. */
  created(operation: Operation, output: Record<string, unknown>, context: ServerContext): Promise<(CallToolResult & Result) | undefined>;
  /** Throws unless the client of this request understands tasks. */
  require(context: ServerContext): void;
  /** tasks/get, tasks/update, tasks/cancel. */
  mount(server: McpServer): void;
}

interface Deps {
  readonly invoke: Invoke;
  readonly operations: readonly Operation[];
  readonly caller: (context: ServerContext) => Caller;
}

const capabilitiesSchema = z.looseObject({ extensions: z.looseObject({ [TASKS]: z.looseObject({}) }) });
const responseSchema = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.record(z.string(), z.unknown()).optional(),
});
const byId = { params: z.looseObject({ taskId: z.string() }) };

const hasDeclared = (context: ServerContext): boolean => capabilitiesSchema.safeParse(declaredBy(context)).success;

const unknownTask = (): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, 'Task not found');

const statusOf = ({ status, outcome }: Followed): 'working' | 'completed' | 'cancelled' =>
  status === 'running' ? 'working' : outcome?.kind === 'cancelled' ? 'cancelled' : 'completed';

const detailOf = ({ status, waits, last_line: line, outcome }: Followed): string | undefined =>
  status === 'running'
    ? (waits ?? line)
    : outcome === undefined
      ? undefined
      : [outcome.kind, outcome['code'] ?? outcome['signal']].join(' ').trim();

/** One line of text for the program. Secrets are not asked for this way. */
const form = (message: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { text: { type: 'string', title: 'Input' } }, required: ['text'] },
  });

/** What the client of this request can be asked to answer. */
const questionsOf = ({ questions = [] }: Followed, context: ServerContext): Record<string, unknown> => {
  if (questions.length === 0 || !takesForms(declaredBy(context))) return {};
  return { status: 'input_required', inputRequests: Object.fromEntries(questions.map(({ key, message }) => [key, form(message)])) };
};

/** What every answer about a task says. */
const taskOf = (taskId: string, now: Followed): Record<string, unknown> => {
  const statusMessage = detailOf(now);
  return {
    taskId,
    status: statusOf(now),
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(now.started_ms).toISOString(),
    lastUpdatedAt: new Date(now.changed_ms).toISOString(),
    ttlMs: Math.round(now.kept_ms),
    pollIntervalMs: Math.round(Math.min(POLL_MS.last, Math.max(POLL_MS.first, (now.changed_ms - now.started_ms) * POLL_MS.partOfAge))),
  };
};

/** The same result as the call itself would have given. Where that is an error of the protocol, and only there, the task has failed. */
const endOf = (operation: Operation, now: Followed): Record<string, unknown> => {
  if (statusOf(now) !== 'completed') return {};
  try {
    return { result: resultOfOutcome(operation, { output: now.answer ?? {} }) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: 'failed', statusMessage: error.message, error: { code: error.code, message: error.message } };
  }
};

/**
 * Tasks as a projection of executions: nothing is kept for one. Its name says which execution of which tool, and every question about it
 * is a question about that.
 */
export const createTasks = (options: TasksOptions, { invoke, operations, caller }: Deps): Tasks => {
  const ids = createTaskIds(options.key);
  const byTool = new Map(operations.filter(({ starts }) => starts !== undefined).map((operation) => [operation.tool, operation]));

  const require = (context: ServerContext): void => {
    if (!hasDeclared(context)) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: CAPABILITY });
  };

  const ask = async (operation: Operation, input: Record<string, unknown>, context: ServerContext): Promise<Record<string, unknown>> => {
    try {
      const { signal } = context.mcpReq;
      return await invoke(operation, input, { caller: caller(context), signal, progress: () => undefined });
    } catch (error) {
      const { code, message } = toCorralError(error);
      if (code === 'not_found') throw unknownTask();
      throw new ProtocolError(ProtocolErrorCode.InternalError, code === 'internal' ? 'Corral failed inside.' : message);
    }
  };

  const follow = async ({ execution, tool }: TaskTarget, context: ServerContext): Promise<{ operation: Operation; now: Followed }> => {
    const operation = byTool.get(tool);
    if (operation === undefined) throw unknownTask();
    const now = await ask(options.follow, { execution_id: execution, operation: operation.name }, context);
    return { operation, now: now as Followed };
  };

  const targetOf = async (taskId: string, context: ServerContext): Promise<TaskTarget> => {
    const target = await ids.read(taskId, caller(context).id);
    if (target === undefined) throw unknownTask();
    return target;
  };

  return {
    require,
    patienceMs: ({ starts, input }, args, context) => {
      if (starts === undefined || !hasDeclared(context)) return undefined;
      const { data } = input.safeParse(args ?? {});
      return data === undefined || starts.wantsHandle(data) ? undefined : FOREGROUND_MS;
    },
    created: async (operation, output, context) => {
      const { execution_id: execution, status } = output;
      if (status !== 'running' || typeof execution !== 'string') return undefined;
      const target = { execution, tool: operation.tool };
      const { now } = await follow(target, context);
      const taskId = await ids.mint(target, caller(context).id);
      // One that ended in this moment says so when it is asked.
      const seed = { ...taskOf(taskId, now), status: 'working', resultType: 'task' };
      return seed as unknown as CallToolResult & Result;
    },
    mount: ({ server }) => {
      server.setRequestHandler('tasks/get', byId, async ({ taskId }, context) => {
        require(context);
        const { operation, now } = await follow(await targetOf(taskId, context), context);
        return { ...taskOf(taskId, now), ...questionsOf(now, context), ...endOf(operation, now) };
      });
      server.setRequestHandler('tasks/update', byId, async ({ taskId }, context) => {
        require(context);
        const { execution } = await targetOf(taskId, context);
        for (const [key, response] of Object.entries(context.mcpReq.inputResponses ?? {})) {
          const { data } = responseSchema.safeParse(response);
          if (data !== undefined) await ask(options.reply, { execution_id: execution, key, ...data }, context);
        }
        return {};
      });
      server.setRequestHandler('tasks/cancel', byId, async ({ taskId }, context) => {
        require(context);
        const { execution } = await targetOf(taskId, context);
        await ask(options.stop, { execution_id: execution }, context);
        return {};
      });
    },
  };
};
