import type { Executions } from '../../core/executions/types.ts';
import { CorralError } from '../../ports/errors.ts';

/** Programs may end, or close their input, before they have read everything: no mistake of anybody. */
const isOver = (error: unknown): boolean =>
  error instanceof CorralError && ['conflict', 'lost', 'not_found', 'cancelled'].includes(error.code);

export interface InputForwarder extends Disposable {
  /** Rejects when input could not be passed on while the program was running; never resolves otherwise. */
  readonly failed: Promise<never>;
}

export interface ForwardOptions {
  /** Every key goes to the program, as it is pressed. */
  readonly raw: boolean;
  /** Called when the keys of `DETACH` were pressed, one right after the other; nothing is passed on from then on. */
  readonly onDetach?: (() => void) | undefined;
}

/** Ctrl-P, then Ctrl-Q: what people know from docker attach. */
const DETACH = [0x10, 0x11] as const;

/** Input up to the detach keys. A Ctrl-P that ends a piece waits for what comes next, since that may be the Ctrl-Q. */
const untilDetached = async function* (input: AsyncIterable<Uint8Array>, onDetach: () => void): AsyncIterable<Uint8Array> {
  let held = false;
  for await (const piece of input) {
    const bytes: Buffer = held ? Buffer.concat([Buffer.from(DETACH.slice(0, 1)), piece]) : Buffer.from(piece);
    const at = bytes.indexOf(Buffer.from(DETACH));
    if (at >= 0) {
      if (at > 0) yield bytes.subarray(0, at);
      onDetach();
      return;
    }
    held = bytes.at(-1) === DETACH[0];
    const now = held ? bytes.subarray(0, -1) : bytes;
    if (now.length > 0) yield now;
  }
};

/** Passes standard input on to an execution, at the pace at which it is taken, until either ends. */
export const forwardInput = (executions: Executions, id: string, options: ForwardOptions): InputForwarder => {
  const { stdin } = process;
  let over = false;
  if (options.raw && stdin.isTTY) stdin.setRawMode(true);

  const pump = async (): Promise<void> => {
    try {
      const detach = (): void => {
        over = true;
        options.onDetach?.();
      };
      const input = options.onDetach === undefined ? stdin : untilDetached(stdin, detach);
      for await (const chunk of input) await executions.write(id, chunk as Uint8Array, false);
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
    if (stdout.columns > 0 && stdout.rows > 0) executions.resize(id, { cols: stdout.columns, rows: stdout.rows }).catch(() => undefined);
  };
  tell();
  stdout.on('resize', tell);
  return { [Symbol.dispose]: () => void stdout.off('resize', tell) };
};
