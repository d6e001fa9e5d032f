import { CorralError } from '../../../ports/errors.ts';
import { LOCAL, type CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { openGuest } from '../guest.ts';
import { withApp } from '../invoke.ts';
import { loadSettings } from '../settings.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { ago, table } from '../table.ts';

export type BlockChange = 'block' | 'unblock' | 'list';

/** `corral policy block|unblock|blocked`: the list that all servers of this state folder share, which holds where rules are in force. */
export const runBlockList = async (
  context: CliContext,
  args: ServerArguments,
  change: BlockChange,
  program: string | undefined,
  options: { readonly json?: boolean },
): Promise<number> => {
  if (program !== undefined && !/^[^/\s\0]{1,255}$/.test(program))
    throw new CorralError('invalid_input', `"${program}" is not the bare name of a program.`, {
      hint: 'Write it without a path, such as: corral policy block rm',
    });
  const app = openGuest(context, await loadSettings(context, args), 'reader', `policy ${change}`);
  return withApp(app, async () => {
    const { blockList } = app;
    if (change === 'list' || program === undefined) {
      const entries = await blockList.list();
      if (options.json === true) process.stdout.write(`${JSON.stringify({ commands: entries })}\n`);
      else if (entries.length === 0) process.stdout.write('No program is blocked.\n');
      else
        process.stdout.write(
          table([['PROGRAM', 'SINCE', 'BY'], ...entries.map(({ name, by, sinceMs }) => [name, ago(sinceMs, Date.now()), by])]),
        );
      return EXIT.ok;
    }
    const changed = change === 'block' ? await blockList.block(program, LOCAL.id) : await blockList.unblock(program);
    const word =
      change === 'block' ? (changed ? 'is blocked now' : 'was blocked already') : changed ? 'is not blocked any more' : 'was not blocked';
    process.stdout.write(options.json === true ? `${JSON.stringify({ command: program, changed })}\n` : `${program} ${word}\n`);
    return EXIT.ok;
  });
};
