import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/core/config/load.ts';
import { createBreaker } from '../../../src/core/limits/breaker.ts';
import { createLimits } from '../../../src/core/limits/limits.ts';
import { createRateLimit } from '../../../src/core/limits/rate.ts';
import { createTurns } from '../../../src/core/limits/turns.ts';
import type { Call } from '../../../src/core/operation.ts';
import { CorralError, type ErrorCode } from '../../../src/ports/errors.ts';

const never = new AbortController().signal;
const silent = (): undefined => undefined;
/** Lets everything happen that needs no time. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

describe('configuration', () => {
  const load = (env: Record<string, string>): Promise<unknown> =>
    loadConfig({ flags: {}, env: { XDG_STATE_HOME: '/tmp', XDG_CONFIG_HOME: '/nonexistent', ...env }, cwd: '/' });

  it.each([
    ['CORRAL_RATE_LIMIT_RPS', '0', /rateLimitRps.*more than 0; leave the option out/],
    ['CORRAL_RATE_LIMIT_RPS', '-1', /more than 0/],
    ['CORRAL_RATE_LIMIT_RPS', 'fast', /rateLimitRps.*more than 0/],
    ['CORRAL_RATE_LIMIT_RPS', 'Infinity', /more than 0/],
    ['CORRAL_MAX_CONCURRENT', '0', /maxConcurrent.*more than 0/],
    ['CORRAL_MAX_CONCURRENT', '1.5', /maxConcurrent.*whole number/],
    ['CORRAL_MAX_QUEUE', '0', /maxQueue.*more than 0/],
    ['CORRAL_BREAKER_THRESHOLD', '0', /breakerThreshold.*more than 0/],
    ['CORRAL_BREAKER_SECONDS', '0', /breakerSeconds.*more than 0/],
    ['CORRAL_RATE_LIMIT_BURST', '5', /rateLimitBurst.*no effect without rateLimitRps/],
  ])('%s=%s is refused when it is read', async (name, value, message) => {
    await expect(load({ [name]: value })).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) });
  });

  it('limits nothing unless it is told to', async () => {
    const { config } = (await load({})) as { config: Parameters<typeof createLimits>[0] };
    expect(createLimits(config)).toBeUndefined();
  });
});

describe('rate', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lets a burst through, then one token at a time, and says when to come back', async () => {
    const limit = createRateLimit({ perSecond: 2, burst: 3 }, undefined);
    for (let i = 0; i < 3; i += 1) await limit.take('a');
    await expect(limit.take('a')).rejects.toMatchObject({ code: 'limit_exceeded', details: { retry_after_ms: 500, limit: 'rate' } });
    await limit.take('b');
    vi.advanceTimersByTime(500);
    await limit.take('a');
    await expect(limit.take('a')).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  it('keeps to its rate over any stretch of time, and gives a refused caller what it was promised', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 60 }),
        async (perSecond, burst, pauses) => {
          const limit = createRateLimit({ perSecond, burst }, undefined);
          const granted: number[] = [];
          for (const pause of pauses) {
            vi.advanceTimersByTime(pause);
            try {
              await limit.take('x');
              granted.push(Date.now());
            } catch (error) {
              vi.advanceTimersByTime((error as CorralError).details['retry_after_ms'] as number);
              await limit.take('x');
              granted.push(Date.now());
            }
          }
          for (let i = 0; i < granted.length; i += 1)
            for (let j = i; j < granted.length; j += 1)
              expect(j - i + 1).toBeLessThanOrEqual(burst + (((granted[j] ?? 0) - (granted[i] ?? 0)) / 1000) * perSecond + 0.01);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('counts all callers together, and takes nothing from one who is refused', async () => {
    const limit = createRateLimit({ perSecond: 1, burst: 5 }, { perSecond: 1, burst: 2 });
    await limit.take('a');
    await limit.take('b');
    await expect(limit.take('c')).rejects.toMatchObject({ message: expect.stringContaining('all callers together') });
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => limit.take('d')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    vi.advanceTimersByTime(1000);
    const later = await Promise.allSettled(Array.from({ length: 10 }, () => limit.take('d')));
    expect(later.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });
});

describe('turns', () => {
  it('go round among the callers, in order for each', async () => {
    const turns = createTurns({ concurrent: 1, waiting: 100 });
    const order: string[] = [];
    let release = await turns.take('first', silent, never);
    const wait = (caller: string, name: string): Promise<void> =>
      turns.take(caller, silent, never).then((next) => {
        order.push(name);
        release = next;
      });
    const all = [wait('a', 'a1'), wait('a', 'a2'), wait('a', 'a3'), wait('b', 'b1'), wait('c', 'c1'), wait('b', 'b2')];
    for (let i = 0; i < all.length; i += 1) {
      release();
      await settled();
    }
    await Promise.all(all);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    release();
    expect(turns.counts()).toEqual({ running: 0, waiting: 0 });
  });

  it('never exceed the bound, lose nobody, and keep everybody within one round of the others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
        async (concurrent, callers) => {
          const turns = createTurns({ concurrent, waiting: 100 });
          const held: (() => void)[] = [];
          const served: string[] = [];
          const told = new Map<number, number>();
          const all = callers.map((caller, index) =>
            turns
              .take(caller, (message) => told.set(index, Number(/: (\d+) of/.exec(message)?.[1])), never)
              .then((release) => {
                served.push(caller);
                held.push(release);
              }),
          );
          await settled();
          const waiting = callers.slice(concurrent);
          for (let guard = 0; held.length > 0 && guard < 200; guard += 1) {
            expect(turns.counts().running).toBeLessThanOrEqual(concurrent);
            held.shift()?.();
            await settled();
          }
          await Promise.all(all);
          expect(served.toSorted()).toEqual(callers.toSorted());
          // While two callers both wait, neither is served twice more often than the other, give or take one.
          const late = served.slice(Math.min(concurrent, callers.length));
          const left = new Map(['a', 'b', 'c'].map((name) => [name, waiting.filter((one) => one === name).length]));
          const got = new Map<string, number>();
          for (const name of late) {
            for (const [other, rest] of left)
              if (rest > 0 && other !== name) expect((got.get(name) ?? 0) - (got.get(other) ?? 0)).toBeLessThanOrEqual(1);
            got.set(name, (got.get(name) ?? 0) + 1);
            left.set(name, (left.get(name) ?? 0) - 1);
          }
          expect(turns.counts()).toEqual({ running: 0, waiting: 0 });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('tell the place in the queue', async () => {
    const turns = createTurns({ concurrent: 1, waiting: 10 });
    await turns.take('x', silent, never);
    const told: string[] = [];
    const stop = new AbortController();
    const all = ['a', 'a', 'b'].map((caller) => turns.take(caller, (message) => told.push(message), stop.signal));
    expect(told.map((message) => /turn: (\d) of (\d), about [\d.]+ s/.exec(message)?.slice(1).join('/'))).toEqual(['1/1', '2/2', '2/3']);
    stop.abort();
    await Promise.allSettled(all);
  });

  it('a caller who fills the queue gives way to one who has fewer', async () => {
    const turns = createTurns({ concurrent: 1, waiting: 3 });
    await turns.take('x', silent, never);
    const greedy = Array.from({ length: 3 }, () => turns.take('greedy', silent, never));
    const outcome = Promise.allSettled(greedy);
    await expect(turns.take('greedy', silent, never)).rejects.toMatchObject({
      code: 'limit_exceeded',
      details: { limit: 'concurrency', retry_after_ms: expect.any(Number) },
    });
    const modest = turns.take('modest', silent, never);
    await settled();
    expect(turns.counts()).toEqual({ running: 1, waiting: 3 });
    await expect(greedy[2]).rejects.toMatchObject({ code: 'limit_exceeded' });
    expect(
      await Promise.race([
        modest.then(
          () => 'granted',
          () => 'refused',
        ),
        settled().then(() => 'waits'),
      ]),
    ).toBe('waits');
    void outcome;
  });

  it('are given up with the call', async () => {
    const turns = createTurns({ concurrent: 1, waiting: 10 });
    const release = await turns.take('x', silent, never);
    const stop = new AbortController();
    const waiting = turns.take('a', silent, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    release();
    release();
    expect(turns.counts()).toEqual({ running: 0, waiting: 0 });
    await expect(turns.take('a', silent, AbortSignal.abort())).resolves.toBeTypeOf('function');
  });
});

describe('breaker', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const failure = (code: ErrorCode): CorralError => new CorralError(code, `it was ${code}`);
  const call = async (breaker: ReturnType<typeof createBreaker>, error: CorralError | undefined): Promise<void> => {
    breaker.enter()(error);
    await settled();
  };

  it('opens after failures of the machinery in a row, and says when to come back', async () => {
    const breaker = createBreaker({ threshold: 3, openMs: 10_000 });
    for (const code of ['unavailable', 'internal', 'lost'] as const) await call(breaker, failure(code));
    vi.advanceTimersByTime(4000);
    expect(() => breaker.enter()).toThrow(
      expect.objectContaining({
        code: 'unavailable',
        message: expect.stringContaining('it was lost'),
        details: { retry_after_ms: 6000, limit: 'breaker' },
      }) as Error,
    );
  });

  it.each([
    'invalid_input',
    'denied',
    'approval_required',
    'not_found',
    'conflict',
    'unsupported',
    'failed_to_start',
    'limit_exceeded',
    'cancelled',
  ] as const)('does not count %s', async (code) => {
    const breaker = createBreaker({ threshold: 2, openMs: 10_000 });
    for (let i = 0; i < 10; i += 1) await call(breaker, failure(code));
    expect(() => breaker.enter()(undefined)).not.toThrow();
  });

  it('counts anew after a success', async () => {
    const breaker = createBreaker({ threshold: 2, openMs: 10_000 });
    for (let i = 0; i < 5; i += 1) {
      await call(breaker, failure('internal'));
      await call(breaker, undefined);
    }
    expect(() => breaker.enter()(undefined)).not.toThrow();
  });

  it('lets one try after the pause, refuses the others meanwhile, and closes when it went well', async () => {
    const breaker = createBreaker({ threshold: 1, openMs: 10_000 });
    await call(breaker, failure('internal'));
    vi.advanceTimersByTime(10_001);
    const end = breaker.enter();
    expect(() => breaker.enter()).toThrow(
      expect.objectContaining({ code: 'unavailable', details: { retry_after_ms: 5000, limit: 'breaker' } }) as Error,
    );
    end(undefined);
    await settled();
    expect(() => breaker.enter()(undefined)).not.toThrow();
  });

  it.each(['internal', 'cancelled'] as const)('pauses again when the trial ends as %s', async (code) => {
    const breaker = createBreaker({ threshold: 1, openMs: 10_000 });
    await call(breaker, failure('internal'));
    vi.advanceTimersByTime(10_001);
    await call(breaker, failure(code));
    expect(() => breaker.enter()).toThrow(expect.objectContaining({ details: { retry_after_ms: 10_000, limit: 'breaker' } }) as Error);
  });

  it('does not wait for the program of the trial', async () => {
    const breaker = createBreaker({ threshold: 1, openMs: 10_000 });
    await call(breaker, failure('internal'));
    vi.advanceTimersByTime(10_001);
    breaker.enter();
    vi.advanceTimersByTime(5001);
    await settled();
    expect(() => breaker.enter()(undefined)).not.toThrow();
  });
});

describe('all together', () => {
  const context = (signal: AbortSignal = never): Call['context'] => ({
    caller: { id: 'a', via: 'mcp', scopes: [] },
    signal,
    progress: silent,
  });
  const callOf = (): Call => ({ id: 'c', operation: { name: 'x.y' } as Call['operation'], input: {}, context: context(), limited: true });

  it('a refusal by the breaker gives the turn back', async () => {
    const limits = createLimits({ maxConcurrent: 1, maxQueue: 4, breakerThreshold: 1, breakerSeconds: 60 } as Parameters<
      typeof createLimits
    >[0]);
    const first = await limits?.admit(callOf());
    first?.settle(new CorralError('internal', 'broken'));
    first?.[Symbol.dispose]();
    await settled();
    for (let i = 0; i < 10; i += 1) await expect(limits?.admit(callOf())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('costs little when nobody waits', async () => {
    const limits = createLimits({
      rateLimitRps: 1_000_000,
      rateLimitBurst: 1_000_000,
      rateLimitTotalRps: 1_000_000,
      rateLimitTotalBurst: 1_000_000,
      maxConcurrent: 8,
      maxQueue: 4,
      breakerThreshold: 5,
      breakerSeconds: 60,
    } as Parameters<typeof createLimits>[0]);
    const once = async (): Promise<void> => {
      using admission = await limits?.admit(callOf());
      admission?.settle(undefined);
    };
    for (let i = 0; i < 2000; i += 1) await once();
    const began = performance.now();
    for (let i = 0; i < 5000; i += 1) await once();
    // The goal is 20 us; the bound leaves room for a busy machine.
    expect(((performance.now() - began) / 5000) * 1000).toBeLessThan(100);
  });
});
