import { describe, expect, it } from 'vitest';
import { rpcFaultOf } from '../../../src/core/profiles/secure-exec/fault.ts';
import { createGate, type Gate, type GateOptions } from '../../../src/core/profiles/secure-exec/gate.ts';
import { CorralError, toCorralError } from '../../../src/ports/errors.ts';

const SIGNAL = new AbortController().signal;
const ROOMY: GateOptions = { rps: 1000, burst: 1000, maxConcurrent: 100, circuitThreshold: 3, circuitSeconds: 60 };

const gateOf = (changes: Partial<GateOptions>): Gate => createGate({ ...ROOMY, ...changes });

const refusal = async (gate: Gate, caller = 'ann'): Promise<{ code: number; message: string } | 'entered'> => {
  try {
    (await gate.enter(caller, SIGNAL))[Symbol.dispose]();
    return 'entered';
  } catch (error) {
    return rpcFaultOf(toCorralError(error));
  }
};

const call = async (gate: Gate, error: CorralError | undefined, caller = 'ann'): Promise<void> => {
  using pass = await gate.enter(caller, SIGNAL);
  pass.settle(error);
};

const RATE = { code: -32_603, message: 'Rate limit' };
const OVERLOADED = { code: -32_603, message: 'Server overloaded - too many concurrent requests' };
const OPEN = { code: -32_603, message: 'Service temporarily unavailable (circuit breaker open)' };
const BROKEN = new CorralError('unavailable', 'the machinery is broken');

describe('the rate', () => {
  it('lets a burst through, then refuses, and says when to come back', async () => {
    const gate = gateOf({ rps: 1, burst: 3 });
    for (let count = 0; count < 3; count += 1) expect(await refusal(gate)).toBe('entered');
    expect(await refusal(gate)).toEqual(RATE);
    const error = await gate.enter('ann', SIGNAL).catch((thrown: unknown) => toCorralError(thrown));
    expect((error as CorralError).details).toMatchObject({ retry_after_ms: expect.any(Number), event: 'rate_limit' });
  });

  it('is of each caller, and of all together', async () => {
    const gate = gateOf({ rps: 0.001, burst: 2 });
    for (const caller of ['ann', 'bob', 'cy', 'di']) {
      expect([await refusal(gate, caller), await refusal(gate, caller)]).toEqual(['entered', 'entered']);
      expect(await refusal(gate, caller)).toEqual(RATE);
    }
    expect(await refusal(gate, 'eve')).toEqual(RATE);
  });

  it('fills again', async () => {
    const gate = gateOf({ rps: 50, burst: 1 });
    expect([await refusal(gate), await refusal(gate)]).toEqual(['entered', RATE]);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await refusal(gate)).toBe('entered');
  });
});

describe('concurrency', () => {
  it('refuses whoever is one too many, however many come at once', async () => {
    const gate = gateOf({ maxConcurrent: 2 });
    const passes = await Promise.allSettled(Array.from({ length: 10 }, () => gate.enter('ann', SIGNAL)));
    const inside = passes.flatMap((pass) => (pass.status === 'fulfilled' ? [pass.value] : []));
    expect(inside).toHaveLength(2);
    expect(await refusal(gate)).toEqual(OVERLOADED);
    inside[0]?.[Symbol.dispose]();
    expect(await refusal(gate)).toBe('entered');
    inside[1]?.[Symbol.dispose]();
  });

  it('is given back by whoever the rate turns away', async () => {
    const gate = gateOf({ maxConcurrent: 1, rps: 20, burst: 1 });
    expect([await refusal(gate), await refusal(gate)]).toEqual(['entered', RATE]);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(await refusal(gate)).toBe('entered');
  });

  it('costs no token of the rate', async () => {
    const gate = gateOf({ maxConcurrent: 1, rps: 0.001, burst: 2 });
    const pass = await gate.enter('ann', SIGNAL);
    for (let count = 0; count < 5; count += 1) expect(await refusal(gate)).toEqual(OVERLOADED);
    pass[Symbol.dispose]();
    expect([await refusal(gate), await refusal(gate)]).toEqual(['entered', RATE]);
  });
});

describe('the breaker', () => {
  it('opens after as many failures of the machinery in a row', async () => {
    const gate = gateOf({});
    for (let count = 0; count < 3; count += 1) {
      expect(await refusal(gate)).toBe('entered');
      await call(gate, BROKEN);
    }
    expect(await refusal(gate)).toEqual(OPEN);
    expect(await refusal(gate, 'bob')).toEqual(OPEN);
  });

  it.each(['invalid_input', 'failed_to_start', 'cancelled', 'limit_exceeded', 'denied'] as const)('never counts %s', async (code) => {
    const gate = gateOf({ circuitThreshold: 1 });
    for (let count = 0; count < 20; count += 1) await call(gate, new CorralError(code, 'the caller did it'));
    expect(await refusal(gate)).toBe('entered');
  });

  it('counts none of those that it turns away itself, and forgets nothing over them', async () => {
    const slow = gateOf({ circuitThreshold: 1, rps: 0.001, burst: 1 });
    await call(slow, undefined);
    for (let count = 0; count < 5; count += 1) expect(await refusal(slow)).toEqual(RATE);
    const tight = gateOf({ circuitThreshold: 2, maxConcurrent: 1 });
    await call(tight, BROKEN);
    const pass = await tight.enter('ann', SIGNAL);
    expect(await refusal(tight)).toEqual(OVERLOADED);
    pass.settle(BROKEN);
    pass[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await refusal(tight)).toEqual(OPEN);
  });

  it('is asked first: it is told before that the rate or the room is used up', async () => {
    const gate = gateOf({ circuitThreshold: 1, rps: 0.001, burst: 1, maxConcurrent: 1 });
    await call(gate, BROKEN);
    expect(await refusal(gate)).toEqual(OPEN);
    const busy = gateOf({ rps: 0.001, burst: 1, maxConcurrent: 1 });
    const pass = await busy.enter('ann', SIGNAL);
    expect(await refusal(busy)).toEqual(OVERLOADED);
    pass[Symbol.dispose]();
    expect(await refusal(busy)).toEqual(RATE);
  });

  it('lets one call try when its time is over, and closes when that works', async () => {
    const gate = gateOf({ circuitThreshold: 1, circuitSeconds: 0.05 });
    await call(gate, BROKEN);
    expect(await refusal(gate)).toEqual(OPEN);
    await new Promise((resolve) => setTimeout(resolve, 80));
    const trial = await gate.enter('ann', SIGNAL);
    expect(await refusal(gate)).toEqual(OPEN);
    trial.settle(undefined);
    trial[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
    expect([await refusal(gate), await refusal(gate)]).toEqual(['entered', 'entered']);
  });
});

describe('what is refused elsewhere', () => {
  it.each([
    [
      new CorralError('internal', 'a secret detail'),
      -32_603,
      'Execution failed: Corral failed inside; its log on the server has the cause.',
    ],
    [new CorralError('unavailable', 'no sandbox'), -32_602, 'Execution failed: no sandbox'],
    [new CorralError('limit_exceeded', '256 calls are at work already.'), -32_603, 'Server overloaded - too many concurrent requests'],
    [new CorralError('limit_exceeded', 'slower', { details: { limit: 'rate' } }), -32_603, 'Rate limit'],
    [
      new CorralError('unavailable', 'pausing', { details: { limit: 'breaker' } }),
      -32_603,
      'Service temporarily unavailable (circuit breaker open)',
    ],
  ])('%s has its code', (error, code, message) => {
    expect(rpcFaultOf(error)).toEqual({ code, message });
  });
});
