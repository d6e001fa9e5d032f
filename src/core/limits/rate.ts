import { RateLimiterMemory } from 'rate-limiter-flexible';
import { createMutex } from '../../lib/mutex.ts';
import { CorralError } from '../../ports/errors.ts';

export interface Rate {
  /** Calls a second in the long run. */
  readonly perSecond: number;
  /** Calls at once after a pause. */
  readonly burst: number;
}

export interface RateLimit {
  /** Takes one token of the caller's and one of the common bucket, or none at all. Throws `limit_exceeded`. */
  take(caller: string): Promise<void>;
}

interface Bucket {
  /** How long until there is a token; 0 = now. */
  peek(key: string): Promise<{ readonly waitMs: number; take(): Promise<void> }>;
}

/**
 * A token bucket, kept as the moment at which it will be full again. The limiter of the library counts in fixed windows, which would let twice
 * the burst through where two of them meet; its store of keys that expire is just what that moment needs: an expired key is a full bucket.
 */
const createBucket = (prefix: string, { perSecond, burst }: Rate): Bucket => {
  const tokenMs = 1000 / perSecond;
  const store = new RateLimiterMemory({ keyPrefix: prefix, points: 1, duration: (burst * tokenMs) / 1000 });
  return {
    async peek(key) {
      const found = await store.get(key);
      const fullInMs = Math.max(0, found?.msBeforeNext ?? 0);
      return {
        waitMs: Math.max(0, fullInMs + tokenMs - burst * tokenMs),
        take: async () => {
          await store.set(key, 1, (fullInMs + tokenMs) / 1000);
        },
      };
    },
  };
};

const COMMON = 'all';
/** A wait this short is one of rounding. */
const ROUNDING_MS = 0.001;

/** Limits how often each caller, and all of them together, may begin something. */
export const createRateLimit = (perCaller: Rate | undefined, total: Rate | undefined): RateLimit => {
  const buckets = [
    ...(perCaller === undefined
      ? []
      : [{ whose: 'this caller', bucket: createBucket('caller', perCaller), rate: perCaller, key: (caller: string) => caller }]),
    ...(total === undefined
      ? []
      : [{ whose: 'all callers together', bucket: createBucket('total', total), rate: total, key: () => COMMON }]),
  ];
  // The store answers with promises: between look and take nobody else may look.
  const mutex = createMutex();

  return {
    async take(caller) {
      const unlock = await mutex.lock();
      try {
        const looks = await Promise.all(buckets.map(async (one) => ({ ...one, ...(await one.bucket.peek(one.key(caller))) })));
        const slowest = looks.reduce<(typeof looks)[number] | undefined>(
          (worst, one) => (one.waitMs > (worst?.waitMs ?? ROUNDING_MS) ? one : worst),
          undefined,
        );
        if (slowest !== undefined) {
          const retryAfterMs = Math.ceil(slowest.waitMs);
          throw new CorralError(
            'limit_exceeded',
            `Too many calls: ${slowest.whose} may begin ${slowest.rate.perSecond} a second, ${slowest.rate.burst} at once.`,
            {
              hint: `Call again in ${(retryAfterMs / 1000).toFixed(1)} s; reading, waiting and terminating are never limited.`,
              details: { retry_after_ms: retryAfterMs, limit: 'rate' },
            },
          );
        }
        await Promise.all(looks.map((one) => one.take()));
      } finally {
        unlock();
      }
    },
  };
};
