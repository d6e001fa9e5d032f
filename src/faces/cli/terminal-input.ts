import type { Executions } from '../../core/executions/types.ts';
import { CorralError } from '../../ports/errors.ts';

/** Programs may end, or close their input, before they have read everything: no mistake of anybody. */
const isOver = (error: unknown): boolean =>
  error instanceof CorralError && ['conflict', 'lost', 'not_found', 'cancelled'].includes(error.code);

export interface InputForwarder extends Disposable {
  /** Rejects when input could not be passed on while the program was running; never resolves otherwise. */
  readonly failed: Promise<never>;
}

/** Passes standard input on to an execution, at the pace at which it is taken, until either ends. */
export const forwardInput = (executions: Executions, id: string, options: { readonly raw: boolean }): InputForwarder => {
  const { stdin } = process;
  let over = false;
  if (options.raw && stdin.isTTY) stdin.setRawMode(true);

  const pump = async (): Promise<void> => {
    try {
      for await (const chunk of stdin) await executions.write(id, chunk as Uint8Array, false);
      if (!over) await executions.write(id, new Uint8Array(), true);
    } catch (error) {
      if (!over && !isOver(error)) throw error;
    }
  };
  const failed = new Promise<never>((_, reject) => {
    pump().catch(reject);
  });

  return {
    failed,
    [Symbol.dispose]: () => {
      over = true;
      if (options.raw && stdin.isTTY) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
};

/** Tells an execution the size of this terminal, now and whenever it changes. */
export const forwardSize = (executions: Executions, id: string): Disposable => {
  const { stdout } = process;
  const tell = (): void => {
    // A program that has just ended has no terminal to resize.
    if (stdout.columns > 0 && stdout.rows > 0) executions.resize(id, stdout.columns, stdout.rows).catch(() => undefined);
  };
  tell();
  stdout.on('resize', tell);
  return { [Symbol.dispose]: () => void stdout.off('resize', tell) };
};
