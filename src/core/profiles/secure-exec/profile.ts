import type { Profile, ProfileInput, ProfilePlan } from '../profile.ts';
import type { BinaryRules } from './binaries.ts';
import { secureExecOperations, unknownTool } from './operations.ts';
import { helpText, readOptions } from './options.ts';
import { readSettings, type Settings, WrongValue } from './settings.ts';
import { dryRunText, findBase, startupProblem } from './startup.ts';

const NAME = 'mcp-secure-exec';
const NO_COMMANDS = `No commands. Use: --cmd 'name|"cmd {arg}"'\n`;
/** Corral allows so many executions at once unless it is told otherwise, and at most. */
const EXECUTIONS = { usual: 256, most: 4096 };

const exit = (code: number, texts: { readonly stdout?: string; readonly stderr?: string }): ProfilePlan => ({
  kind: 'exit',
  code,
  stdout: '',
  stderr: '',
  ...texts,
});

const usageError = (message: string): ProfilePlan => exit(2, { stderr: `error: ${message}\n\nFor more information, try '--help'.\n` });

/** The server's own environment without what configures it, the token first of all. */
const inheritable = (env: ProfileInput['env']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(?:MCP_EXEC|CORRAL)_/.test(entry[0])),
  );

const serve = (
  settings: Settings,
  base: string | undefined,
  binaries: BinaryRules,
  { argv: _, env, cwd, version }: ProfileInput,
): ProfilePlan => {
  const { templates, redefined, authToken, bind, logLevel, stateful, transport, maxConcurrent } = settings;
  return {
    kind: 'serve',
    transport,
    config: { ...(bind !== undefined && { bind }), ...(logLevel !== undefined && { logLevel }) },
    defaults: {
      driver: 'host',
      logLevel: 'info',
      maxExecutions: Math.min(EXECUTIONS.most, Math.max(EXECUTIONS.usual, maxConcurrent)),
      ...(base !== undefined && { workspaces: [base] }),
    },
    info: { name: NAME, version, title: 'MCP Secure Exec (Corral)' },
    instructions: `${NAME}: ${String(templates.length)} command templates with security`,
    operations: (services) => {
      for (const name of redefined)
        services.log.warn({ event: 'security_notice', tool: name }, 'a tool was defined more than once; the last definition holds');
      return secureExecOperations({ ...services, settings, binaries, base, cwd, inherited: inheritable(env) });
    },
    unknownTool,
    http: {
      paths: ['*'],
      health: 'OK',
      guardedHealth: true,
      ...(authToken !== undefined && { token: authToken }),
      bareUnauthorized: true,
      cors: ['mcp-session-id', 'mcp-resume-token'],
      stateless: !stateful,
    },
  };
};

const prepare = async (input: ProfileInput): Promise<ProfilePlan> => {
  const { argv, env, cwd, version } = input;
  const read = readOptions(argv, env);
  if ('mistake' in read) return usageError(read.mistake);
  if ('asked' in read) return exit(0, { stdout: read.asked === 'help' ? helpText() : `${NAME} ${version}\n` });
  let settings: Settings;
  try {
    settings = readSettings(read.given);
  } catch (error) {
    if (error instanceof WrongValue) return usageError(error.message);
    throw error;
  }
  if (settings.templates.length === 0) return exit(1, { stderr: NO_COMMANDS });
  const binaries: BinaryRules = {
    blacklist: settings.blacklist,
    allowDangerous: settings.allowDangerous,
    allowMissing: settings.allowMissing,
    path: env['PATH'],
    cwd,
  };
  const base = findBase(settings, cwd);
  if (settings.dryRun) return exit(0, { stdout: dryRunText(settings, base, binaries) });
  const problem = startupProblem(settings, base, binaries);
  if (problem !== undefined || 'problem' in base) return exit(1, { stderr: `FATAL: ${problem ?? ''}\n` });
  return serve(settings, base.base, binaries, input);
};

/** Stands in for mcp-secure-exec: named commands with placeholders, limits, a breaker and an audit trail. */
export const secureExec: Profile = {
  name: 'secure-exec',
  summary: 'named command templates with checked arguments, limits and audit (mcp-secure-exec)',
  claims: ['bind', 'auth-token', 'log-level', 'rate-limit-rps', 'rate-limit-burst', 'max-concurrent'],
  prepare,
};
