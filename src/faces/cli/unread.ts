import { EXIT } from './exit-codes.ts';

/** A reader that has gone away (`corral ps | head -1`) is no mistake. */
export const endQuietlyWhenUnread = (): void => {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
      throw error;
    });
};
