import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CorralError } from '../../src/ports/errors.ts';
import { describeApprovalsContract } from './approvals.ts';
import type { ExecutionRecord, SandboxRecord, ServerRecord, Store } from '../../src/ports/store.ts';

export const aServer = (id: string, startedMs = 1_000): ServerRecord => ({
  id,
  pid: 4242,
  startTicks: 987_654_321_012,
  startedMs,
  face: 'stdio',
});

export const aSandbox = (id: string, change: Partial<SandboxRecord> = {}): SandboxRecord => ({
  id,
  driver: 'memory',
  owner: 'v1',
  state: 'running',
  createdMs: 1_760_000_000_000,
  workdir: '/work',
  network: 'none',
  spec: '{"id":"s"}',
  handle: '{}',
  ...change,
});

export const anExecution = (id: string, change: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id,
  sandbox: 's1',
  status: 'running',
  steps: '[["sh","-c","echo \\u00e9"]]',
  title: "echo é 😀 'quoted'",
  cwd: '/work',
  labels: '{}',
  meta: '{"operation":"execution.run"}',
  caller: 'mcp',
  startedMs: 1_760_000_000_000,
  ...change,
});

const FINISH = {
  status: 'finished',
  outcome: { kind: 'exited', code: 3 },
  step: 0,
  durationMs: 12.5,
  usage: {
    userUs: 1,
    systemUs: 2,
    maxRssBytes: 3_000_000_000,
    readBytes: 4096,
    writtenBytes: 6_000_000_000,
    voluntarySwitches: 8,
    involuntarySwitches: 0,
    peakProcesses: 3,
  },
  stdout: { bytes: 5_000_000_000, newlines: 7 },
  stderr: { bytes: 1, newlines: 0 },
  background: 2,
  message: 'two processes live on',
  receipt: '{"changes":{"created":["\ufffd\u001b[2J"],"changed":[],"removed":[],"more":0,"complete":true}}',
} as const;

/** Names of a list, in its order. */
const ids = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id);

const failure = async (work: Promise<unknown>): Promise<CorralError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CorralError);
  return error as CorralError;
};

