import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openConnection, ImpostorError } from '../../../../src/drivers/sandbox/supervisor/connection.ts';
import { FrameReader, FrameWriter, ProtocolViolation } from '../../../../src/drivers/sandbox/supervisor/frames.ts';
import { decodeExit } from '../../../../src/drivers/sandbox/supervisor/exit.ts';
import { EVENT, PROTOCOL_VERSION, REPLY, REQUEST } from '../../../../src/drivers/sandbox/supervisor/protocol.ts';
import { openSupervisedSandbox } from '../../../../src/drivers/sandbox/supervisor/sandbox.ts';
import type { SupervisedOptions } from '../../../../src/drivers/sandbox/supervisor/sandbox.ts';
import { createSecrets } from '../../../../src/drivers/sandbox/supervisor/secrets.ts';
import type { Secrets } from '../../../../src/drivers/sandbox/supervisor/secrets.ts';
import { serveFakeSupervisor } from '../../../support/fake-supervisor.ts';
import type { FakeOptions } from '../../../support/fake-supervisor.ts';
import { exitPayload } from '../../../support/exit-payload.ts';
import { aCommand, createListener, failure, temporaryState } from '../../../support/sandboxes.ts';
import type { SandboxExecution } from '../../../../src/ports/sandbox.ts';

let folder: string;
let secrets: Secrets;

beforeEach(async () => {
  const state = temporaryState();
  onTestFinished(() => state[Symbol.dispose]());
  folder = state.path;
  secrets = await createSecrets(folder);
});

const serve = async (options?: FakeOptions) => {
  const fake = await serveFakeSupervisor(folder, secrets, options);
  onTestFinished(() => fake[Symbol.asyncDispose]());
  return fake;
};

const exitFrame = (execution: string, kind = 1, version?: number): Buffer =>
  new FrameWriter()
    .head(EVENT.exit, 0)
    .bytes(exitPayload(execution, { kind }, version))
    .finish();

const listed = (to: FrameWriter, execution: string, ended: boolean): FrameWriter =>
  to
    .str(execution)
    .u8(ended ? 2 : 1)
    .u32(5)
    .u64(1)
    .u64(0)
    .u64(0)
    .str('')
    .str(ended ? exitPayload(execution) : '');

const open = async (journal: readonly SandboxExecution[] = [], abort?: AbortSignal, version = PROTOCOL_VERSION) => {
  const destroyed: number[] = [];
  const options: SupervisedOptions = {
    id: 's',
    version,
    driver: 'bubblewrap',
    handle: {},
    planRunner: '/supervisor',
    roots: ['/work'],
    limits: {},
    environment: {},
    connect: (events, signal) => openConnection({ folder, secrets, version, helloMs: 500, ...events }, signal),
    destroy: async (waitMs) => void destroyed.push(waitMs),
    journal: async () => journal,
  };
  const sandbox = await openSupervisedSandbox(options, abort);
  onTestFinished(() => sandbox[Symbol.asyncDispose]());
  return { sandbox, destroyed, listener: createListener(sandbox) };
};

