import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Until } from '../../../src/core/executions/until.ts';
import type { WaitState } from '../../../src/core/executions/wait-cursor.ts';
import { waitForExecutions, type WaitResult } from '../../../src/core/executions/waiting.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import type { Sandbox } from '../../../src/ports/sandbox.ts';
import { aRequest, type House, never, openHouse } from '../../support/house.ts';

const START: WaitState = { scanned: { stdout: 0, stderr: 0 } };
const text = (value: string): Uint8Array => Buffer.from(value);

let house: House;
const calls: string[] = [];
/** Says what the sandbox was asked. */
const counting = (sandbox: Sandbox): Sandbox => ({
  ...sandbox,
  waitPort: (...args) => (calls.push('waitPort'), sandbox.waitPort(...args)),
  waitFile: (...args) => (calls.push('waitFile'), sandbox.waitFile(...args)),
});
beforeEach(async () => {
  calls.length = 0;
  house = await openHouse({ change: counting });
});
afterEach(() => house[Symbol.asyncDispose]());

const start = async (argv: readonly string[], open = false): Promise<string> =>
  (await house.executions.run(aRequest(argv, { keepStdinOpen: open }), 0, never())).record.id;

interface Options {
  readonly all?: boolean;
  readonly waitMs?: number;
  readonly from?: readonly WaitState[];
  readonly tell?: (message: string) => void;
}

const wait = (
  executions: readonly string[],
  until: Until | readonly Until[],
  { all = false, waitMs = 5_000, from = [], tell }: Options = {},
): Promise<WaitResult> =>
  waitForExecutions(
    house.waits,
    house.executions,
    {
      targets: executions.map((execution, index) => ({
        execution,
        until: Array.isArray(until) ? (until[index] as Until) : (until as Until),
        from: from[index] ?? START,
      })),
      all,
      waitMs,
      tell,
      describe: async (met, ms) => `${met} after ${Math.round(ms / 1000)} s`,
    },
    never(),
  );

const conditions = ({ met }: WaitResult): readonly string[] => met.map(({ condition }) => condition);

describe('what a wait ends with', () => {
  it('a line, which is found once: the next wait looks behind it', async () => {
    const id = await start(['cat'], true);
    await house.executions.write(id, text('ready one\nready two\n'), false);
    const first = await wait([id], { output: 'ready' });
    expect(first.met).toEqual([{ execution: id, condition: 'output', line: 'ready one' }]);
    const second = await wait([id], { output: 'ready' }, { from: first.states });
    expect(second.met).toMatchObject([{ line: 'ready two' }]);
    const third = await wait([id], { output: 'ready' }, { from: second.states, waitMs: 100 });
    expect(third.met).toEqual([]);
    await house.executions.write(id, text('ready three\n'), false);
    expect((await wait([id], { output: 'ready' }, { from: third.states })).met).toMatchObject([{ line: 'ready three' }]);
  });

  it('so many bytes, at once where they are there already', async () => {
    const id = await start(['cat'], true);
    await house.executions.write(id, text('12345'), false);
    expect(conditions(await wait([id], { bytes: 5 }))).toEqual(['bytes']);
    expect(conditions(await wait([id], { bytes: 6 }, { waitMs: 100 }))).toEqual([]);
    const waiting = wait([id], { bytes: 6 });
    await house.executions.write(id, text('6'), false);
    expect(conditions(await waiting)).toEqual(['bytes']);
  });

  it('a file, by its path or from the working directory', async () => {
    const id = await start(['sleep', '60000']);
    const { record } = await house.executions.look(id);
    const live = await house.sandboxes.get(record.sandbox);
    const waiting = Promise.all([wait([id], { file: '/tmp/made' }), wait([id], { file: 'here' })]);
    await live.sandbox.files.write('/tmp/made', text(''));
    await live.sandbox.files.write(`${record.cwd}/here`, text(''));
    expect((await waiting).map(({ met }) => met[0])).toMatchObject([
      { condition: 'file', file: '/tmp/made' },
      { condition: 'file', file: 'here' },
    ]);
  });

  it('silence, counted over several waits and begun anew by each output', async () => {
    const id = await start(['cat'], true);
    const first = await wait([id], { silenceSeconds: 0.5 }, { waitMs: 300 });
    expect(first.met).toEqual([]);
    const resumed = performance.now();
    expect(conditions(await wait([id], { silenceSeconds: 0.5 }, { from: first.states }))).toEqual(['silence']);
    expect(performance.now() - resumed).toBeLessThan(400);
    await house.executions.write(id, text('noise'), false);
    await vi.waitFor(async () => expect((await house.executions.look(id)).stdoutBytes).toBe(5));
    const again = performance.now();
    expect(conditions(await wait([id], { silenceSeconds: 0.5 }, { from: first.states }))).toEqual(['silence']);
    expect(performance.now() - again).toBeGreaterThan(450);
  });

  it('need of input: of a program that reads, not of one that sleeps, and not before it read what was sent', async () => {
    const [reads, sleeps] = [await start(['cat'], true), await start(['sleep', '60000'], true)];
    expect((await wait([reads, sleeps], { needsInput: true })).met).toEqual([{ execution: reads, condition: 'needs_input' }]);
    expect(conditions(await wait([sleeps], { needsInput: true }, { waitMs: 500 }))).toEqual([]);
    const sent = performance.now();
    await house.executions.write(reads, text('more\n'), false);
    expect(conditions(await wait([reads], { needsInput: true }))).toEqual(['needs_input']);
    expect(performance.now() - sent).toBeGreaterThanOrEqual(295);
  });

  it('the end, which every wait ends with, and what was printed last counts', async () => {
    const ended = await start(['echo', 'done: ok']);
    await vi.waitFor(async () => expect((await house.executions.look(ended)).record.status).toBe('finished'));
    expect(conditions(await wait([ended], { port: 1 }))).toEqual(['exit']);
    expect((await wait([ended], { output: 'ok' })).met).toMatchObject([{ condition: 'output', line: 'done: ok' }]);
    expect(conditions(await wait([ended], { bytes: 3 }))).toEqual(['bytes']);
    expect(conditions(await wait([ended], { screen: 'ok' }))).toEqual(['exit']);
  });

  it('a port that is open already, at once', async () => {
    const id = await start(['listen', '8080']);
    await wait([id], { port: 8080 });
    const asked = performance.now();
    expect(conditions(await wait([id], { port: 8080 }))).toEqual(['port']);
    expect(performance.now() - asked).toBeLessThan(200);
  });
});

