import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { reportFailure } from './fail.ts';
import { createFlags } from './flags.ts';
import { readStdioArguments } from './stdio-arguments.ts';

/** Ends the process when everything is written: nothing that still listens or waits may keep a command that is done. */
const end = async (code: number): Promise<void> => {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  process.exit(code);
};

/** A reader that has gone away (`corral ps | head -1`) is no mistake. */
const endQuietlyWhenUnread = (): void => {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
      throw error;
    });
};

/** Reads the arguments and does what they say. Ends the process; never rejects. */
export const runCli = async (argv: readonly string[], context: CliContext): Promise<void> => {
  const flags = createFlags();
  const stdio = readStdioArguments(argv, flags);
  try {
    if (stdio !== undefined) {
      const { runStdio } = await import('./stdio.ts');
      await runStdio(context, stdio);
      return;
    }
    endQuietlyWhenUnread();
    const { runProgram } = await import('./program.ts');
    await end(await runProgram(argv, context, flags));
  } catch (error) {
    await end(reportFailure(error, { json: false }));
  }
};
