import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { BlockList } from './block-list.ts';

/** Scope that a caller needs to take programs off the list. Everybody may put them on. */
const UNBLOCK = 'policy:unblock';

const command = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\s\0]+$/, 'is the bare name of a program');

/** There while rules are in force: without them text goes unread to a shell, and a list of names would promise what it cannot hold. */
export const blockListOperations = (list: BlockList): readonly Operation[] => [
  defineOperation({
    name: 'policy.block',
    tool: 'block_command',
    title: 'Block a program',
    description: 'Nobody may start this program from now on, in all sessions and after restarts.',
    effect: 'admin',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({ command }),
    output: z.looseObject({}),
    run: async (input, { caller }) => ({ command: input.command, blocked: true, changed: await list.block(input.command, caller.id) }),
  }),
  defineOperation({
    name: 'policy.unblock',
    tool: 'unblock_command',
    title: 'Unblock a program',
    description: 'Takes a program off the list of blocked ones; needs to be granted by the operator.',
    effect: 'admin',
    hints: { destructive: true, idempotent: true, openWorld: false },
    input: z.strictObject({ command }),
    output: z.looseObject({}),
    run: async (input, { caller }) => {
      if (caller.via !== 'cli' && !caller.scopes.includes(UNBLOCK))
        throw new CorralError('denied', `${caller.id} may block programs, not unblock them.`, {
          hint: `The operator can: corral policy unblock ${input.command}`,
        });
      return { command: input.command, blocked: false, changed: await list.unblock(input.command) };
    },
  }),
  defineOperation({
    name: 'policy.blocked',
    tool: 'list_blocked_commands',
    title: 'List blocked programs',
    description: 'The programs that nobody may start.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({}),
    output: z.looseObject({}),
    run: async () => ({
      commands: (await list.list()).map(({ name, by, sinceMs }) => ({ command: name, by, since: new Date(sinceMs).toISOString() })),
    }),
  }),
];
