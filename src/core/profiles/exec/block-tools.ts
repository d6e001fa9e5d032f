import * as z from 'zod/v4';
import type { Operation } from '../../operation.ts';
import { isProgramName } from './blocks.ts';
import type { ExecDeps } from './deps.ts';
import { defineTool } from './tool.ts';

const command = z.string().max(4096);
const notAName = (name: string): string => `Error: '${name}' is not the name of a command`;

const blockOperation = ({ blocks }: ExecDeps): Operation =>
  defineTool({
    name: 'policy.block',
    tool: 'block_command',
    title: 'Block a command',
    description: 'Commands that would start this program are refused from now on, also after a restart.',
    effect: 'admin',
    idempotent: true,
    input: { command },
    run: async (input, { caller }) => {
      const name = input.command.trim();
      if (!isProgramName(name)) return notAName(name);
      await blocks.block(name, caller.id);
      return `Command '${name}' has been blocked`;
    },
  });

const unblockOperation = ({ blocks }: ExecDeps): Operation =>
  defineTool({
    name: 'policy.unblock',
    tool: 'unblock_command',
    title: 'Unblock a command',
    description: 'Takes back block_command. What the operator blocked stays blocked.',
    effect: 'admin',
    idempotent: true,
    input: { command },
    run: async (input) => {
      const name = input.command.trim();
      switch (isProgramName(name) ? await blocks.unblock(name) : 'not blocked') {
        case 'unblocked':
          return `Command '${name}' has been unblocked`;
        case 'not blocked':
          return `Command '${name}' was not blocked`;
        case 'kept':
          return `Command '${name}' has been blocked by the operator and stays blocked`;
      }
    },
  });

const listOperation = ({ blocks }: ExecDeps): Operation =>
  defineTool({
    name: 'policy.blocked',
    tool: 'list_blocked_commands',
    title: 'List blocked commands',
    description: 'The programs that commands may not start.',
    effect: 'read',
    input: {},
    run: async () => {
      const names = await blocks.list();
      return names.length === 0 ? 'No commands are currently blocked' : names.join('\n');
    },
  });

export const blockOperations = (deps: ExecDeps): readonly Operation[] => [
  blockOperation(deps),
  unblockOperation(deps),
  listOperation(deps),
];
