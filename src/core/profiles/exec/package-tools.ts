import * as z from 'zod/v4';
import { CorralError } from '../../../ports/errors.ts';
import type { Operation, OperationContext } from '../../operation.ts';
import { asRulesName, detectManager, refusePackage } from '../../packages/choose.ts';
import { findManager, type Manager } from '../../packages/managers.ts';
import { planInstall, requireNetwork } from '../../packages/service.ts';
import { cappedTimeoutMs, requireCaps } from '../../policy/decided.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { ExecDeps } from './deps.ts';
import { streamText } from './output.ts';
import { LABELS } from './start.ts';
import { BLACKLISTED } from './texts.ts';
import { defineTool } from './tool.ts';

const SLACK_MS = 5000;
const MOST_CONFIGURED = 200;

type Installed = { readonly kind: 'present' | 'installed' | 'blocked' } | { readonly kind: 'failed'; readonly why: string };

/** `fresh`: the manager has asked its registries just before. */
const install = async (
  deps: ExecDeps,
  live: LiveSandbox,
  manager: Manager,
  name: string,
  fresh: boolean,
  { caller, signal, decision }: OperationContext,
): Promise<Installed> => {
  const { executions, logs, packages, blocks, tools } = deps;
  const wrong = refusePackage(manager, name);
  if (wrong !== undefined) return { kind: 'failed', why: `${wrong}.` };
  try {
    if (await blocks.refuses(() => ({ known: true, names: [manager.name, ...manager.tools] }), live, live.spec.workdir))
      return { kind: 'blocked' };
    const bare = manager.bare(name);
    if (name === bare && (await tools.find(live, [name])).has(name)) return { kind: 'present' };
    const found = await packages.find(live, manager, true);
    if (name === bare && (await packages.present(found, [name])).has(name)) return { kind: 'present' };
    requireNetwork(live);
    const plan = planInstall(found, [name]);
    const timeoutMs = cappedTimeoutMs(plan.timeoutMs, decision);
    const look = await executions.run(
      {
        title: `${manager.name}: install ${name}`,
        plan: async () => {
          if (decision !== undefined) requireCaps(decision, live);
          return { steps: fresh ? plan.steps.slice(-1) : plan.steps, env: plan.env };
        },
        env: deps.place.env,
        keepStdinOpen: false,
        timeoutMs,
        outputBytes: decision?.caps.outputBytes,
        sandbox: live.record.id,
        labels: { ...LABELS, kind: 'install' },
        detach: false,
        caller: caller.id,
      },
      timeoutMs + SLACK_MS,
      signal,
    );
    const { outcome } = look.record;
    if (outcome?.kind === 'exited' && outcome.code === 0) return { kind: 'installed' };
    const said = (await streamText(logs, look, 'stderr')).trim();
    return { kind: 'failed', why: said === '' ? `It ended as ${outcome?.kind ?? 'unknown'}.` : said };
  } catch (error) {
    if (!(error instanceof CorralError) || error.code === 'cancelled' || error.code === 'denied' || error.code === 'internal') throw error;
    return { kind: 'failed', why: `${error.message} ${error.hint}` };
  }
};

const failed = (name: string, manager: Manager): string => `Failed to install ${name} using ${manager.name}`;

const textOf = (result: Exclude<Installed, { readonly kind: 'failed' }>, name: string, manager: Manager): string => {
  switch (result.kind) {
    case 'present':
      return `${name} is already installed`;
    case 'installed':
      return `Successfully installed ${name} using ${manager.name}`;
    case 'blocked':
      return BLACKLISTED;
  }
};

const INSTALL = 'package.install';

const installOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: INSTALL,
    tool: 'install_command',
    title: 'Install a package',
    description: 'Install a package with pip, npm, cargo, go, gem, apt, apk or dnf; without package_manager by its name.',
    effect: 'execute',
    idempotent: true,
    input: { command: z.string().max(300), package_manager: z.string().max(100).nullish() },
    subject: ({ command, package_manager }) => {
      const manager = findManager(package_manager ?? detectManager(command.trim()));
      return manager === undefined ? {} : { packages: asRulesName(manager, [command.trim()]) };
    },
    run: async (input, context) => {
      const name = input.command.trim();
      const wanted = input.package_manager ?? detectManager(name);
      const manager = findManager(wanted);
      if (manager === undefined) return `Unsupported package manager: ${wanted}\n`;
      const live = await deps.place.live(context.signal);
      const result = await install(deps, live, manager, name, false, context);
      return result.kind === 'failed' ? `${failed(name, manager)}\n${result.why}` : textOf(result, name, manager);
    },
  });

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

const configureOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: INSTALL,
    tool: 'configure_packages',
    title: 'Install several packages',
    description: 'Install packages of several managers, such as {"apt": ["jq"], "pip": ["requests"]}; one line for each.',
    effect: 'execute',
    idempotent: true,
    input: {
      config: z
        .record(z.string().max(100), z.array(z.string().max(300)))
        .refine((config) => Object.values(config).flat().length <= MOST_CONFIGURED, `at most ${String(MOST_CONFIGURED)} packages`),
    },
    subject: ({ config }) => ({
      packages: Object.entries(config).flatMap(([name, packages]) => {
        const manager = findManager(name);
        return manager === undefined ? [] : asRulesName(manager, packages);
      }),
    }),
    run: async ({ config }, context) => {
      const lines: string[] = [];
      for (const [wanted, names] of Object.entries(config)) {
        const manager = findManager(wanted);
        if (manager === undefined) {
          lines.push(`Unsupported package manager: ${wanted}`);
          continue;
        }
        const live = await deps.place.live(context.signal);
        let fresh = false;
        for (const name of names) {
          const result = await install(deps, live, manager, name, fresh, context);
          fresh ||= result.kind === 'installed';
          lines.push(result.kind === 'failed' ? `${failed(name, manager)}: ${lastLine(result.why)}` : textOf(result, name, manager));
        }
      }
      return lines.join('\n');
    },
  });

export const packageOperations = (deps: ExecDeps): readonly Operation[] => [installOperation(deps), configureOperation(deps)];
