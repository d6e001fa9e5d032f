import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { Config } from '../config/schema.ts';
import { defineOperation, type Operation } from '../operation.ts';
import { executionId } from './input.ts';
import { lastLine } from './last-line.ts';
import { createQuestions } from './questions.ts';
import type { Executions, Look } from './types.ts';
import { outcomeView } from './view.ts';

/**
 * For a face that goes on by itself with a call whose program outlived it. No tools: a model has `wait`, `send_input` and `terminate`. They
 * go through the door as everything does.
 */
export interface Continuation {
  /** How far an execution is; with its end, what the operation that started it answers. */
  readonly follow: Operation;
  /** Takes the answer to a question that `follow` told of. One that is not, or no longer, open is ignored. */
  readonly reply: Operation;
  /** Ends one that still runs, with its whole tree. */
  readonly stop: Operation;
}

export interface ContinuationDeps {
  readonly executions: Executions;
  readonly logs: LogStore;
  readonly config: Config;
  /** Those that may have started it. */
  readonly operations: readonly Operation[];
}

/** What `follow` answers. Times in milliseconds; `kept_ms` counts from the start of the execution. */
export const followed = z.looseObject({
  execution_id: z.string(),
  status: z.enum(['running', 'finished']),
  outcome: z.looseObject({ kind: z.string() }).optional(),
  started_ms: z.number(),
  changed_ms: z.number(),
  kept_ms: z.number(),
  last_line: z.string().optional(),
  /** Why it does not go on, where somebody has to type. */
  waits: z.string().optional(),
  /** What can be asked of a person. A key is never used for two questions. */
  questions: z.array(z.object({ key: z.string(), message: z.string() })).optional(),
  answer: z.looseObject({}).optional(),
});

export const replyInput = z.strictObject({
  execution_id: executionId,
  key: z.string().max(256),
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.record(z.string(), z.unknown()).optional(),
});

export type Followed = z.output<typeof followed>;

/** Never before its start, whatever was done to the clock. */
const endOf = ({ startedMs, durationMs, status }: ExecutionRecord): number =>
  startedMs + Math.max(0, Math.round(status === 'finished' ? (durationMs ?? 0) : Date.now() - startedMs));

const HINTS = { destructive: false, idempotent: true, openWorld: false } as const;

export const createContinuation = (deps: ContinuationDeps): Continuation => {
  const { executions, logs, config, operations } = deps;
  const questions = createQuestions(executions);

  /** Somebody else's execution is as unknown as one that is not. */
  const own = async (execution: string, caller: string): Promise<Look> => {
    const seen = await executions.look(execution);
    if (seen.record.caller !== caller) throw new CorralError('not_found', `There is no execution "${execution}".`);
    // One whose server died is heard of again, and one that ended meanwhile is known to have.
    if (seen.record.status === 'running' && (await executions.follow(execution)) === undefined) return executions.look(execution);
    return seen;
  };

  const follow = defineOperation({
    name: 'execution.follow',
    tool: 'follow_execution',
    title: 'Follow an execution',
    description: 'How far an execution is; with its end, what the operation that started it answers.',
    effect: 'read',
    hints: HINTS,
    input: z.strictObject({ execution_id: executionId, operation: z.string().max(256) }),
    output: followed,
    run: async (input, context) => {
      const starts = operations.find(({ name }) => name === input.operation)?.starts;
      if (starts === undefined) throw new CorralError('not_found', `No operation "${input.operation}" starts executions.`);
      const look = await own(input.execution_id, context.caller.id);
      const { record } = look;
      const line = record.status === 'running' ? await lastLine(logs, look) : '';
      return {
        execution_id: record.id,
        status: record.status,
        ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
        started_ms: record.startedMs,
        changed_ms: endOf(record),
        kept_ms: endOf(record) - record.startedMs + config.retentionSeconds * 1000,
        ...(line !== '' && { last_line: line }),
        ...(await questions.of(look)),
        ...(record.status === 'finished' && { answer: await starts.answer(record.id, context.signal) }),
      };
    },
  });

  const stop = defineOperation({
    name: 'execution.terminate',
    tool: 'stop_execution',
    title: 'End an execution',
    description: 'Ends an execution that still runs, with its whole tree. One that has ended stays as it is.',
    effect: 'execute',
    hints: { ...HINTS, destructive: true },
    input: z.strictObject({ execution_id: executionId }),
    output: z.looseObject({ execution_id: z.string(), survivors: z.array(z.string()) }),
    limited: () => false,
    run: async ({ execution_id: id }, context) => {
      const { record } = await own(id, context.caller.id);
      if (record.status === 'finished') return { execution_id: id, survivors: [] };
      const { survivors } = await executions.terminate(id, { graceMs: config.graceSeconds * 1000, cause: 'cancelled' });
      return { execution_id: id, survivors: [...survivors] };
    },
  });

  const reply = defineOperation({
    name: 'execution.input',
    tool: 'reply_to_execution',
    title: 'Answer a question of an execution',
    description: 'Takes the answer to a question that an execution waits for; one that is not open is ignored.',
    effect: 'execute',
    hints: { ...HINTS, idempotent: false },
    input: replyInput,
    output: z.looseObject({ execution_id: z.string(), taken: z.boolean() }),
    run: async ({ execution_id: id, ...answer }, context) => ({
      execution_id: id,
      taken: await questions.answer(await own(id, context.caller.id), answer),
    }),
  });

  return { follow, reply, stop };
};
