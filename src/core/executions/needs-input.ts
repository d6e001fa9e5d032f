import type { LogStore } from '../../ports/logs.ts';
import type { Snapshot } from '../terminal/protocol.ts';
import type { Screens } from '../terminal/screens.ts';
import { sizesOf } from '../terminal/sizes.ts';
import { inputHint } from './input-hints.ts';
import { heldMs, inputWaitOf, SHOWN_AFTER_MS } from './input-wait.ts';
import { lastLine } from './last-line.ts';
import type { Tracked } from './tracked.ts';

/** A program that goes no further until somebody types. */
export interface NeedsInput {
  /** The line that it left unfinished, or its last one. */
  readonly prompt?: string;
  readonly program: string;
  readonly hidden?: true;
  /** How it is kept from asking. */
  readonly hint?: string;
}

/** What a look at an execution that runs shows beside its record. */
export interface Attention {
  readonly needsInput?: NeedsInput | undefined;
  /** Of a program that has the whole screen: its stream is no text. */
  readonly screen?: Snapshot | undefined;
}

/** Looks at an execution that runs. */
export type Attend = (one: Tracked) => Promise<Attention>;

const PROMPT_CHARS = 200;

const shortened = (line: string): string => (line.length <= PROMPT_CHARS ? line : `…${line.slice(-PROMPT_CHARS)}`);

export const createAttend = (logs: LogStore, screens: Screens): Attend => {
  return async (one) => {
    const sizes = sizesOf(one.record.meta);
    const ref = { sandbox: one.record.sandbox, execution: one.record.id };
    const [wait, screen] = await Promise.all([
      inputWaitOf(one),
      sizes === undefined ? undefined : screens.show({ ref, sizes, to: one.stdoutBytes }),
    ]);
    const shown = screen?.alternate === true ? { screen } : {};
    if (wait === undefined || heldMs(one, wait) < SHOWN_AFTER_MS) return shown;
    const prompt = screen === undefined ? await lastLine(logs, one) : shortened(screen.line.trim());
    const hint = inputHint(wait.program, one.record.title, wait.hidden);
    return {
      ...shown,
      needsInput: {
        ...(prompt !== '' && { prompt }),
        program: wait.program,
        ...(wait.hidden && { hidden: true }),
        ...(hint !== undefined && { hint }),
      },
    };
  };
};
