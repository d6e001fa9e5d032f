import type { App } from '../../core/app.ts';
import { loadProfile } from '../../core/profiles/index.ts';
import type { Profile, ProfilePlan } from '../../core/profiles/profile.ts';
import type { Operation } from '../../core/operation.ts';
import type { LoadedConfig } from '../../core/config/load.ts';
import { CorralError } from '../../ports/errors.ts';
import type { CliContext } from './context.ts';
import type { Flag, FlagValues } from './flags.ts';
import { readProfileArguments } from './profile-arguments.ts';
import type { Served } from './served.ts';
import { loadSettings } from './settings.ts';
import { endQuietlyWhenUnread } from './unread.ts';

type ServePlan = Extract<ProfilePlan, { kind: 'serve' }>;

interface Planned {
  readonly profile: Profile;
  readonly plan: ServePlan;
}

/** Profiles side by side may not contradict each other. */
const together = (planned: readonly Planned[], part: (plan: ServePlan) => FlagValues | undefined): FlagValues => {
  const values: FlagValues = {};
  const from = new Map<string, string>();
  for (const { profile, plan } of planned)
    for (const [key, value] of Object.entries(part(plan) ?? {}) as [keyof FlagValues, unknown][]) {
      if (from.has(key) && JSON.stringify(values[key]) !== JSON.stringify(value))
        throw new CorralError(
          'invalid_input',
          `The profiles ${from.get(key) ?? ''} and ${profile.name} want different values for ${key}.`,
          {
            hint: 'Serve them from two processes.',
          },
        );
      values[key] = value;
      from.set(key, profile.name);
    }
  return values;
};

/** The tools of all, in the order of the profiles. Throws `invalid_input` when two have one name. */
const operationsOf = (planned: readonly Planned[], { executions, sandboxes, logs, log, blockList, loaded }: App): readonly Operation[] => {
  const owners = new Map<string, string>();
  const operations: Operation[] = [];
  for (const { profile, plan } of planned)
    for (const operation of plan.operations({ executions, sandboxes, logs, log, blockList, config: loaded.config })) {
      const other = owners.get(operation.tool);
      if (other !== undefined)
        throw new CorralError('invalid_input', `The profiles ${other} and ${profile.name} both have a tool "${operation.tool}".`, {
          hint: other === profile.name ? 'Name its tools differently.' : 'Serve them from two processes.',
        });
      owners.set(operation.tool, profile.name);
      operations.push(operation);
    }
  return operations;
};

const servedOf = (planned: readonly Planned[]): Served => {
  const only = planned.length === 1 ? planned[0]?.plan : undefined;
  const paths = [...new Set(planned.flatMap(({ plan }) => plan.http?.paths ?? ['/mcp']))];
  return {
    profiles: planned.map(({ profile }) => profile.name),
    info: ({ version }) => only?.info ?? { name: 'corral', version, title: 'Corral' },
    instructions: planned.flatMap(({ plan }) => (plan.instructions === '' ? [] : [plan.instructions])).join('\n\n'),
    operations: (app) => operationsOf(planned, app),
    unknownTool: only?.unknownTool?.bind(only),
    http: only === undefined ? { paths } : only.http,
  };
};

const sayWhereItRuns = ({ config, sources }: LoadedConfig, served: Served): void => {
  if (config.driver !== 'host' || sources['driver'] !== 'profile') return;
  const names = served.profiles.join(', ');
  process.stderr.write(
    `corral: profile ${names}: commands run on this machine as this user, without a sandbox, as they did before; to isolate them: --driver bubblewrap --workspace DIR\n`,
  );
};

const plan = async (profile: Profile, argv: readonly string[], { env, cwd, version }: CliContext): Promise<ProfilePlan> =>
  profile.prepare({ argv, env, cwd, version });

/**
 * `corral --profile NAME ...`. Resolves to the exit code, or to undefined when this was no call for a profile. Over stdio it ends the
 * process itself.
 */
export const runProfiles = async (argv: readonly string[], context: CliContext, flags: readonly Flag[]): Promise<number | undefined> => {
  // Which options are whose is known when it is known which profiles there are.
  const named = readProfileArguments(argv, context.env, flags, () => false);
  if (named === undefined) return undefined;
  const profiles = new Map<string, Profile>();
  for (const { name } of named.profiles) {
    if (profiles.has(name))
      throw new CorralError('invalid_input', `The profile ${name} was chosen twice.`, { hint: `Give --profile ${name} once.` });
    profiles.set(name, await loadProfile(name));
  }
  const args =
    readProfileArguments(argv, context.env, flags, (name, option) => profiles.get(name)?.claims?.includes(option) ?? false) ?? named;

  const planned: Planned[] = [];
  for (const { name, argv: own } of args.profiles) {
    const profile = profiles.get(name);
    if (profile === undefined) throw new CorralError('invalid_input', `It is not clear where the arguments of profile ${name} begin.`);
    const made = await plan(profile, own, context);
    if (made.kind === 'exit') {
      endQuietlyWhenUnread();
      process.stdout.write(made.stdout);
      process.stderr.write(made.stderr);
      return made.code;
    }
    planned.push({ profile, plan: made });
  }

  const served = servedOf(planned);
  const profile = { over: together(planned, ({ config }) => config), under: together(planned, ({ defaults }) => defaults) };
  const loaded = await loadSettings(context, { folders: [], configFile: args.configFile, flags: args.flags }, profile);
  sayWhereItRuns(loaded, served);
  if (args.overHttp || planned.some(({ plan: { transport } }) => transport === 'http')) {
    endQuietlyWhenUnread();
    const { serveOverHttp } = await import('./serve.ts');
    return serveOverHttp(context, loaded, served);
  }
  const { serveOverStdio } = await import('./stdio.ts');
  await serveOverStdio(context, loaded, served);
  return 0;
};