/** What every store promises: the meaning of `src/ports/store.ts`. */
export const describeStoreContract = (name: string, open: () => Promise<Store>): void => {
  describeApprovalsContract(name, open);
  describe(`store contract: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    test('servers are put, put again and removed', async () => {
      await store.putServer(aServer('v2', 2_000));
      await store.putServer(aServer('v1'));
      await store.putServer({ ...aServer('v2', 2_000), face: 'http 127.0.0.1:3344' });
      expect(await store.servers()).toEqual([aServer('v1'), { ...aServer('v2', 2_000), face: 'http 127.0.0.1:3344' }]);
      await store.removeServer('v1');
      await store.removeServer('never-was');
      expect(ids(await store.servers())).toEqual(['v2']);
    });

    test('a sandbox comes back as it went in, with and without its optional fields', async () => {
      const full = aSandbox('s2', { endedMs: 5, uid: 70_000, reason: 'lease ended', createdMs: 1, state: 'ended' });
      expect(await store.insertSandbox(aSandbox('s1'))).toEqual(aSandbox('s1'));
      await store.insertSandbox(full);
      expect(await store.sandbox('s1')).toEqual(aSandbox('s1'));
      expect(await store.sandbox('s2')).toEqual(full);
      expect(await store.sandbox('s3')).toBeUndefined();
    });

    test('a sandbox is recorded once', async () => {
      await store.insertSandbox(aSandbox('s1'));
      expect((await failure(store.insertSandbox(aSandbox('s1', { owner: 'v2' })))).code).toBe('conflict');
      expect((await store.sandbox('s1'))?.owner).toBe('v1');
    });

    test('sandboxes are listed newest first, by life and by owner', async () => {
      await store.insertSandbox(aSandbox('a', { createdMs: 1 }));
      await store.insertSandbox(aSandbox('b', { createdMs: 2, state: 'creating', owner: 'v2' }));
      await store.insertSandbox(aSandbox('c', { createdMs: 3, state: 'ending' }));
      await store.insertSandbox(aSandbox('d', { createdMs: 4, state: 'ended' }));
      await store.insertSandbox(aSandbox('e', { createdMs: 5, state: 'failed' }));
      expect(ids(await store.sandboxes())).toEqual(['e', 'd', 'c', 'b', 'a']);
      expect(ids(await store.sandboxes({ living: true }))).toEqual(['c', 'b', 'a']);
      expect(ids(await store.sandboxes({ living: false }))).toEqual(['e', 'd']);
      expect(ids(await store.sandboxes({ living: true, owner: 'v2' }))).toEqual(['b']);
    });

    test('ended sandboxes of which nothing is kept are forgotten, no others', async () => {
      await store.insertSandbox(aSandbox('old', { state: 'ended', endedMs: 10 }));
      await store.insertSandbox(aSandbox('failed', { state: 'failed', endedMs: 10 }));
      await store.insertSandbox(aSandbox('young', { state: 'ended', endedMs: 100 }));
      await store.insertSandbox(aSandbox('living', { endedMs: 10 }));
      await store.insertSandbox(aSandbox('s1', { state: 'ended', endedMs: 10 }));
      store.insertExecution(anExecution('x1'));
      expect([...(await store.deleteEmptySandboxes(50))].sort()).toEqual(['failed', 'old']);
      expect(ids(await store.sandboxes()).sort()).toEqual(['living', 's1', 'young']);
    });

    test('the list of blocked commands says what changed, and is by name', async () => {
      expect(await store.blockCommand({ name: 'rm', by: 'a', sinceMs: 1 })).toBe(true);
      expect(await store.blockCommand({ name: 'dd', by: 'b', sinceMs: 2 })).toBe(true);
      expect(await store.blockCommand({ name: 'rm', by: 'c', sinceMs: 3 })).toBe(false);
      expect(await store.blockedCommands()).toEqual([
        { name: 'dd', by: 'b', sinceMs: 2 },
        { name: 'rm', by: 'a', sinceMs: 1 },
      ]);
      expect(await store.unblockCommand('rm')).toBe(true);
      expect(await store.unblockCommand('rm')).toBe(false);
      expect(await store.unblockCommand('constructor')).toBe(false);
      expect(await store.blockedCommands()).toHaveLength(1);
    });

    test('a change touches what it names and nothing else', async () => {
      await store.insertSandbox(aSandbox('s1', { reason: 'kept' }));
      await store.updateSandbox('s1', { state: 'ended', endedMs: 9, handle: undefined as never });
      expect(await store.sandbox('s1')).toEqual(aSandbox('s1', { reason: 'kept', state: 'ended', endedMs: 9 }));
      await store.updateSandbox('s1', {});
      expect((await failure(store.updateSandbox('s9', { state: 'ended' }))).code).toBe('not_found');
    });

    test('of several servers that adopt one sandbox, one succeeds', async () => {
      await store.insertSandbox(aSandbox('s1', { owner: 'dead' }));
      const tries = await Promise.allSettled(['v1', 'v2', 'v3', 'v4'].map((owner) => store.updateSandbox('s1', { owner }, 'dead')));
      const won = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [`v${index + 1}`] : []));
      expect(won).toHaveLength(1);
      expect((await store.sandbox('s1'))?.owner).toBe(won[0]);
      for (const one of tries) if (one.status === 'rejected') expect((one.reason as CorralError).code).toBe('conflict');
    });

    test('uids are unique among the living, rest before they are used again, and run out with a clear word', async () => {
      const range = { first: 70_000, count: 3 };
      const insert = async (id: string, createdMs: number) => (await store.insertSandbox(aSandbox(id, { createdMs }), range)).uid;
      expect([await insert('a', 1), await insert('b', 2)]).toEqual([70_000, 70_001]);
      await store.updateSandbox('a', { state: 'ended' });
      expect(await insert('c', 3)).toBe(70_002);
      expect(await insert('d', 4)).toBe(70_000);
      expect((await failure(insert('e', 5))).code).toBe('limit_exceeded');
      expect(await store.sandbox('e')).toBeUndefined();
      expect((await store.sandbox('d'))?.uid).toBe(70_000);
      expect((await failure(store.insertSandbox(aSandbox('f', { uid: 70_001 })))).code).toBe('conflict');
    });

    test('uids asked for at once all differ', async () => {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.insertSandbox(aSandbox(`s${index}`, { createdMs: index }), { first: 100, count: 20 }),
        ),
      );
      expect(new Set(made.map(({ uid }) => uid)).size).toBe(20);
    });

    test('an execution is seen at once, before and after it is written', async () => {
      store.insertExecution(anExecution('x1'));
      expect(await store.execution('x1')).toEqual(anExecution('x1'));
      await store.flush();
      expect(await store.execution('x1')).toEqual(anExecution('x1'));
      store.finishExecution('x1', FINISH);
      expect(await store.execution('x1')).toEqual(anExecution('x1', FINISH));
      await store.flush();
      expect(await store.execution('x1')).toEqual(anExecution('x1', FINISH));
      expect(await store.execution('x2')).toBeUndefined();
    });

    test('begun and ended between two writes', async () => {
      store.insertExecution(anExecution('x1'));
      store.finishExecution('x1', { pid: 77 });
      store.finishExecution('x1', FINISH);
      await store.flush();
      expect(await store.execution('x1')).toEqual(anExecution('x1', { pid: 77, ...FINISH }));
    });

    test('an outcome is replaced as a whole', async () => {
      store.insertExecution(anExecution('x1'));
      await store.flush();
      store.finishExecution('x1', FINISH);
      await store.flush();
      store.finishExecution('x1', { outcome: { kind: 'signalled', signal: 'SIGKILL' }, stdout: { bytes: 9, newlines: 1 } });
      await store.flush();
      const found = await store.execution('x1');
      expect(found?.outcome).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
      expect(found?.stdout).toEqual({ bytes: 9, newlines: 1 });
      expect(found?.stderr).toEqual(FINISH.stderr);
    });

    test('what no database keeps is replaced visibly, the same before and after it is written', async () => {
      store.insertExecution(anExecution('x1', { title: 'a\0b\ud800c😀' }));
      store.finishExecution('x1', { message: '\0' });
      for (const settle of [async () => undefined, () => store.flush()]) {
        await settle();
        expect(await store.execution('x1')).toMatchObject({ title: 'a\ufffdb\ufffdc😀', message: '\ufffd' });
      }
    });

    test('the first record of an id stays', async () => {
      store.insertExecution(anExecution('x1'));
      await store.flush();
      store.insertExecution(anExecution('x1', { title: 'an impostor' }));
      await store.flush();
      expect((await store.execution('x1'))?.title).toBe(anExecution('x1').title);
    });

    describe.each([
      ['written', async () => await store.flush()],
      ['still queued', async () => undefined],
    ])('lists of executions that are %s', (_, settle) => {
      beforeEach(async () => {
        store.insertExecution(anExecution('xa', { startedMs: 10, labels: '{"job":"build","n":"1"}' }));
        store.insertExecution(anExecution('xb', { startedMs: 20, labels: '{"job":"build"}', sandbox: 's2' }));
        store.insertExecution(anExecution('xd', { startedMs: 30, labels: '{"job":"test","$.a\\"b":"é"}' }));
        store.insertExecution(anExecution('xc', { startedMs: 30 }));
        await settle();
        store.finishExecution('xb', { status: 'finished', durationMs: 5 });
        store.finishExecution('xd', { status: 'finished', durationMs: 0 });
        await settle();
      });

      test('are newest first, by status, sandbox and labels', async () => {
        expect(ids(await store.executions({ limit: 9 }))).toEqual(['xd', 'xc', 'xb', 'xa']);
        expect(ids(await store.executions({ limit: 9, status: 'running' }))).toEqual(['xc', 'xa']);
        expect(ids(await store.executions({ limit: 9, status: 'finished' }))).toEqual(['xd', 'xb']);
        expect(ids(await store.executions({ limit: 9, sandbox: 's2' }))).toEqual(['xb']);
        expect(ids(await store.executions({ limit: 9, labels: { job: 'build' } }))).toEqual(['xb', 'xa']);
        expect(ids(await store.executions({ limit: 9, labels: { job: 'build', n: '1' } }))).toEqual(['xa']);
        expect(ids(await store.executions({ limit: 9, labels: { '$.a"b': 'é' } }))).toEqual(['xd']);
        expect(ids(await store.executions({ limit: 9, labels: { toString: 'x' } }))).toEqual([]);
        expect(ids(await store.executions({ limit: 9, status: 'running', labels: { job: 'build' } }))).toEqual(['xa']);
      });

      test('continue where they stopped, through equal times', async () => {
        const seen: string[] = [];
        for (let before: string | undefined; ;) {
          const page = await store.executions({ limit: 1, before });
          if (page.length === 0) break;
          before = page[0]?.id;
          seen.push(...ids(page));
        }
        expect(seen).toEqual(['xd', 'xc', 'xb', 'xa']);
        expect((await failure(store.executions({ limit: 1, before: 'xz' }))).code).toBe('not_found');
      });

      test('by age of the end, oldest first', async () => {
        expect(ids(await store.finishedBefore(1_000, 9))).toEqual(['xb', 'xd']);
        expect(ids(await store.finishedBefore(30, 9))).toEqual(['xb']);
        expect(ids(await store.finishedBefore(25, 9))).toEqual([]);
        expect(ids(await store.finishedBefore(1_000, 1))).toEqual(['xb']);
      });
    });

    test('an end without a duration counts from its recording', async () => {
      store.insertExecution(anExecution('x1', { startedMs: 10 }));
      await store.flush();
      store.finishExecution('x1', { status: 'finished', outcome: { kind: 'lost' } });
      expect(await store.finishedBefore(Date.now() - 60_000, 9)).toEqual([]);
      expect(ids(await store.finishedBefore(Date.now() + 60_000, 9))).toEqual(['x1']);
    });

    test('output given with an end comes back, before and after it is written, and is forgotten with its record', async () => {
      const output = { stdout: Uint8Array.of(0, 255, 10), stderr: new Uint8Array(16_000).fill(7) };
      const bytes = async (id: string): Promise<readonly number[][] | undefined> => {
        const found = await store.executionOutput(id);
        return found && [[...found.stdout], [...found.stderr]];
      };
      const wanted = [[...output.stdout], [...output.stderr]];
      for (const id of ['x1', 'x2', 'x3']) store.insertExecution(anExecution(id));
      store.finishExecution('x1', FINISH, output);
      expect(await bytes('x1')).toEqual(wanted);
      await store.flush();
      store.finishExecution('x2', FINISH, { ...output, stderr: new Uint8Array() });
      store.finishExecution('x3', FINISH);
      await store.flush();
      store.finishExecution('x1', { background: 0 });
      await store.flush();
      expect([await bytes('x1'), await bytes('x2'), await bytes('x3')]).toEqual([wanted, [wanted[0], []], undefined]);
      for (const record of [await store.execution('x1'), ...(await store.executions({ limit: 9 }))]) {
        expect(record?.stdout).toEqual(FINISH.stdout);
        expect(JSON.stringify(record)).not.toContain('255');
      }
      await store.deleteExecutions(['x1']);
      expect([await bytes('x1'), await bytes('never-was')]).toEqual([undefined, undefined]);
    });

    test('kept output is summed, and forgotten with its record', async () => {
      expect(await store.logBytes()).toBe(0);
      store.insertExecution(anExecution('x1'));
      store.insertExecution(anExecution('x2', { labels: '{"a":"b"}' }));
      store.finishExecution('x1', FINISH);
      expect(await store.logBytes()).toBe(5_000_000_001);
      await store.flush();
      store.finishExecution('x2', FINISH);
      expect(await store.logBytes()).toBe(10_000_000_002);
      const { sandbox } = anExecution('x1');
      expect([await store.logBytes(sandbox), await store.logBytes('another')]).toEqual([10_000_000_002, 0]);
      expect([await store.sandboxesOver(10_000_000_001), await store.sandboxesOver(10_000_000_002)]).toEqual([[sandbox], []]);
      expect(ids(await store.finishedBefore(Number.MAX_SAFE_INTEGER, 9, sandbox))).toHaveLength(2);
      expect(await store.finishedBefore(Number.MAX_SAFE_INTEGER, 9, 'another')).toEqual([]);
      await store.deleteExecutions(['x1', 'x2', 'never-was']);
      expect(await store.logBytes()).toBe(0);
      expect(await store.executions({ limit: 9 })).toEqual([]);
      expect(await store.executions({ limit: 9, labels: { a: 'b' } })).toEqual([]);
    });

    test('a record that comes again after it was deleted has its own labels only', async () => {
      store.insertExecution(anExecution('x1', { labels: '{"a":"b"}' }));
      await store.flush();
      await store.deleteExecutions(['x1']);
      store.insertExecution(anExecution('x1', { labels: '{"c":"d"}' }));
      await store.flush();
      expect(await store.executions({ limit: 9, labels: { a: 'b' } })).toEqual([]);
      expect(ids(await store.executions({ limit: 9, labels: { c: 'd' } }))).toEqual(['x1']);
    });

    test('an end counts, also when its beginning is recorded twice', async () => {
      store.insertExecution(anExecution('x1'));
      await store.flush();
      store.insertExecution(anExecution('x1'));
      store.finishExecution('x1', FINISH);
      await store.flush();
      expect(await store.execution('x1')).toEqual(anExecution('x1', FINISH));
    });

    test('a thousand at once, deleted at once', async () => {
      const names = Array.from({ length: 1_000 }, (_, index) => `x${String(index).padStart(4, '0')}`);
      for (const [index, id] of names.entries()) store.insertExecution(anExecution(id, { startedMs: index }));
      expect(ids(await store.executions({ limit: 2 }))).toEqual(['x0999', 'x0998']);
      for (const id of names) store.finishExecution(id, FINISH);
      expect(await store.executions({ limit: 2_000, status: 'running' })).toEqual([]);
      await store.flush();
      expect(await store.executions({ limit: 2_000 })).toHaveLength(1_000);
      await store.deleteExecutions(names);
      expect(await store.executions({ limit: 2_000 })).toEqual([]);
    });
  });
};
