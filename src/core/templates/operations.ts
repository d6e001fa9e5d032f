import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import { patienceMs, stdinBytes, waitSeconds } from '../executions/input.ts';
import type { Executions, Look } from '../executions/types.ts';
import { tellOf } from '../executions/telling.ts';
import { executionOutput, type ExecutionView, streamView, viewExecution } from '../executions/view.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import { createContainment } from '../policy/containment.ts';
import { cappedTimeoutMs, requireCaps } from '../policy/decided.ts';
import { createSystemFacts } from '../policy/system-facts.ts';
import type { Template } from '../policy/templates.ts';
import type { Parameter, ScalarParameter } from '../policy/templates/schema.ts';
import { toolName } from './load.ts';

export interface TemplateOperationsDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly config: Config;
}

const scalarSchema = (parameter: ScalarParameter): z.ZodType => {
  switch (parameter.type) {
    case 'integer':
      return z.int();
    case 'enum':
      return z.enum(parameter.values as [string, ...string[]]);
    case 'string':
    case 'path':
    case 'relpath':
    case 'regex':
      return z.string();
  }
};

const parameterSchema = (parameter: Parameter): z.ZodType => {
  const inner =
    parameter.type === 'flag'
      ? z.boolean()
      : parameter.type === 'list'
        ? z.array(scalarSchema(parameter.items)).min(parameter.minItems).max(parameter.maxItems)
        : scalarSchema(parameter);
  const described = parameter.description === undefined ? inner : inner.describe(parameter.description);
  const hasDefault = parameter.type === 'flag' || ('default' in parameter && parameter.default !== undefined);
  return hasDefault ? described.optional() : described;
};

/** One operation for each template: a tool, with the template's parameters as arguments. */
export const templateOperations = (templates: readonly Template[], deps: TemplateOperationsDeps): readonly Operation[] =>
  templates.map((template) => {
    const { name, spec } = template;
    const tool = toolName(name);
    const view = async (look: Look, signal: AbortSignal): Promise<ExecutionView> => {
      const whole = await viewExecution(deps.presenter, look, deps.config.answerBytes);
      if (spec.output === undefined) return whole;
      const { stream, grep, tail } = spec.output;
      const shown = await deps.presenter.page(
        { sandbox: look.record.sandbox, execution: look.record.id },
        {
          stream,
          tail,
          grep: grep === undefined ? undefined : { pattern: grep, context: 0, ignoreCase: false, max: 1000 },
          limitBytes: deps.config.answerBytes,
          raw: false,
        },
        signal,
      );
      const { stdout: _, stderr, ...rest } = whole;
      return { ...rest, stdout: streamView(shown), ...(stream === 'stdout' && stderr !== undefined && { stderr }) };
    };
    return defineOperation({
      name: `template.${name}`,
      tool,
      title: name,
      description: spec.description ?? `Runs: ${spec.argv.join(' ')}`,
      effect: 'execute',
      hints: { destructive: true, idempotent: false, openWorld: false },
      input: z.strictObject({
        ...Object.fromEntries(Object.entries(spec.params).map(([key, parameter]) => [key, parameterSchema(parameter)])),
        ...(Object.hasOwn(spec.params, 'wait_seconds') ? {} : { wait_seconds: waitSeconds(deps.config) }),
      }),
      output: executionOutput,
      run: async (input, context) => {
        const { wait_seconds: wait, ...values } = input as Readonly<Record<string, unknown>>;
        const waits = Object.hasOwn(spec.params, 'wait_seconds') ? undefined : (wait as number | undefined);
        const given = waits === undefined && wait !== undefined ? input : values;
        const look = await deps.executions.run(
          {
            title: spec.argv.join(' ').slice(0, 500),
            plan: async ({ live, cwd }) => {
              if (context.decision !== undefined) requireCaps(context.decision, live);
              const containment = createContainment(
                live.spec.workspaces.map(({ target }) => target),
                createSystemFacts(),
              );
              const rendered = template.render(given, containment, cwd);
              if ('reason' in rendered)
                throw new CorralError('invalid_input', `${tool}: ${rendered.reason}.`, {
                  hint: 'Correct the argument and call again.',
                  ...(rendered.parameter !== undefined && { details: { parameter: rendered.parameter } }),
                });
              return { steps: [rendered.argv], meta: { template: name, asked: rendered.argv } };
            },
            cwd: spec.cwd,
            env: spec.env,
            stdin: stdinBytes(spec.stdin),
            keepStdinOpen: false,
            timeoutMs: cappedTimeoutMs(Math.round((spec.timeoutSeconds ?? deps.config.timeoutSeconds) * 1000), context.decision),
            outputBytes: context.decision?.caps.outputBytes,
            fresh: spec.driver === undefined && spec.network === undefined ? undefined : { driver: spec.driver, network: spec.network },
            labels: { template: name },
            detach: false,
            caller: context.caller.id,
            decision: context.decision,
            tell: tellOf(context),
          },
          patienceMs(waits, context, deps.config),
          context.signal,
        );
        return view(look, context.signal);
      },
      starts: {
        wantsHandle: () => false,
        answer: async (execution, signal) => view(await deps.executions.look(execution), signal),
      },
    });
  });

/** Refuses a template whose tool another operation is already. */
export const requireFreeNames = (templates: readonly Template[], taken: readonly Operation[]): void => {
  const tools = new Set(taken.map(({ tool }) => tool));
  const clash = templates.find(({ name }) => tools.has(toolName(name)));
  if (clash !== undefined)
    throw new CorralError('conflict', `The template ${clash.name} has the name of the tool ${toolName(clash.name)}.`, {
      hint: 'Give it another name in the templates file.',
    });
};
