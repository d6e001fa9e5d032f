import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Until } from '../../../src/core/executions/until.ts';
import type { WaitState } from '../../../src/core/executions/wait-cursor.ts';
import { waitForExecutions } from '../../../src/core/executions/waiting.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import type { Exit, Sandbox, SandboxEvents } from '../../../src/ports/sandbox.ts';
import { aRequest, type House, never, openHouse } from '../../support/house.ts';

const lost = (): CorralError => new CorralError('lost', 'The connection to the sandbox broke.');

const START: WaitState = { scanned: { stdout: 0, stderr: 0 } };

/** Waits for the same of each. */
const waitFor = async (house: House, executions: readonly string[], until: Until, all: boolean, waitMs: number) =>
  (
    await waitForExecutions(
      house.waits,
      house.executions,
      { targets: executions.map((execution) => ({ execution, until, from: START })), all, waitMs },
      never(),
    )
  ).met;

const running = (house: Awaited<ReturnType<typeof openHouse>>, argv: readonly string[] = ['sleep', '60000']) =>
  house.executions.run(aRequest(argv), 0, never());

test('acknowledgements wait for a store that cannot be written, and are made good', async () => {
  let full = true;
  const acknowledged: string[] = [];
  await using house = await openHouse({
    store: (store) => ({
      ...store,
      flush: () => (full ? Promise.reject(new CorralError('unavailable', 'The disk is full.')) : store.flush()),
    }),
    change: (sandbox) => ({ ...sandbox, acknowledge: (id) => (acknowledged.push(id), sandbox.acknowledge(id)) }),
  });
  const { record } = await house.executions.run(aRequest(['true']), 1000, never());
  await vi.waitFor(() => expect(house.complaints.length).toBeGreaterThan(0));
  expect(acknowledged).toEqual([]);
  full = false;
  await vi.waitFor(() => expect(acknowledged).toEqual([record.id]), 3000);
});

test('a start whose connection broke is no loss while the sandbox lives: the program is followed to its end', async () => {
  await using house = await openHouse({
    change: (sandbox) => ({
      ...sandbox,
      start: async (command, signal) => {
        await sandbox.start(command, signal);
        throw lost();
      },
    }),
  });
  const look = await house.executions.run(aRequest(['sleep', '50']), 5000, never());
  expect(look.record).toMatchObject({ status: 'finished', outcome: { kind: 'exited', code: 0 } });
});

test('an end that was told while the executions of an adopted sandbox were being listed is not missed', async () => {
  let events: SandboxEvents | undefined;
  await using owner = await openHouse({ dead: true });
  const { record } = await running(owner);
  await using heir = await openHouse({
    beside: owner,
    change: (sandbox) => ({
      ...sandbox,
      listen: (heard) => {
        events = heard;
        sandbox.listen(heard);
      },
      // The end follows right behind the list, as frames do that arrive together.
      list: async () => {
        const found = await sandbox.list();
        const [one] = found;
        if (one !== undefined && one.exit === undefined)
          events?.exit({
            execution: one.execution,
            outcome: { kind: 'exited', code: 7 },
            step: 0,
            startedMs: one.startedMs,
            durationMs: 1,
            usage: { userUs: 0, systemUs: 0, maxRssBytes: 0 },
            stdout: { bytes: 0, newlines: 0 },
            stderr: { bytes: 0, newlines: 0 },
            background: 0,
          });
        return found;
      },
    }),
  });
  await heir.sandboxes.adopt();
  const look = await vi.waitFor(async () => {
    const seen = await heir.executions.look(record.id);
    expect(seen.record.status).toBe('finished');
    return seen;
  });
  expect(look.record.outcome).toEqual({ kind: 'exited', code: 7 });
  expect(await heir.executions.follow(record.id)).toBeUndefined();
});