describe('need of input', () => {
  it('that began before the last input does not count: the program may not have read it yet', async () => {
    const wait0 = { pid: 2, program: 'cat', on: 'terminal', hidden: false, forMs: 60_000 } as const;
    await using late = await openHouse({
      change: (sandbox) => ({ ...sandbox, inspect: async (id) => ({ ...(await sandbox.inspect(id)), inputWait: wait0 }) }),
    });
    const { record } = await late.executions.run(aRequest(['cat'], { keepStdinOpen: true }), 0, never());
    expect((await late.executions.look(record.id)).needsInput).toMatchObject({ program: 'cat' });
    const sent = performance.now();
    await late.executions.write(record.id, text('x\n'), false);
    const targets = [{ execution: record.id, until: { needsInput: true }, from: START }];
    const { met } = await waitForExecutions(late.waits, late.executions, { targets, all: false, waitMs: 5_000 }, never());
    expect(met).toMatchObject([{ condition: 'needs_input' }]);
    expect(performance.now() - sent).toBeGreaterThanOrEqual(295);
  });

  it('ends a start that asks for it, and only such a one', async () => {
    const request = aRequest(['cat'], { keepStdinOpen: true, untilInput: true });
    const look = await house.executions.run(request, 10_000, never());
    expect(look).toMatchObject({
      record: { status: 'running' },
      needsInput: { program: 'cat', hint: expect.stringContaining('end: true') },
    });
    const began = performance.now();
    await house.executions.run(aRequest(['cat'], { keepStdinOpen: true }), 700, never());
    expect(performance.now() - began).toBeGreaterThan(690);
  });

  it('is shown with the line that the program left unfinished, else with its last one', async () => {
    const id = await start(['cat'], true);
    await house.executions.write(id, text('Hello\n\u001b[1mYour name:\u001b[0m '), false);
    await wait([id], { needsInput: true });
    expect((await house.executions.look(id)).needsInput?.prompt).toBe('Your name:');
    await house.executions.write(id, text(`\n${'long '.repeat(100)}question\n`), false);
    await wait([id], { needsInput: true });
    const prompt = (await house.executions.look(id)).needsInput?.prompt ?? '';
    expect(prompt).toMatch(/^….*question$/);
    expect(prompt.length).toBeLessThanOrEqual(201);
    expect((await house.executions.glance(id))?.needsInput?.prompt).toBe(prompt);
  });

  it('that cannot be seen keeps no answer back', async () => {
    await using blind = await openHouse({ change: (sandbox) => ({ ...sandbox, inspect: () => Promise.reject(new Error('no /proc')) }) });
    const { record } = await blind.executions.run(aRequest(['cat'], { keepStdinOpen: true, untilInput: true }), 500, never());
    expect((await blind.executions.look(record.id)).record.status).toBe('running');
    expect(blind.complaints.join()).toContain('no /proc');
  });
});

