import type { App } from '../../core/app.ts';
import { CorralError } from '../../ports/errors.ts';
import { LOCAL } from './context.ts';

/** Calls an operation, through the one door, as the person at the command line. */
export const callOperation = (
  app: App,
  name: string,
  input: unknown,
  signal: AbortSignal = new AbortController().signal,
): Promise<Record<string, unknown>> => {
  const operation = app.operations.find((one) => one.name === name);
  if (operation === undefined) throw new CorralError('internal', `There is no operation "${name}".`);
  return app.invoke(operation, input, { caller: LOCAL, signal, progress: () => undefined });
};

/** A number given as an option. Throws `invalid_input`. */
export const numberOption = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new CorralError('invalid_input', `${option}: "${text}" is not a number.`, {
    hint: `Write ${option} with a number, such as ${option} 10.`,
  });
};

/** Opens the house for one command and closes it afterwards, whatever happens. */
export const withApp = async <T>(app: App, work: (app: App) => Promise<T>): Promise<T> => {
  try {
    await app.ready();
    return await work(app);
  } finally {
    await app.close();
  }
};
