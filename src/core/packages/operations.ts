import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { Config } from '../config/schema.ts';
import { patienceMs } from '../executions/input.ts';
import { tellOf } from '../executions/telling.ts';
import type { Executions, Look } from '../executions/types.ts';
import { type ExecutionView, viewExecution } from '../executions/view.ts';
import type { Tools } from '../languages/tools.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Presenter } from '../output/presenter.ts';
import { cappedTimeoutMs, requireCaps } from '../policy/decided.ts';
import type { LiveSandbox, Sandboxes } from '../sandboxes/types.ts';
import { asRulesName, chooseManager, refusePackage } from './choose.ts';
import { MANAGER_NAMES } from './managers.ts';
import { wholeText } from './whole-text.ts';
import { createPackages, MOST_PACKAGES, planInstall, requireNetwork } from './service.ts';

export interface PackageOperationsDeps {
  readonly executions: Executions;
  readonly sandboxes: Pick<Sandboxes, 'primary' | 'get'>;
  readonly presenter: Presenter;
  readonly tools: Tools;
  readonly logs: LogStore;
  readonly config: Config;
}

const LIST_MS = 60_000;
const LIST_BYTES = 4 * 1024 * 1024;

/** In the record of an installation, beside its outcome. */
const notesSchema = z.object({ manager: z.string(), already_installed: z.array(z.string()).optional() });

const sandbox = z.string().min(1).max(64).optional();

export const packageOperations = (deps: PackageOperationsDeps): readonly Operation[] => {
  const { executions, sandboxes, presenter, config } = deps;
  const packages = createPackages(executions, deps.tools);
  const liveOf = (id: string | undefined, signal: AbortSignal): Promise<LiveSandbox> =>
    id === undefined ? sandboxes.primary(signal) : sandboxes.get(id, signal);

  const view = (look: Look): Promise<ExecutionView> =>
    viewExecution(presenter, look, config.answerBytes, notesSchema.safeParse(JSON.parse(look.record.meta)).data);

  const install = defineOperation({
    name: 'package.install',
    tool: 'install_packages',
    title: 'Install packages',
    description: 'Installs what is missing. Answers like execute_command.',
    effect: 'execute',
    hints: { destructive: false, idempotent: true, openWorld: true },
    input: z.strictObject({
      packages: z.array(z.string().min(1)).min(1).max(MOST_PACKAGES),
      manager: z
        .string()
        .min(1)
        .max(32)
        .optional()
        .describe(`${MANAGER_NAMES.join(' ')}, or a language`),
      sandbox,
    }),
    output: z.looseObject({}),
    subject: (input) => {
      try {
        return { packages: asRulesName(chooseManager(input.manager, input.packages), input.packages) };
      } catch {
        return {}; // the call itself tells its mistake, and starts nothing
      }
    },
    run: async (input, context) => {
      const chosen = chooseManager(input.manager, input.packages);
      for (const spec of input.packages) {
        const wrong = refusePackage(chosen, spec);
        if (wrong !== undefined) throw new CorralError('invalid_input', `packages: ${wrong}.`);
      }
      const live = await liveOf(input.sandbox, context.signal);
      if (context.decision !== undefined) requireCaps(context.decision, live);
      const found = await packages.find(live, chosen, true);
      const specs = [...new Set(input.packages)];
      const present = await packages.present(
        found,
        specs.filter((spec) => spec === chosen.bare(spec)),
      );
      const missing = specs.filter((spec) => !present.has(spec));
      const known = present.size === 0 ? {} : { already_installed: [...present] };
      if (missing.length === 0) return { manager: chosen.name, ...known };
      requireNetwork(live);
      const plan = planInstall(found, missing);
      const look = await executions.run(
        {
          title: `${chosen.name}: install ${missing.join(' ')}`.slice(0, 500),
          plan: async () => ({ steps: plan.steps, env: plan.env, meta: { manager: chosen.name, ...known } }),
          keepStdinOpen: false,
          timeoutMs: cappedTimeoutMs(plan.timeoutMs, context.decision),
          outputBytes: context.decision?.caps.outputBytes,
          sandbox: live.record.id,
          labels: { packages: chosen.name },
          detach: false,
          caller: context.caller.id,
          decision: context.decision,
          tell: tellOf(context),
        },
        patienceMs(undefined, context, config),
        context.signal,
      );
      return view(look);
    },
    starts: {
      wantsHandle: () => false,
      answer: async (execution) => view(await executions.look(execution)),
    },
  });

  const list = defineOperation({
    name: 'package.list',
    tool: 'list_packages',
    unlisted: true,
    title: 'List packages',
    description: 'What a manager has installed.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({ manager: z.string().min(1).max(32), sandbox }),
    output: z.looseObject({ manager: z.string(), packages: z.array(z.looseObject({ name: z.string(), version: z.string() })) }),
    run: async (input, context) => {
      const chosen = chooseManager(input.manager, []);
      const live = await liveOf(input.sandbox, context.signal);
      const found = await packages.find(live, chosen, false);
      const look = await executions.run(
        {
          title: `${chosen.name}: list`,
          plan: async () => ({ steps: [found.words(chosen.list)], env: found.env }),
          keepStdinOpen: false,
          timeoutMs: LIST_MS,
          outputBytes: LIST_BYTES,
          sandbox: live.record.id,
          labels: { packages: chosen.name },
          detach: false,
          caller: context.caller.id,
          decision: context.decision,
        },
        LIST_MS,
        context.signal,
      );
      const text = await wholeText(deps.logs, look, 'stdout', LIST_BYTES);
      const all = chosen.read(text);
      // npm leaves with 1 for a package that another one lacks, and lists all the same.
      if (all.length === 0 && look.record.outcome?.code !== 0)
        throw new CorralError(
          'failed_to_start',
          `${chosen.name} could not list: ${(await wholeText(deps.logs, look, 'stderr', 1000)).trim()}`,
        );
      return { manager: chosen.name, packages: all.map(({ name, version }) => ({ name, version })) };
    },
  });
  return [install, list];
};
