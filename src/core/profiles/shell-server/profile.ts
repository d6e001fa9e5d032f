import type { Profile } from '../profile.ts';
import { readArguments } from './arguments.ts';
import { retentionMs, retentionProblem } from './background.ts';
import { encodingProblem } from './encoding.ts';
import { shellServerOperations } from './operations.ts';
import { failed } from './texts.ts';

/** As long as Corral keeps executions by itself, and longer where the profile is asked to. */
const KEPT_SECONDS = 7 * 86_400;
const FOR_GOOD_MS = 10 * 365 * 86_400_000;

/** Stands in for mcp-shell-server: argv commands from an allow-list, background processes with logs. */
export const shellServer: Profile = {
  name: 'shell-server',
  summary: 'argv commands from an allow-list, and background processes (mcp-shell-server)',
  prepare: async (input) => {
    const args = readArguments(input);
    if ('kind' in args) return args;
    const { env } = input;
    const problem = retentionProblem(env) ?? (await encodingProblem(env));
    if (problem !== undefined) return { kind: 'exit', code: 2, stdout: '', stderr: `${problem}\n` };
    const retention = retentionMs(env);
    return {
      kind: 'serve',
      transport: args.transport,
      config: args.bind === undefined ? {} : { bind: args.bind },
      defaults: { driver: 'host', retentionSeconds: Math.max(KEPT_SECONDS, Math.ceil((retention ?? FOR_GOOD_MS) / 1000)) },
      info: { name: 'mcp-shell-server', version: input.version, title: 'MCP Shell Server (Corral)' },
      instructions: '',
      operations: (services) => shellServerOperations(services, env),
      unknownTool: (name) => failed(`Unknown tool: ${name}`),
      http: { paths: [args.path] },
    };
  },
};
