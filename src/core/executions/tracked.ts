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
  /** Told while somebody watches. */
  inputWait: InputWait | undefined;
  /** How many waits want to hear of growth. */
  watchers: number;
  /** Called on growth and on the end. */
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
    inputWait: undefined,
    watchers: 0,
    listeners: new Set(),
  };
};

export const announce = (tracked: Tracked): void => {
  for (const listener of tracked.listeners) listener();
};
