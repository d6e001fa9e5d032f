import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import type { Met, WaitServices } from './conditions.ts';
import { executionId, MAX_EXECUTIONS, usualWaitSeconds, waitSeconds } from './input.ts';
import type { SendOperationDeps } from './send-operation.ts';
import { createShared } from './shared.ts';
import { tellOf } from './telling.ts';
import type { Executions } from './types.ts';
import { parseUntil, untilSchema } from './until.ts';
import { viewExecution } from './view.ts';
import { formatWaitCursor, parseWaitCursor } from './wait-cursor.ts';
import { waitForExecutions } from './waiting.ts';

export interface WaitOperationDeps extends Omit<WaitServices, 'shared'>, SendOperationDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly config: Config;
}

/** Of one among many that has nothing to tell yet. */
const LEAST_BYTES = 256;
/** Of one that goes on: what was printed last, not all again with each call. */
const UNSATISFIED_BYTES = 1_024;

/** What is held against the schema, and told in words: its form is that of what stands beside it. */
const toldInWords = <S extends z.ZodType>(schema: S): S =>
  z.any().superRefine((value, context) => {
    const { error } = schema.safeParse(value);
    for (const { message, path } of error?.issues ?? []) context.addIssue({ code: 'custom', message, path });
  }) as unknown as S;

const target = z.union([executionId, z.strictObject({ execution_id: executionId, until: untilSchema.optional() })]);

const targetsOf = (input: { execution_id?: string | undefined; executions?: z.output<typeof target>[] | undefined }) => {
  const given = [...(input.executions ?? []), ...(input.execution_id === undefined ? [] : [input.execution_id])];
  const each = given.map((one) => (typeof one === 'string' ? { execution_id: one } : one));
  return [...new Map(each.map((one) => [one.execution_id, one])).values()];
};

const metView = ({ condition, line, port, file }: Met): Record<string, unknown> => ({
  condition,
  ...(line !== undefined && { line }),
  ...(port !== undefined && { port }),
  ...(file !== undefined && { file }),
});

export const waitOperation = (deps: WaitOperationDeps): Operation => {
  const { executions, presenter, config } = deps;
  const services: WaitServices = { watch: deps.watch, search: deps.search, screens: deps.screens, shared: createShared() };

  /** What an execution printed last, in one line. */
  const lastLine = async (id: string): Promise<string> => {
    const { record } = await executions.look(id);
    const ref = { sandbox: record.sandbox, execution: id };
    const { text } = await presenter.page(ref, { stream: 'both', tail: 1, limitBytes: LEAST_BYTES, raw: false });
    return text.trim();
  };

  return defineOperation({
    name: 'execution.wait',
    tool: 'wait',
    title: 'Wait for executions',
    description:
      'Wait for executions instead of asking again and again. Answers at the first that ends or meets its until (all: true: when each has), ' +
      'or after wait_seconds with satisfied: false; call again with its cursor.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({
      execution_id: executionId.optional(),
      executions: z.array(toldInWords(target)).min(1).max(MAX_EXECUTIONS).optional().describe('Ids, or {execution_id, until} each.'),
      until: untilSchema
        .optional()
        .describe('Default: needs_input. Or "exit", "/regex/", "port:3000", or the first that holds of an object.'),
      all: z.boolean().optional(),
      cursor: z.string().max(8192).optional().describe('Of an earlier answer: looks behind its match.'),
      wait_seconds: waitSeconds(config).describe(`Default ${String(usualWaitSeconds(config))}, max ${String(config.maxWaitSeconds)}.`),
    }),
    output: z.looseObject({ satisfied: z.boolean(), condition: z.string().optional() }),
    run: async (input, context) => {
      const targets = targetsOf(input);
      if (targets.length === 0) throw new CorralError('invalid_input', 'wait: give execution_id, or executions.');
      const ids = targets.map((one) => one.execution_id);
      const untils = targets.map((one) => parseUntil(('until' in one ? one.until : undefined) ?? input.until));
      const all = input.all ?? false;
      const conditions = [untils, all];
      const from = parseWaitCursor(input.cursor, ids, conditions);
      const describe = async (count: number, ms: number): Promise<string> => {
        const [only = ''] = ids;
        const said = ids.length > 1 ? `${String(count)} of ${String(ids.length)} met` : await lastLine(only);
        return `waiting for ${String(Math.round(ms / 1000))} s${said === '' ? '' : `: ${said}`}`;
      };
      const { met: inTime, states } = await waitForExecutions(
        services,
        executions,
        {
          targets: ids.map((execution, index) => ({
            execution,
            until: untils[index] ?? {},
            from: from[index] ?? { scanned: { stdout: 0, stderr: 0 } },
          })),
          all,
          waitMs: (input.wait_seconds ?? usualWaitSeconds(config)) * 1000,
          tell: tellOf(context),
          describe,
        },
        context.signal,
      );
      const met = [...inTime];
      // Whatever the answer shows as ended has met its wait.
      const looks = await Promise.all(ids.map((id) => executions.look(id)));
      const seen = new Set(met.map((one) => one.execution));
      const endedSince = looks.filter(({ record }) => record.status === 'finished' && !seen.has(record.id));
      if (all || met.length === 0) met.push(...endedSince.map(({ record }): Met => ({ execution: record.id, condition: 'exit' })));
      const satisfied = all ? met.length === ids.length : met.length > 0;
      const cursor = formatWaitCursor(ids, conditions, states);
      const byId = new Map(met.map((one) => [one.execution, one]));
      const share = Math.max(LEAST_BYTES, Math.floor(config.answerBytes / ids.length));
      const views = await Promise.all(
        looks.map(async (look) => {
          const one = byId.get(look.record.id);
          const budget = one === undefined && look.record.status === 'running' ? Math.min(share, UNSATISFIED_BYTES) : share;
          return viewExecution(presenter, look, budget, input.executions === undefined || one === undefined ? {} : metView(one));
        }),
      );
      const first = met.at(0);
      const head = { satisfied, ...(first !== undefined && metView(first)), ...(cursor !== undefined && { cursor }) };
      if (input.executions === undefined) return { ...head, ...views[0] };
      // Said once, not of each.
      const lean = views.map(({ hints, ...view }) =>
        view.status === 'running' ? view : { ...view, ...(hints !== undefined && { hints }) },
      );
      return { ...head, ...(first !== undefined && { execution_id: first.execution }), executions: lean };
    },
  });
};
