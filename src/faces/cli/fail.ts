import { type CorralError, toCorralError } from '../../ports/errors.ts';
import { EXIT } from './exit-codes.ts';

/** An error as a program reads it. */
export const errorJson = ({ code, message, hint }: CorralError): string => `${JSON.stringify({ error: { code, message, hint } })}\n`;

/** Tells a person (stderr), or a program (JSON on stdout), and gives the exit code. */
export const reportFailure = (error: unknown, options: { readonly json: boolean }): number => {
  const told = toCorralError(error);
  if (options.json) process.stdout.write(errorJson(told));
  else process.stderr.write(`corral: ${told.message}\nhint: ${told.hint}\n`);
  return told.code === 'invalid_input' ? EXIT.usage : EXIT.failure;
};
