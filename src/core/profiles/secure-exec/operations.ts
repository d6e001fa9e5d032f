import * as z from 'zod/v4';
import { type CorralError, toCorralError } from '../../../ports/errors.ts';
import type { Operation, OperationContext, OperationOutcome, Presented } from '../../operation.ts';
import { defineOperation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';
import { type ArgumentRules, buildArgv, readValues } from './arguments.ts';
import { createProfileAudit, isSensitive } from './audit.ts';
import { type BinaryRules, examineBinary } from './binaries.ts';
import { runToEnd } from './execute.ts';
import { failed, INVALID_PARAMS, rpcFaultOf } from './fault.ts';
import { createGate } from './gate.ts';
import { describePlaceholder } from './placeholder.ts';
import { resultText } from './result.ts';
import type { Settings } from './settings.ts';
import type { CommandTemplate } from './template.ts';

export interface SecureExecDeps extends ProfileServices {
  readonly settings: Settings;
  readonly binaries: BinaryRules;
  /** Canonical; where paths have to lie. */
  readonly base: string | undefined;
  /** Of the server: where commands start on the host when there is no base. */
  readonly cwd: string;
  /** What commands inherit on the host. */
  readonly inherited: Readonly<Record<string, string>>;
}

/** The arguments as clients see them. Held against the placeholders by `readValues`, whose messages clients know. */
const advertisedOf = ({ placeholders }: CommandTemplate): Readonly<Record<string, unknown>> => ({
  type: 'object',
  properties: Object.fromEntries(placeholders.map((name) => [name, { type: 'string', description: describePlaceholder(name) }])),
  required: [...placeholders],
  additionalProperties: false,
});

const present = (outcome: OperationOutcome): Presented => {
  if ('error' in outcome) return { blocks: [], isError: true, protocolError: rpcFaultOf(outcome.error) };
  return { blocks: [String(outcome.output['text'])], isError: false };
};

export const unknownTool = (name: string): Presented => ({
  blocks: [],
  isError: true,
  protocolError: { code: INVALID_PARAMS, message: `Unknown: ${name}` },
});

/** One tool for each template. */
export const secureExecOperations = (deps: SecureExecDeps): readonly Operation[] => {
  const { settings, executions, sandboxes, logs, binaries, base } = deps;
  const gate = createGate(settings);
  const audit = createProfileAudit(deps.log, settings.sensitiveKeys);
  const { validatePaths, legacyValidators, timeoutSeconds, sensitiveKeys } = settings;

  /** Looked at again, since the file may be another by now. Inside a sandbox it is looked for there. */
  const checkBinary = ({ binary }: CommandTemplate, onHost: boolean): void => {
    const found = examineBinary(binary, binaries);
    if (found.kind === 'blacklisted')
      throw failed(`Execution failed: Blacklisted binary '${found.name}' at runtime`, { event: 'blacklist_runtime' });
    if (found.kind === 'missing' && onHost) throw failed(`Execution failed: Binary no longer exists: '${binary}'`);
  };

  const run = async (
    template: CommandTemplate,
    given: Readonly<Record<string, unknown>>,
    { caller, signal, decision }: OperationContext,
  ): Promise<{ text: string }> => {
    const started = performance.now();
    let call = { tool: template.name, caller: caller.id, values: new Map<string, string>() as ReadonlyMap<string, string> };
    const fail = (error: unknown): CorralError => {
      const told = toCorralError(error);
      audit.failed(call, told, performance.now() - started);
      return told;
    };
    const pass = await gate.enter(caller.id, signal).catch((error: unknown) => {
      throw fail(error);
    });
    using _ = pass;
    try {
      call = { ...call, values: readValues(template, given) };
      audit.invoked(call);
      const live = await sandboxes.primary(signal);
      const onHost = live.record.driver === 'host';
      const cwd = base ?? (onHost ? deps.cwd : live.spec.workdir);
      const rules: ArgumentRules = { validatePaths, base, cwd, legacyValidators };
      const argv = await buildArgv(template, call.values, rules);
      checkBinary(template, onHost);
      const look = await runToEnd(
        executions,
        { title: template.source, argv, cwd, env: onHost ? deps.inherited : {}, timeoutSeconds, caller: caller.id, decision },
        signal,
      );
      pass.settle(undefined);
      audit.completed(call, look.record);
      return { text: await resultText(logs, look, template.source) };
    } catch (error) {
      const told = fail(error);
      pass.settle(told);
      throw told;
    }
  };

  return settings.templates.map((template) =>
    defineOperation({
      name: `template.${template.name}`,
      tool: template.name,
      title: template.name,
      description: `Template: \`${template.source}\``,
      effect: 'execute',
      hints: { destructive: true, idempotent: false, openWorld: true },
      input: z.looseObject({}),
      output: z.object({ text: z.string() }),
      advertised: advertisedOf(template),
      isSecret: (name) => isSensitive(name, sensitiveKeys),
      run: (input, context) => run(template, input, context),
      present,
    }),
  );
};
