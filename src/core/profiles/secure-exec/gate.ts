import { once } from '../../../lib/late.ts';
import { CorralError } from '../../../ports/errors.ts';
import { createTurns } from '../../limits/turns.ts';
import { busy, CIRCUIT_OPEN, OVERLOADED, RATE_LIMITED, type SecurityEvent } from './fault.ts';

export interface GateOptions {
  readonly rps: number;
  readonly burst: number;
  readonly maxConcurrent: number;
  readonly circuitThreshold: number;
  readonly circuitSeconds: number;
}

/** Leave to run, given back when disposed. */
export interface Pass extends Disposable {
  /** How the call ended; once. Only failures of the machinery count against it. */
  settle(error: CorralError | undefined): void;
}

export interface Gate {
  /** Throws what the client is told: the breaker is asked first, then whether there is room, then the rate. */
  enter(caller: string, signal: AbortSignal): Promise<Pass>;
}

/** One caller alone has the whole configured rate; so many of them have it at once. */
const CALLERS_AT_FULL_RATE = 4;

const DENIED = new CorralError('cancelled', 'It was held back before it could show anything.');

const turnedAway = (error: unknown, message: string, event: SecurityEvent): CorralError => {
  if (!(error instanceof CorralError)) throw error;
  const wait = error.details['retry_after_ms'];
  return busy(message, { event, hint: error.hint, cause: error, ...(typeof wait === 'number' && { retryAfterMs: wait }) });
};

/** Breaker, concurrency and rate with the limits and the words of the profile. */
export const createGate = ({ rps, burst, maxConcurrent, circuitThreshold, circuitSeconds }: GateOptions): Gate => {
  const turns = createTurns({ concurrent: maxConcurrent, waiting: 0 });
  const parts = once(async () => {
    const [{ createBreaker }, { createRateLimit }] = await Promise.all([import('../../limits/breaker.ts'), import('../../limits/rate.ts')]);
    return {
      breaker: createBreaker({ threshold: circuitThreshold, openMs: circuitSeconds * 1000 }),
      rate: createRateLimit({ perSecond: rps, burst }, { perSecond: rps * CALLERS_AT_FULL_RATE, burst: burst * CALLERS_AT_FULL_RATE }),
    };
  });

  return {
    async enter(caller, signal) {
      const { breaker, rate } = await parts();
      let settle: (error: CorralError | undefined) => void;
      try {
        settle = breaker.enter();
      } catch (error) {
        throw turnedAway(error, CIRCUIT_OPEN, 'circuit_open');
      }
      let release: (() => void) | undefined;
      try {
        release = await turns
          .take(caller, () => undefined, signal)
          .catch((error: unknown) => {
            throw turnedAway(error, OVERLOADED, 'overloaded');
          });
        await rate.take(caller).catch((error: unknown) => {
          throw turnedAway(error, RATE_LIMITED, 'rate_limit');
        });
      } catch (error) {
        settle(DENIED);
        release?.();
        throw error;
      }
      const leave = release;
      return { settle, [Symbol.dispose]: leave };
    },
  };
};