describe('many executions', () => {
  it('the first, or all, each with its own condition; who has met it once has, also for the next call', async () => {
    const [talks, listens, sleeps] = [await start(['echo', 'ready']), await start(['listen', '8081']), await start(['cat'], true)];
    const all = [talks, listens, sleeps];
    const untils = [{ output: 'ready' }, { port: 8081 }, { output: 'go' }];
    const first = await wait(all, untils, { all: true, waitMs: 700 });
    expect(new Set(first.met.map(({ execution }) => execution))).toEqual(new Set([talks, listens]));
    await house.executions.terminate(listens, { graceMs: 0 });
    await house.executions.write(sleeps, text('go\n'), false);
    const second = await wait(all, untils, { all: true, from: first.states });
    expect(new Map(second.met.map(({ execution, condition }) => [execution, condition]))).toEqual(
      new Map([
        [talks, 'output'],
        [listens, 'port'],
        [sleeps, 'output'],
      ]),
    );
  });

  it('names the ones that do not exist', async () => {
    const id = await start(['sleep', '60000']);
    await expect(wait([id, 'xnone', 'xnever'], {})).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('"xnone", "xnever"'),
    });
    await expect(wait(['xnone'], {})).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('"xnone"') });
  });

  it('tells whoever listens about once a second how many have met their condition', async () => {
    const ids = [await start(['cat'], true), await start(['cat'], true)];
    const told: string[] = [];
    const waiting = wait(ids, {}, { all: true, tell: (message) => void told.push(message) });
    await vi.waitFor(() => expect(told).toEqual(['0 after 1 s']), 3_000);
    await house.executions.write(ids[0] ?? '', text(''), true);
    await vi.waitFor(() => expect(told.at(-1)).toBe('1 after 2 s'), 3_000);
    await house.executions.write(ids[1] ?? '', text(''), true);
    await waiting;
    const count = told.length;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(told).toHaveLength(count);
  });
});

describe('a hundred waits on one execution', () => {
  it('ask the sandbox once, and cost little', async () => {
    const id = await start(['cat'], true);
    const started = performance.now();
    const hundred = (until: Until) => Array.from({ length: 100 }, () => wait([id], until));
    const waits = [...hundred({ port: 9 }), ...hundred({ file: '/tmp/x' }), ...hundred({ output: 'go' }), ...hundred({ needsInput: true })];
    await Promise.all(waits.slice(300));
    await house.executions.write(id, text('go\n'), false);
    await Promise.all(waits.slice(200, 300));
    expect(calls.toSorted()).toEqual(['waitFile', 'waitPort']);
    const cpu = process.cpuUsage();
    await house.executions.write(id, text(''), true);
    const ended = await Promise.all(waits.slice(0, 200));
    expect(ended.every(({ met }) => met[0]?.condition === 'exit')).toBe(true);
    expect(process.cpuUsage(cpu).user).toBeLessThan(2_000_000);
    expect(performance.now() - started).toBeLessThan(10_000);
    const one = await house.executions.follow(id);
    expect(one).toBeUndefined();
  });

  it('leave nothing behind when their time is up', async () => {
    const id = await start(['cat'], true);
    await Promise.all(
      Array.from({ length: 100 }, () => wait([id], { port: 9, output: 'never', silenceSeconds: 60, needsInput: false }, { waitMs: 100 })),
    );
    const one = await house.executions.follow(id);
    await vi.waitFor(() => expect([one?.listeners.size, one?.watchers]).toEqual([0, 0]));
  });
});

describe('a pattern that cannot be used', () => {
  it('fails its own wait in bounded time, says why, and holds up no other', async () => {
    const id = await start(['cat'], true);
    await house.executions.write(id, text(`${'a'.repeat(40)}b\n`), false);
    const stuck = wait([id], { output: '^(a+)+$' });
    const refused = expect(stuck).rejects.toMatchObject({ code: 'invalid_input', hint: expect.stringContaining('nested repetitions') });
    const started = performance.now();
    expect(conditions(await wait([id], { output: 'aab' }))).toEqual(['output']);
    await refused;
    expect(performance.now() - started).toBeLessThan(4_000);
    await expect(wait([id], { output: '(' })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('a file outside the sandbox fails it too', async () => {
    await house[Symbol.asyncDispose]();
    house = await openHouse({
      change: (sandbox) => ({ ...sandbox, waitFile: () => Promise.reject(new CorralError('denied', '"/etc/x" lies outside.')) }),
    });
    const id = await start(['sleep', '60000']);
    await expect(wait([id], { file: '/etc/x' })).rejects.toMatchObject({ code: 'denied' });
  });
});
