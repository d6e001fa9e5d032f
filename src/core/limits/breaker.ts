import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { CorralError, type ErrorCode } from '../../ports/errors.ts';

export interface BreakerOptions {
  /** Failures one after the other that open it. */
  readonly threshold: number;
  /** How long it stays open before one call is let through to try. */
  readonly openMs: number;
  /** Milliseconds since 1970: the clock of the library. */
  readonly now?: () => number;
}

export interface Breaker {
  /** Throws `unavailable` while it is open. What it gives is told how the call ended; once. */
  enter(): (error: CorralError | undefined) => void;
}

/** Corral itself failed. Everything else was the caller's doing, or is no failure: a program that failed ran. */
const MACHINERY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unavailable', 'internal', 'lost']);

/** A trial that has not failed for so long has shown that the machinery works, whatever its program does. */
const TRIAL_MS = 5000;

const failures = handleWhen((error) => error instanceof CorralError && MACHINERY.has(error.code));

/** Spares machinery that fails again and again, and everybody the waiting for it. */
export const createBreaker = ({ threshold, openMs, now = Date.now }: BreakerOptions): Breaker => {
  const policy = circuitBreaker(failures, { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(threshold) });
  let openedAt = 0;
  let reason = '';
  policy.onBreak((why) => {
    openedAt = now();
    reason = 'error' in why ? why.error.message : '';
  });

  const refuse = (retryAfterMs: number): CorralError =>
    new CorralError(
      'unavailable',
      `Corral failed ${threshold} times in a row and pauses before it tries again. The last failure: ${reason}`,
      {
        hint: `Call again in ${(retryAfterMs / 1000).toFixed(1)} s. If it fails again, \`corral doctor\` on the server says what is wrong.`,
        details: { retry_after_ms: retryAfterMs, limit: 'breaker' },
      },
    );

  return {
    enter() {
      const waitMs = Math.ceil(openedAt + openMs - now());
      if (policy.state === CircuitState.Open && waitMs > 0) throw refuse(waitMs);
      // One tries; the others need not wait for what becomes of it.
      if (policy.state === CircuitState.HalfOpen) throw refuse(Math.min(openMs, TRIAL_MS));
      const trial = policy.state === CircuitState.Open;
      let settle: (error: CorralError | undefined) => void = () => undefined;
      let entered = false;
      const ended = new Promise<void>((resolve, reject) => {
        settle = (error) => {
          if (error === undefined) resolve();
          // A trial that was called off has shown nothing.
          else reject(trial && error.code === 'cancelled' ? new CorralError('unavailable', reason, { cause: error }) : error);
        };
      });
      policy
        .execute(() => {
          entered = true;
          return ended;
        })
        .catch(() => 'the caller is told by the door');
      if (!entered) throw refuse(Math.max(1, waitMs));
      if (!trial) return settle;
      const timer = setTimeout(settle, TRIAL_MS, undefined).unref();
      return (error) => {
        clearTimeout(timer);
        settle(error);
      };
    },
  };
};
