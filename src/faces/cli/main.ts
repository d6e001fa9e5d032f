import type { CliContext } from './context.ts';
import { reportFailure } from './fail.ts';
import { createFlags } from './flags.ts';
import { mayNameProfile } from './profile-arguments.ts';
import { readStdioArguments } from './stdio-arguments.ts';
import { endQuietlyWhenUnread } from './unread.ts';

/** Ends the process when everything is written: nothing that still listens or waits may keep a command that is done. */
const end = async (code: number): Promise<void> => {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  process.exit(code);
};

/** Reads the arguments and does what they say. Ends the process; never rejects. */
export const runCli = async (argv: readonly string[], context: CliContext): Promise<void> => {
  const flags = createFlags();
  try {
    if (mayNameProfile(argv, context.env)) {
      const { runProfiles } = await import('./profile.ts');
      const code = await runProfiles(argv, context, flags);
      if (code !== undefined) return await end(code);
    }
    const stdio = readStdioArguments(argv, flags);
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
