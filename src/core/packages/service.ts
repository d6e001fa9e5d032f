import { CorralError } from '../../ports/errors.ts';
import type { Exit } from '../../ports/sandbox.ts';
import type { Executions } from '../executions/types.ts';
import type { Tools } from '../languages/tools.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';
import type { Manager } from './managers.ts';

/** An installation ends at the latest after this; looking for what there is in the registry before it counts on its own. */
export const INSTALL_MS = 300_000;
export const REFRESH_SECONDS = 30;
const ASK_MS = 20_000;
/** Looked for one after the other, each by a program of its own. */
export const MOST_PACKAGES = 32;

/** Bounded, and never a reason not to install: what was known before may do. */
const REFRESH = `if command -v timeout >/dev/null 2>&1; then timeout ${String(REFRESH_SECONDS)} "$@"; else "$@"; fi; exit 0`;

/** A manager as it is there in one sandbox. */
export interface FoundManager {
  readonly manager: Manager;
  readonly live: LiveSandbox;
  readonly env: Readonly<Record<string, string>>;
  /** The words of a recipe, filled in. `changes`: with the rights that changing the system takes. */
  words(recipe: readonly string[], values?: Readonly<Record<string, string>>, changes?: boolean): readonly string[];
}

export interface Packages {
  /** Throws `unsupported` when the manager is not there, or may not do its work there. */
  find(live: LiveSandbox, manager: Manager, changes: boolean): Promise<FoundManager>;
  /** Which of these bare names are installed; none of a manager that cannot say. */
  present(found: FoundManager, names: readonly string[]): Promise<ReadonlySet<string>>;
}

export interface InstallPlan {
  readonly steps: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** What to start to install packages whose names were found in order. */
export const planInstall = (found: FoundManager, specs: readonly string[]): InstallPlan => {
  const { manager, env } = found;
  const complete = specs.map((spec) => (manager.latest !== undefined && spec === manager.bare(spec) ? `${spec}${manager.latest}` : spec));
  const install = [...found.words(manager.install, {}, true), ...complete];
  if (manager.refresh === undefined) return { steps: [install], env, timeoutMs: INSTALL_MS };
  const refresh = ['/bin/sh', '-c', REFRESH, 'sh', ...found.words(manager.refresh, {}, true)];
  return { steps: [refresh, install], env, timeoutMs: INSTALL_MS + REFRESH_SECONDS * 1000 };
};

/** Throws `unsupported` where nothing can be fetched. */
export const requireNetwork = ({ spec, record }: LiveSandbox): void => {
  if (spec.network !== 'none') return;
  throw new CorralError('unsupported', `Sandbox ${record.id} has no network, and installing needs it.`, {
    hint: 'The operator can start Corral with --network host; what is in the workspace already can be installed with a command.',
  });
};

const succeeded = ({ outcome }: Exit): boolean => outcome.kind === 'exited' && outcome.code === 0;

export const createPackages = (executions: Pick<Executions, 'ask'>, tools: Tools): Packages => {
  const rights = async (live: LiveSandbox, { name }: Manager): Promise<readonly string[]> => {
    if (live.record.driver !== 'host')
      throw new CorralError('unsupported', `${name} changes system folders, which are read-only in a sandbox.`, {
        hint: 'Use pip, npm, cargo, go or gem, which install into the home folder; or install it on the machine: sandboxes see it.',
      });
    if (process.getuid?.() === 0) return [];
    const sudo = (await tools.find(live, ['sudo'])).get('sudo');
    if (sudo === undefined)
      throw new CorralError('unsupported', `${name} has to be run as root, and there is no sudo.`, {
        hint: 'Ask the operator to install it on the machine.',
      });
    return [sudo, '-n', '--'];
  };

  return {
    find: async (live, manager, changes) => {
      const found = await tools.find(live, manager.tools);
      const tool = manager.tools.map((name) => found.get(name)).find((path) => path !== undefined);
      if (tool === undefined)
        throw new CorralError('unsupported', `There is no ${manager.tools.join(' or ')} in this sandbox.`, {
          hint: 'Install it on the machine, or use another manager.',
        });
      const before = changes && manager.system ? await rights(live, manager) : [];
      const home = live.spec.env['HOME'] ?? '/tmp';
      const isolated = live.record.driver !== 'host';
      const variables = { ...manager.env, ...(isolated && manager.homeEnv) };
      return {
        manager,
        live,
        env: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, value.replace('{home}', home)])),
        words: (recipe, values = {}, asRoot = false) => [
          ...(asRoot ? before : []),
          ...recipe.map((word) => word.replace(/^\{(tool|name)\}$/, (_, key: string) => (key === 'tool' ? tool : (values[key] ?? '')))),
        ],
      };
    },
    present: async ({ manager, live, env, words }, names) => {
      const { has } = manager;
      if (has === undefined) return new Set();
      const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
      const present = new Set<string>();
      for (const name of names)
        if (succeeded(await executions.ask(live, ['/usr/bin/env', ...variables, ...words(has, { name })], ASK_MS))) present.add(name);
      return present;
    },
  };
};
