import { once } from '../../lib/late.ts';
import type { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Admission, Call } from '../operation.ts';
import { createTurns } from './turns.ts';
import type { Rate } from './rate.ts';

export type LimitsConfig = Pick<
  Config,
  | 'rateLimitRps'
  | 'rateLimitBurst'
  | 'rateLimitTotalRps'
  | 'rateLimitTotalBurst'
  | 'maxConcurrent'
  | 'maxQueue'
  | 'breakerThreshold'
  | 'breakerSeconds'
>;

export interface Limits {
  /** Waits for a turn; throws `limit_exceeded` or `unavailable`, with `retry_after_ms`, when there is none to be had. */
  admit(call: Call): Promise<Admission>;
}

/** Without a burst of its own, a second's worth may come at once. */
const rateOf = (perSecond: number | undefined, burst: number | undefined): Rate | undefined =>
  perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond)) };

/** What the operator limits; undefined when that is nothing, so that it costs nothing. The libraries are loaded with the first call. */
export const createLimits = (config: LimitsConfig): Limits | undefined => {
  const perCaller = rateOf(config.rateLimitRps, config.rateLimitBurst);
  const total = rateOf(config.rateLimitTotalRps, config.rateLimitTotalBurst);
  const { maxConcurrent, maxQueue, breakerThreshold, breakerSeconds } = config;

  const turns = maxConcurrent === undefined ? undefined : createTurns({ concurrent: maxConcurrent, waiting: maxQueue });
  const rate =
    perCaller === undefined && total === undefined
      ? undefined
      : once(async () => {
          const { createRateLimit } = await import('./rate.ts');
          return createRateLimit(perCaller, total);
        });
  const breaker =
    breakerThreshold === undefined
      ? undefined
      : once(async () => {
          const { createBreaker } = await import('./breaker.ts');
          return createBreaker({ threshold: breakerThreshold, openMs: breakerSeconds * 1000 });
        });
  if (turns === undefined && rate === undefined && breaker === undefined) return undefined;

  return {
    async admit({ context }) {
      const { caller, signal, progress } = context;
      await (await rate?.())?.take(caller.id);
      const release = await turns?.take(caller.id, (message) => progress.call(context, message), signal);
      let settle: ((error: CorralError | undefined) => void) | undefined;
      try {
        settle = (await breaker?.())?.enter();
      } catch (error) {
        release?.();
        throw error;
      }
      return {
        settle: (error) => settle?.(error),
        [Symbol.dispose]: () => {
          // A call that ends without a word said nothing against the machinery.
          settle?.(undefined);
          release?.();
        },
      };
    },
  };
};
