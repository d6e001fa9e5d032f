import { createTools } from '../../languages/tools.ts';
import { createPackages } from '../../packages/service.ts';
import type { Profile } from '../profile.ts';
import { readArguments } from './arguments.ts';
import { createBlocks } from './blocks.ts';
import { execOperations } from './operations.ts';
import { createPlace } from './place.ts';
import { createSessions } from './sessions.ts';

/** Stands in for mcp/exec: shell commands, scripts, sessions, processes, packages, a list of blocked programs. */
export const exec: Profile = {
  name: 'exec',
  summary: 'shell commands, scripts and background sessions, packages, a block list (mcp/exec)',
  prepare: async (input) => {
    const args = readArguments(input);
    if ('kind' in args) return args;
    return {
      kind: 'serve',
      transport: 'stdio',
      config: {},
      defaults: { driver: 'host' },
      info: { name: 'exec', version: input.version, title: 'Exec (Corral)' },
      instructions: '',
      operations: (services) => {
        const tools = createTools(() => services.executions);
        return execOperations({
          ...services,
          tools,
          packages: createPackages(services.executions, tools),
          blocks: createBlocks(args.blocked, services.blockList),
          sessions: createSessions(),
          place: createPlace(services.sandboxes, input, args.passed, services.config.workspaces.length > 0),
        });
      },
      unknownTool: (name) => ({ blocks: [`Unknown tool: ${name}`], isError: true }),
    };
  },
};
