import * as z from 'zod/v4';
import type { SandboxDriver } from '../../ports/sandbox.ts';
import type { Config } from '../config/schema.ts';
import type { Executions } from '../executions/types.ts';
import { LANGUAGES, type Language } from '../languages/table.ts';
import type { Tools } from '../languages/tools.ts';
import { defineOperation, type Operation } from '../operation.ts';
import { keptBy } from '../sandboxes/kept-by.ts';
import type { LiveSandbox, Sandboxes } from '../sandboxes/types.ts';

export interface EnvironmentOperationsDeps {
  readonly sandboxes: Sandboxes;
  readonly executions: Executions;
  readonly tools: Tools;
  readonly config: Config;
  readonly drivers: ReadonlyMap<string, SandboxDriver>;
}

/** Programs an agent asks for by habit. */
const USEFUL = [
  'git',
  'make',
  'cmake',
  'cargo',
  'npm',
  'pip',
  'pip3',
  'pytest',
  'uv',
  'mvn',
  'jq',
  'rg',
  'grep',
  'sed',
  'awk',
  'curl',
  'wget',
  'tar',
  'unzip',
  'sqlite3',
  'tmux',
];
const VERSION_MS = 15_000;

interface Found {
  readonly name: string;
  readonly version: string;
  readonly tool: string;
}

export const environmentOperations = (deps: EnvironmentOperationsDeps): readonly Operation[] => {
  const versions = new WeakMap<LiveSandbox, Map<string, Found>>();

  const describe = async (live: LiveSandbox, language: Language): Promise<Found | undefined> => {
    const known = versions.get(live) ?? new Map<string, Found>();
    versions.set(live, known);
    const before = known.get(language.name);
    if (before !== undefined) return before;
    const found = await deps.tools.find(live, [...language.tools, ...(language.needs ?? [])]);
    const tool = language.tools.map((name) => found.get(name)).find((path) => path !== undefined);
    if (tool === undefined || (language.needs ?? []).some((name) => !found.has(name))) return undefined;
    const exit = await deps.executions.ask(
      live,
      language.version.map((word) => word.replace('{tool}', tool)),
      VERSION_MS,
    );
    // A program that is on PATH and cannot even say its version does not work here.
    if (exit.outcome.kind !== 'exited' || exit.outcome.code !== 0) return undefined;
    const text = Buffer.concat([exit.inline?.stdout ?? new Uint8Array(), exit.inline?.stderr ?? new Uint8Array()]).toString('utf8');
    const answer = { name: language.name, version: /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? 'unknown', tool };
    known.set(language.name, answer);
    return answer;
  };

  const operation = defineOperation({
    name: 'environment.describe',
    tool: 'describe_environment',
    title: 'What can run here',
    description:
      'What can run in a sandbox: languages with versions, programs, writable folders, limits, network, isolation. Tried out, not guessed.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({ sandbox: z.string().min(1).max(64).optional() }),
    output: z.looseObject({}),
    run: async (input, context) => {
      const live =
        input.sandbox === undefined
          ? await deps.sandboxes.primary(context.signal)
          : await deps.sandboxes.get(input.sandbox, context.signal);
      const wanted = [...new Set([...LANGUAGES.flatMap((language) => [...language.tools, ...(language.needs ?? [])]), ...USEFUL])];
      const programs = await deps.tools.find(live, wanted);
      const languages = (await Promise.all(LANGUAGES.map(async (language) => describe(live, language)))).filter(
        (found) => found !== undefined,
      );
      const probe = await deps.drivers.get(live.record.driver)?.probe(context.signal);
      const limits = Object.fromEntries(Object.entries(live.spec.limits).filter(([, value]) => value !== undefined));
      return {
        sandbox_id: live.record.id,
        driver: live.record.driver,
        isolation: probe?.available === true ? probe.capabilities.isolation : 'unknown',
        network: live.record.network,
        workdir: live.spec.workdir,
        writable: [...live.spec.workspaces.map((mount) => mount.target), '/tmp', live.spec.env['HOME'] ?? '/tmp'],
        languages: languages.map(({ name, version, tool }) => ({ name, version, tool })),
        missing_languages: LANGUAGES.filter((language) => !languages.some((found) => found.name === language.name)).map(
          (language) => language.name,
        ),
        programs: USEFUL.filter((name) => programs.has(name)),
        limits: {
          ...limits,
          kept_by: keptBy(live),
          wait_seconds: 50,
          answer_bytes: deps.config.answerBytes,
          output_bytes: deps.config.outputBytes,
          executions: deps.config.maxExecutions,
          sandboxes: deps.config.maxSandboxes,
          ...(deps.config.timeoutSeconds > 0 && { timeout_seconds: deps.config.timeoutSeconds }),
        },
        policy: 'Everything may run; the sandbox is the boundary.',
      };
    },
  });
  return [operation];
};
