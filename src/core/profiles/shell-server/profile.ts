import type { Profile } from '../profile.ts';
import { readArguments } from './arguments.ts';
import { shellServerOperations } from './operations.ts';
import { failed } from './texts.ts';

/** Stands in for mcp-shell-server: argv commands from an allow-list, background processes with logs. */
export const shellServer: Profile = {
  name: 'shell-server',
  summary: 'argv commands from an allow-list, and background processes (mcp-shell-server)',
  prepare: async (input) => {
    const args = readArguments(input);
    if ('kind' in args) return args;
    return {
      kind: 'serve',
      transport: args.transport,
      config: args.bind === undefined ? {} : { bind: args.bind },
      defaults: { driver: 'host' },
      info: { name: 'mcp-shell-server', version: input.version, title: 'MCP Shell Server (Corral)' },
      instructions: '',
      operations: (services) => shellServerOperations(services, input.env),
      unknownTool: (name) => failed(`Unknown tool: ${name}`),
      http: { paths: [args.path] },
    };
  },
};