describe('connecting', () => {
  const connect = () =>
    openConnection({ folder, secrets, version: PROTOCOL_VERSION, helloMs: 300, onEvent: () => {}, onDisconnect: () => {} });

  test('refuses one that answers with another secret', async () => {
    await serve({ secret: new Uint8Array(32) });
    await expect(connect()).rejects.toBeInstanceOf(ImpostorError);
  });
  test('refuses another version', async () => {
    await serve({ version: PROTOCOL_VERSION + 1 });
    await expect(connect()).rejects.toBeInstanceOf(ProtocolViolation);
  });
  test('does not wait for ever', async () => {
    await serve({ silent: true });
    await expect(connect()).rejects.toMatchObject({ code: 'unavailable' });
  });
  test('tells when it is turned away', async () => {
    await serve({ rude: true });
    await expect(connect()).rejects.toThrow('the supervisor closed it');
  });
  test('tells when nobody is there', async () => {
    await expect(connect()).rejects.toMatchObject({ code: 'ENOENT' });
  });
  test('can be cancelled', async () => {
    await serve({ silent: true });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    const slow = openConnection(
      { folder, secrets, version: PROTOCOL_VERSION, helloMs: 8000, onEvent: () => {}, onDisconnect: () => {} },
      abort.signal,
    );
    await expect(slow).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a supervisor that breaks the protocol is ended', () => {
  const bad: readonly [string, () => Uint8Array][] = [
    ['a reply to nothing', () => new FrameWriter().head(REPLY.ok, 4242).finish()],
    ['an event of unknown type', () => new FrameWriter().head(0xcf, 0).finish()],
    ['a frame of 4 GiB', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ['a string that passes the end', () => new FrameWriter().head(EVENT.output, 0).u32(1000).u8(65).finish()],
    ['bytes left over', () => new FrameWriter().head(EVENT.output, 0).str('e').u64(1).u64(1).u8(0).finish()],
    ['an execution id that is a path', () => exitFrame('../../etc')],
    ['an ending of unknown kind', () => exitFrame('e', 99)],
    ['a size beyond 2^53', () => new FrameWriter().head(EVENT.output, 0).str('e').u32(0).u32(0xffff_ffff).u64(1).finish()],
  ];
  test.each(bad)('%s', async (_what, bytes) => {
    const fake = await serve();
    const { sandbox, listener, destroyed } = await open();
    const peer = await fake.next();
    const pending = failure(sandbox.stats());
    await peer.next(REQUEST.stats);
    peer.send(bytes());
    expect((await pending).code).toBe('lost');
    expect(await listener.gone()).toContain('broke the protocol');
    expect(destroyed).toEqual([0]);
    expect(fake.peers).toHaveLength(1);
    expect((await failure(sandbox.stats())).code).toBe('lost');
  });

  test('a reply of another type', async () => {
    const fake = await serve();
    const { sandbox, listener } = await open();
    const peer = await fake.next();
    const pending = failure(sandbox.stats());
    const { id } = await peer.next(REQUEST.stats);
    peer.send(new FrameWriter().head(REPLY.ok, id).finish());
    expect((await pending).code).toBe('lost');
    await listener.gone();
  });

  test('a list of four thousand million executions', async () => {
    const fake = await serve();
    const { sandbox, listener } = await open();
    const peer = await fake.next();
    const pending = failure(sandbox.list());
    const { id } = await peer.next(REQUEST.list);
    peer.send(new FrameWriter().head(REPLY.list, id).u32(0xffff_ffff).finish());
    expect((await pending).code).toBe('lost');
    await listener.gone();
  });
});

describe('a connection that breaks while the supervisor lives', () => {
  test('is made anew; exits that were missed are told once, and requests wait for it', async () => {
    const fake = await serve();
    const { sandbox, listener, destroyed } = await open();
    const first = await fake.next();
    const ran = ['ended', 'runs'].map((execution) => sandbox.start(aCommand(['x'], '/work', { execution })));
    for (const _ of ran) {
      const { id } = await first.next(REQUEST.spawn);
      first.send(new FrameWriter().head(REPLY.spawn, id).u32(5).u64(1).finish());
    }
    await Promise.all(ran);
    const pending = failure(sandbox.stats());
    await first.next(REQUEST.stats);
    first.end();
    expect((await pending).code).toBe('lost');
    const waiting = sandbox.renew(1000);
    const second = await fake.next();
    const { id } = await second.next(REQUEST.list);
    const list = new FrameWriter().head(REPLY.list, id).u32(3);
    listed(listed(listed(list, 'ended', true), 'runs', false), 'stranger', true);
    second.send(list.finish());
    await listener.exit('ended');
    const renewed = await second.next(REQUEST.lease);
    second.send(new FrameWriter().head(REPLY.ok, renewed.id).finish());
    await waiting;
    expect([...listener.exits.keys()]).toEqual(['ended']);
    second.send(exitFrame('runs'));
    await listener.exit('runs');
    expect(listener.lost).toEqual([]);
    expect(destroyed).toEqual([]);
  });

  test('is made anew when the call that opened the sandbox was given up long ago', async () => {
    const fake = await serve();
    const opener = new AbortController();
    const { sandbox, listener, destroyed } = await open([], opener.signal);
    const first = await fake.next();
    opener.abort();
    first.end();
    const second = await fake.next();
    const { id } = await second.next(REQUEST.list);
    second.send(new FrameWriter().head(REPLY.list, id).u32(0).finish());
    const renewed = sandbox.renew(1000);
    const lease = await second.next(REQUEST.lease);
    second.send(new FrameWriter().head(REPLY.ok, lease.id).finish());
    await renewed;
    expect(destroyed).toEqual([]);
    expect(listener.lost).toEqual([]);
  });

  test('is made anew; an exit that another server acknowledged meanwhile is told from the journal', async () => {
    const fake = await serve();
    const exit = { execution: 'ended', outcome: { kind: 'exited', code: 4 } } as unknown as NonNullable<SandboxExecution['exit']>;
    const { sandbox, listener } = await open([
      { execution: 'ended', pid: 5, startedMs: 1, meta: '', stdoutBytes: 0, stderrBytes: 0, exit },
    ]);
    const first = await fake.next();
    const started = sandbox.start(aCommand(['x'], '/work', { execution: 'ended' }));
    const spawn = await first.next(REQUEST.spawn);
    first.send(new FrameWriter().head(REPLY.spawn, spawn.id).u32(5).u64(1).finish());
    await started;
    first.end();
    const second = await fake.next();
    const { id } = await second.next(REQUEST.list);
    second.send(new FrameWriter().head(REPLY.list, id).u32(0).finish());
    expect((await listener.exit('ended', 2000)).outcome.code).toBe(4);
    expect(listener.lost).toEqual([]);
  });

  test('is given up when nobody listens any more: the journal tells what is known, then it is lost', async () => {
    const fake = await serve();
    const exit = { execution: 'ended', outcome: { kind: 'exited', code: 4 } } as unknown as NonNullable<SandboxExecution['exit']>;
    const { sandbox, listener, destroyed } = await open([
      { execution: 'ended', pid: 5, startedMs: 1, meta: '', stdoutBytes: 0, stderrBytes: 0, exit },
    ]);
    const peer = await fake.next();
    const started = sandbox.start(aCommand(['x'], '/work', { execution: 'ended' }));
    const { id } = await peer.next(REQUEST.spawn);
    peer.send(new FrameWriter().head(REPLY.spawn, id).u32(5).u64(1).finish());
    await started;
    await fake[Symbol.asyncDispose]();
    await listener.gone();
    expect((await listener.exit('ended')).outcome.code).toBe(4);
    expect(destroyed).toEqual([0]);
    expect(listener.lost).toHaveLength(1);
  });
});

test('a reply and the exit behind it in one piece are both heard', async () => {
  const fake = await serve();
  const { sandbox, listener } = await open();
  const peer = await fake.next();
  const started = sandbox.start(aCommand(['x'], '/work', { execution: 'quick' }));
  const { id } = await peer.next(REQUEST.spawn);
  peer.send(Buffer.concat([new FrameWriter().head(REPLY.spawn, id).u32(5).u64(1).finish(), exitFrame('quick')]));
  expect(await started).toEqual({ pid: 5, startedMs: 1 });
  await listener.exit('quick');
});

test('a start that is cancelled while it happens is ended', async () => {
  const fake = await serve();
  const { sandbox } = await open();
  const peer = await fake.next();
  const abort = new AbortController();
  const started = failure(sandbox.start(aCommand(['x'], '/work', { execution: 'e' }), abort.signal));
  const { id } = await peer.next(REQUEST.spawn);
  abort.abort();
  peer.send(new FrameWriter().head(REPLY.spawn, id).u32(5).u64(1).finish());
  const kill = await peer.next(REQUEST.kill);
  peer.send(new FrameWriter().head(REPLY.kill, kill.id).u32(1).u32(0).finish());
  expect((await started).code).toBe('cancelled');
});

test('what cannot be sent is refused before it is sent', async () => {
  await serve();
  const { sandbox } = await open();
  const refused = (change: object) => failure(sandbox.start(aCommand(['x'], '/work', change))).then(({ code }) => code);
  expect(await refused({ execution: '../x' })).toBe('invalid_input');
  expect(await refused({ steps: [] })).toBe('invalid_input');
  expect(await refused({ steps: [['a\0b']] })).toBe('invalid_input');
  expect(await refused({ env: { 'A=B': 'x' } })).toBe('invalid_input');
  expect(await refused({ env: { A: 'x\0' } })).toBe('invalid_input');
  expect(await refused({ meta: 'x'.repeat(20_000) })).toBe('invalid_input');
  expect(await refused({ stdin: new Uint8Array(5_000_000) })).toBe('limit_exceeded');
  expect((await failure(sandbox.waitPort(70_000, 1))).code).toBe('invalid_input');
});

describe('what an execution does', () => {
  const activity = (to: FrameWriter, state: number, port = 8080): FrameWriter => {
    to.u8(state);
    if (state === 1) to.u32(7).u8(2).u8(1).u32(150).str('pass\u001b[2Jwd');
    to.u8(3);
    for (let value = 1; value <= 8; value += 1) to.u64(value);
    return to.u32(9).u32(10).u16(1).u16(port);
  };
  const ask = async (state: number) => {
    const fake = await serve();
    const { sandbox } = await open();
    const peer = await fake.next();
    const asked = sandbox.inspect('e');
    asked.catch(() => {});
    const { id } = await peer.next(REQUEST.inspect);
    peer.send(activity(new FrameWriter().head(REPLY.inspect, id), state).finish());
    return asked;
  };

  test('is told with every figure in its place, and names are no control characters', async () => {
    expect(await ask(1)).toEqual({
      inputWait: { pid: 7, program: 'pass [2Jwd', on: 'terminal', hidden: true, forMs: 150 },
      metrics: {
        source: 'proc',
        userUs: 1,
        systemUs: 2,
        rssBytes: 3,
        peakRssBytes: 4,
        readBytes: 5,
        writtenBytes: 6,
        voluntarySwitches: 7,
        involuntarySwitches: 8,
        processes: 9,
        peakProcesses: 10,
        ports: [8080],
      },
    });
  });

  test('does not claim to know what the kernel does not tell', async () => {
    const { metrics: _figures, ...told } = await ask(2);
    expect(told).toEqual({ inputUnknown: true });
  });

  test('that makes no sense ends the connection', async () => {
    await expect(ask(9)).rejects.toMatchObject({ code: 'lost' });
  });

  test('is told to the listener as it changes', async () => {
    const fake = await serve();
    const { listener } = await open();
    const peer = await fake.next();
    peer.send(new FrameWriter().head(EVENT.inputWait, 0).str('e').u8(1).u32(7).u8(1).u8(0).u32(100).str('cat').finish());
    peer.send(new FrameWriter().head(EVENT.inputWait, 0).str('e').u8(0).finish());
    await listener.input('e', (wait) => wait === undefined);
    expect(listener.inputs).toEqual([
      { execution: 'e', wait: { pid: 7, program: 'cat', on: 'pipe', hidden: false, forMs: 100 } },
      { execution: 'e', wait: undefined },
    ]);
  });
});

describe('a sandbox from before an upgrade', () => {
  test('is greeted and heard in its own version', async () => {
    const fake = await serve({ version: 1 });
    const { sandbox, listener } = await open([], undefined, 1);
    const peer = await fake.next();
    peer.send(exitFrame('e', 1, 1));
    expect((await listener.exit('e')).usage).toEqual({ userUs: 0, systemUs: 0, maxRssBytes: 0 });
    expect(await failure(sandbox.inspect('e'))).toMatchObject({ code: 'unsupported', hint: expect.stringContaining('new sandbox') });
    expect((await failure(sandbox.waitFile('/work/x', 10))).code).toBe('unsupported');
    expect(peer.isClosed()).toBe(false);
  });
});

test('a list that was too full for streams without files is completed from the journal', async () => {
  const exitOf = (text: string, outBytes: number): Buffer =>
    exitPayload('e', { numbers: [0, 0, 0, 0, 0, outBytes, 0, 0, 0], flags: 3, out: Buffer.from(text) });
  const whole = decodeExit(new FrameReader(exitOf('kept', 4), 0, exitOf('kept', 4).length, true));
  const fake = await serve();
  const { sandbox } = await open([{ execution: 'e', pid: 5, startedMs: 1, meta: '', stdoutBytes: 4, stderrBytes: 0, exit: whole }]);
  const peer = await fake.next();
  const asked = sandbox.list();
  const { id } = await peer.next(REQUEST.list);
  peer.send(new FrameWriter().head(REPLY.list, id).u32(1).str('e').u8(2).u32(5).u64(1).u64(4).u64(0).str('').str(exitOf('', 4)).finish());
  const [found] = await asked;
  expect(found?.exit).toMatchObject({ unfiled: true, stdout: { bytes: 4 } });
  expect(Buffer.from(found?.exit?.inline?.stdout ?? []).toString()).toBe('kept');
  expect(() => decodeExit(new FrameReader(exitOf('', 16_385), 0, exitOf('', 16_385).length, true))).toThrow(ProtocolViolation);
});

describe('a write of several pieces', () => {
  const begin = async () => {
    const fake = await serve();
    const { sandbox } = await open();
    const peer = await fake.next();
    const abort = new AbortController();
    const written = failure(sandbox.files.write('/work/big', new Uint8Array(3_000_000), {}, abort.signal));
    const answer = async (request: number, reply: number, fill: (to: FrameWriter) => FrameWriter) => {
      const { id, payload } = await peer.next(request);
      peer.send(fill(new FrameWriter().head(reply, id)).finish());
      return payload;
    };
    await answer(REQUEST.fsStat, REPLY.error, (to) => to.u16(12).i32(2).str(''));
    const temporary = (await answer(REQUEST.fsWrite, REPLY.fsWrite, (to) => to.u64(1_048_576))).subarray(4, 64).toString().split('.tmp')[0];
    return { peer, answer, abort, written, temporary };
  };

  test('goes to a neighbour, which is removed when the call is cancelled', async () => {
    const { answer, abort, written, temporary } = await begin();
    abort.abort();
    const removed = await answer(REQUEST.fsRemove, REPLY.fsRemove, (to) => to.u32(1));
    expect(temporary).toMatch(/^\/work\/\.corral-/);
    expect(removed.toString()).toContain(temporary);
    expect((await written).code).toBe('cancelled');
  });

  test('tells the first failure, even when the neighbour cannot be removed', async () => {
    const { answer, written } = await begin();
    await answer(REQUEST.fsWrite, REPLY.error, (to) => to.u16(19).i32(28).str(''));
    await answer(REQUEST.fsRemove, REPLY.error, (to) => to.u16(15).i32(5).str(''));
    expect((await written).code).toBe('limit_exceeded');
  });
});
