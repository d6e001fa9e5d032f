import { CorralError } from '../../ports/errors.ts';
import type { Log } from '../log.ts';
import type { Screens } from '../terminal/screens.ts';
import { sizesOf } from '../terminal/sizes.ts';
import { watchClosely } from './tracked.ts';
import type { FollowTerminal } from './types.ts';

/** Between two drawings, at least: programs print in many pieces. */
const DRAW_MS = 10;
/** Whoever asked has given up by then, and would take the answer for something that was typed. */
const FRESH_MS = 1_000;

/**
 * Draws the screen of an execution as it is printed, so that what the program asks of its terminal (where the cursor stands, what it can) is
 * answered at once. Only the server that started the program, or took it over, answers; only what was asked from `fromByte` on.
 */
export const createFollowTerminal =
  (screens: Screens, log: Log): FollowTerminal =>
  (one, fromByte) => {
    const { id, sandbox } = one.record;
    const isRunning = (): boolean => one.record.status === 'running';

    const answer = (data: string): void => {
      if (!isRunning() || performance.now() - one.lastGrowth > FRESH_MS) return;
      // A program that has ended, or reads no more, needs no answer.
      one.live.sandbox.write(id, Buffer.from(data), false).catch(() => undefined);
    };

    const growth = (drawn: number): Promise<void> =>
      new Promise((resolve) => {
        const check = (): void => {
          if (one.stdoutBytes <= drawn && isRunning()) return;
          one.listeners.delete(check);
          resolve();
        };
        one.listeners.add(check);
        check();
      });

    const follow = async (): Promise<void> => {
      using _answering = screens.answer(id, fromByte, answer);
      using _watching = await watchClosely(one);
      let drawn = fromByte;
      while (isRunning()) {
        await growth(drawn);
        const began = performance.now();
        const sizes = sizesOf(one.record.meta);
        if (sizes === undefined) return;
        drawn = one.stdoutBytes;
        await screens.show({ ref: { sandbox, execution: id }, sizes, to: drawn });
        // One that prints all the time gets half of the time that there is.
        await new Promise((resolve) => setTimeout(resolve, Math.max(DRAW_MS, performance.now() - began)).unref());
      }
    };

    follow().catch((error: unknown) => {
      if (error instanceof CorralError && (error.code === 'unavailable' || error.code === 'lost')) return;
      log.error({ execution: id, error: error instanceof Error ? error.message : String(error) }, 'a terminal is not followed any more');
    });
  };
