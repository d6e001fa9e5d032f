import { CorralError } from '../../ports/errors.ts';
import type { Exit, InputWait } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';

/** An execution this server hears news of. */
export interface Tracked {
  record: ExecutionRecord;
  readonly live: LiveSandbox;
  /** Ends its sandbox with itself. */
  readonly ephemeral: boolean;
  /** Folder inside that is removed when it ended. */
  scratch: string | undefined;
  /** Resolves when the end is known and recorded; never rejects. */
  readonly done: Promise<void>;
  finish(): void;
  exit: Exit | undefined;
  stdoutBytes: number;
  stderrBytes: number;
  /** performance.now() of the last growth, or of the start. */
  lastGrowth: number;
  /** performance.now() of the last input that this server sent; it takes a moment until the program has read it. */
  lastInput: number;
  /** What was last told of it, while it is watched. */
  inputWait: InputWait | undefined;
  /** How many want to hear of growth and of waits for input. */
  watchers: number;
  /** Called on growth, when a wait for input begins or ends, and on the end. */
  readonly listeners: Set<() => void>;
}

export const createTracked = (record: ExecutionRecord, live: LiveSandbox, ephemeral: boolean): Tracked => {
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    record,
    live,
    ephemeral,
    scratch: undefined,
    done,
    finish,
    exit: undefined,
    stdoutBytes: 0,
    stderrBytes: 0,
    lastGrowth: performance.now(),
    lastInput: Number.NEGATIVE_INFINITY,
    inputWait: undefined,
    watchers: 0,
    listeners: new Set(),
  };
};

export const announce = (tracked: Tracked): void => {
  for (const listener of tracked.listeners) listener();
};

/** An answer that fails since its connection broke, or since the execution has just ended: whether it ended is told by `done`. */
export const unlessOver = (error: unknown): undefined => {
  if (error instanceof CorralError && (error.code === 'lost' || error.code === 'not_found')) return undefined;
  throw error;
};

/** Has the sandbox tell of growth and of waits for input, until disposed. */
export const watchClosely = async (one: Tracked): Promise<Disposable> => {
  one.watchers += 1;
  await one.live.sandbox.watch(one.record.id, true).catch(unlessOver);
  return {
    [Symbol.dispose]: () => {
      one.watchers -= 1;
      // An execution, or a sandbox, that is gone tells nothing any more.
      if (one.watchers === 0 && one.record.status === 'running') one.live.sandbox.watch(one.record.id, false).catch(() => undefined);
    },
  };
};