test('a sandbox that lists an execution of another one changes nothing of it', async () => {
  await using owner = await openHouse({ dead: true });
  const { record } = await running(owner);
  const other = await owner.sandboxes.create({});
  await using heir = await openHouse({
    beside: owner,
    change: (sandbox) =>
      sandbox.id !== other.record.id
        ? sandbox
        : { ...sandbox, list: async () => [{ execution: record.id, pid: 2, startedMs: 0, meta: '', stdoutBytes: 0, stderrBytes: 0 }] },
  });
  await heir.sandboxes.adopt();
  await vi.waitFor(() => expect(heir.complaints.join()).toContain('not its own'));
  const followed = await heir.executions.follow(record.id);
  expect(followed?.live.record.id).toBe(record.sandbox);
});

test('an end of an execution that is not recorded yet is left to its owner: nothing is acknowledged', async () => {
  const acknowledged: string[] = [];
  await using owner = await openHouse();
  await using other = await openHouse({
    beside: owner,
    change: (sandbox) => ({ ...sandbox, acknowledge: (id) => (acknowledged.push(id), sandbox.acknowledge(id)) }),
  });
  const { record } = await running(owner, ['sleep', '150']);
  await other.sandboxes.get(record.sandbox);
  await owner.store.deleteExecutions([record.id]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(acknowledged).toEqual([]);
});

test('waiting for several: one whose sandbox is gone has ended, and keeps the others from nothing', async () => {
  await using owner = await openHouse();
  const gone = await running(owner);
  await using asker = await openHouse({ beside: owner });
  const alive = await running(asker, ['sleep', '100']);
  owner.memory.kill(gone.record.sandbox);
  await owner.store.updateSandbox(gone.record.sandbox, { state: 'running' });
  const met = await waitFor(asker, [gone.record.id, alive.record.id], {}, true, 5000);
  expect(met).toHaveLength(2);
  expect((await asker.executions.look(gone.record.id)).record.outcome).toEqual({ kind: 'lost' });
});

test('waiting for a port survives a broken connection', async () => {
  let broken = 0;
  await using house = await openHouse({
    change: (sandbox) => ({
      ...sandbox,
      waitPort: (port, timeoutMs, signal) => ((broken += 1) === 1 ? Promise.reject(lost()) : sandbox.waitPort(port, timeoutMs, signal)),
    }),
  });
  const { record } = await running(house, ['listen', '8080']);
  const met = await waitFor(house, [record.id], { port: 8080 }, false, 2000);
  expect(met).toMatchObject([{ condition: 'port', port: 8080 }]);
});

test('an execution that ended before it could be watched ends the wait', async () => {
  await using house = await openHouse({
    change: (sandbox) => ({
      ...sandbox,
      watch: () => Promise.reject(new CorralError('not_found', 'The sandbox knows no such execution.')),
    }),
  });
  const { record } = await running(house, ['sleep', '50']);
  const met = await waitFor(house, [record.id], { silenceSeconds: 60 }, false, 5000);
  expect(met).toMatchObject([{ condition: 'exit' }]);
});

test('an ephemeral sandbox that is killed is no error of the server, and its execution is lost', async () => {
  await using house = await openHouse();
  const { record } = await house.executions.run(aRequest(['sleep', '60000'], { sandbox: 'ephemeral' }), 0, never());
  house.memory.kill(record.sandbox);
  const one = await vi.waitFor(async () => {
    const seen = await house.executions.look(record.id);
    expect(seen.record.status).toBe('finished');
    return seen;
  });
  expect(one.record.outcome).toEqual({ kind: 'lost' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(house.complaints.filter((line) => !line.startsWith('sandbox lost'))).toEqual([]);
});

test('background processes of an ephemeral sandbox end with it: none are told to run', async () => {
  await using house = await openHouse();
  const shared = await house.executions.run(aRequest(['background', '60000']), 1000, never());
  expect(shared.record.background).toBe(1);
  const ephemeral = await house.executions.run(aRequest(['background', '60000'], { sandbox: 'ephemeral' }), 1000, never());
  expect(ephemeral.record).toMatchObject({ status: 'finished', background: 0 });
});

test('a working directory may begin with the home of the sandbox', async () => {
  await using house = await openHouse();
  await expect(house.executions.run(aRequest(['pwd'], { cwd: '~nobody' }), 1000, never())).rejects.toMatchObject({
    code: 'failed_to_start',
  });
  await expect(house.executions.run(aRequest(['pwd'], { cwd: '~/../../etc' }), 1000, never())).rejects.toMatchObject({
    code: 'invalid_input',
  });
  await expect(house.executions.run(aRequest(['pwd'], { cwd: '~' }), 1000, never())).rejects.toMatchObject({
    message: expect.stringContaining('"/home/sandbox"'),
  });
});

test('the handle of a program that goes on is durable before it is given out', async () => {
  let flushed = 0;
  await using house = await openHouse({ store: (store) => ({ ...store, flush: async () => void (flushed += 1) }) });
  await running(house);
  expect(flushed).toBe(1);
});

/** Its small output has no files, as that of short programs in a supervised sandbox. */
const unfiled =
  (stateDir: () => string) =>
  (sandbox: Sandbox): Sandbox => ({
    ...sandbox,
    listen: (events) =>
      sandbox.listen({
        ...events,
        exit: (exit) => {
          for (const suffix of ['out', 'err', 'ord'])
            rmSync(join(stateDir(), 'sandboxes', sandbox.id, 'log', `${exit.execution}.${suffix}`), { force: true });
          events.exit({ ...exit, unfiled: true });
        },
      }),
  });

test('output without files is in the record before it is acknowledged, and is looked at long after', async () => {
  const order: string[] = [];
  let stateDir = '';
  await using house = await openHouse({
    store: (store) => ({
      ...store,
      finishExecution: (id, change, output) => {
        order.push(`output ${new TextDecoder().decode(output?.stdout)}`);
        store.finishExecution(id, change, output);
      },
      flush: async () => {
        await store.flush();
        order.push('flushed');
      },
    }),
    change: (sandbox) =>
      unfiled(() => stateDir)({ ...sandbox, acknowledge: (id) => (order.push('acknowledged'), sandbox.acknowledge(id)) }),
  });
  stateDir = house.config.stateDir;
  const { record } = await house.executions.run(aRequest(['echo', 'hi']), 1000, never());
  await vi.waitFor(() => expect(order).toContain('acknowledged'));
  expect([order[0], order.at(-2), order.at(-1)]).toEqual(['output hi\n', 'flushed', 'acknowledged']);
  await using later = await openHouse({ beside: house });
  expect(await later.executions.look(record.id)).toMatchObject({ exit: undefined, stdoutBytes: 3, stderrBytes: 0 });
  expect(new TextDecoder().decode((await house.store.executionOutput(record.id))?.stdout)).toBe('hi\n');
});

test('output without files of an execution whose server died is taken over with its end', async () => {
  await using owner = await openHouse({
    dead: true,
    change: (sandbox) => ({ ...sandbox, listen: () => undefined, acknowledge: () => undefined }),
  });
  const { record } = await running(owner, ['echo', 'kept']);
  const marked = (exit: Exit): Exit => ({ ...exit, unfiled: true });
  await using heir = await openHouse({
    beside: owner,
    change: (sandbox) => ({
      ...sandbox,
      listen: (events) => sandbox.listen({ ...events, exit: (exit) => events.exit(marked(exit)) }),
      list: async () => (await sandbox.list()).map((one) => (one.exit === undefined ? one : { ...one, exit: marked(one.exit) })),
    }),
  });
  await vi.waitFor(async () => {
    await heir.sandboxes.adopt();
    expect((await heir.store.execution(record.id))?.status).toBe('finished');
  });
  expect(new TextDecoder().decode((await heir.store.executionOutput(record.id))?.stdout)).toBe('kept\n');
});
