import * as z from 'zod/v4';
import type { Config } from '../config/schema.ts';
import { noNul, patienceMs, startFieldsUndescribed, stdinBytes } from '../executions/input.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import { scratchFolder } from '../executions/scratch.ts';
import type { Executions, Look } from '../executions/types.ts';
import { tellOf } from '../executions/telling.ts';
import { executionOutput, viewExecution } from '../executions/view.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import { cappedTimeoutMs, requireCaps } from '../policy/decided.ts';
import { languageOrThrow, planCode } from './plan.ts';
import { LANGUAGE_NAMES } from './table.ts';
import type { Tools } from './tools.ts';

export interface LanguageOperationsDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly tools: Tools;
  readonly config: Config;
}

const CODE_BYTES = 2 * 1024 * 1024;

const answer = executionOutput.extend({ stage: z.enum(['prepare', 'compile', 'run']).optional() });

const stepsSchema = z.object({ compileStep: z.int(), runStep: z.int().positive() });

/** How far it came, from the notes in its record; undefined while that is not known. */
const stageOf = ({ step, meta }: ExecutionRecord): 'prepare' | 'compile' | 'run' | undefined => {
  const { data } = stepsSchema.safeParse(JSON.parse(meta));
  if (step === undefined || data === undefined) return undefined;
  return step >= data.runStep ? 'run' : step >= data.compileStep ? 'compile' : 'prepare';
};

export const languageOperations = (deps: LanguageOperationsDeps): readonly Operation[] => {
  const { executions, presenter, tools, config } = deps;

  const view = (look: Look, raw = false): Promise<z.input<typeof answer>> => {
    const stage = stageOf(look.record);
    return viewExecution(presenter, look, config.answerBytes, stage === undefined ? {} : { stage }, raw);
  };

  const execute = defineOperation({
    name: 'code.execute',
    tool: 'execute_code',
    title: 'Run code',
    description:
      'Run a program given as text, compiling it first where the language needs it. Options and answer as in execute_command; ' +
      'stage tells where it ended: "compile" or "run".',
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: false },
    input: z.strictObject({
      language: z.string().min(1).max(32).describe(LANGUAGE_NAMES.join(', ')),
      code: z
        .string()
        .min(1)
        .refine(noNul, 'must not contain NUL')
        .refine(
          (code) => Buffer.byteLength(code) <= CODE_BYTES,
          `holds at most ${String(CODE_BYTES)} bytes: write a file (files) and run it`,
        ),
      args: z.array(z.string().refine(noNul, 'must not contain NUL')).max(256).optional(),
      ...startFieldsUndescribed(config),
    }),
    output: answer,
    subject: ({ cwd, env }) => ({ cwd, env }),
    run: async (input, context) => {
      const language = languageOrThrow(input.language);
      const look = await executions.run(
        {
          title: `${language.name}: ${input.code.slice(0, 200)}`,
          plan: async ({ live, execution, cwd }) => {
            if (context.decision !== undefined) requireCaps(context.decision, live);
            const tool = await tools.forLanguage(live, language);
            const dir = scratchFolder(live, execution);
            const plan = planCode({ language, tool, code: input.code, args: input.args ?? [], dir, cwd });
            if (plan.file !== undefined)
              await live.sandbox.files.write(plan.file.path, Buffer.from(plan.file.text), { makeParents: true }, context.signal);
            return {
              steps: plan.steps,
              env: plan.env,
              meta: { language: language.name, compileStep: plan.compileStep, runStep: plan.runStep },
              scratch: plan.file === undefined ? undefined : dir,
            };
          },
          cwd: input.cwd,
          env: input.env,
          stdin: stdinBytes(input.stdin),
          keepStdinOpen:
            input.stdin === undefined && (input.detach === true || (input.wait_seconds !== undefined && input.wait_seconds <= 1)),
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
      return view(look, input.raw);
    },
    starts: {
      wantsHandle: ({ detach }) => detach === true,
      answer: async (execution) => view(await executions.look(execution)),
    },
  });
  return [execute];
};
