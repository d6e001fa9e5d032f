import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { MODERN_META, type RawReply, startLegacy, startRaw } from '../faces/mcp/support/raw-stdio.ts';
import { SERVER, temporaryFolder } from './support/corral.ts';
import { eventually, withEnvironment } from './support/processes.ts';

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

type Task = Record<string, any>;

interface TaskClient {
  readonly pid: number;
  request(method: string, params: Record<string, unknown>, capabilities?: Record<string, unknown>): Promise<RawReply>;
  /** Result of tools/call. */
  call(name: string, args: Record<string, unknown>, capabilities?: Record<string, unknown>): Promise<Task>;
  get(taskId: string, capabilities?: Record<string, unknown>): Promise<Task>;
  /** The task once it works no longer. */
  ended(taskId: string): Promise<Task>;
  crash(): Promise<void>;
}

const start = async (stateDir: string, env: Record<string, string> = {}): Promise<TaskClient> => {
  await build();
  const server = startRaw(SERVER, { CORRAL_STATE_DIR: stateDir, ...env });
  onTestFinished(async () => {
    server.endInput();
    await server.exited;
  });
  let nextId = 0;
  const request: TaskClient['request'] = (method, params, capabilities = TASKS) => {
    const id = (nextId += 1);
    const meta = { ...MODERN_META, 'io.modelcontextprotocol/clientCapabilities': capabilities };
    server.send({ id, method, params: { ...params, _meta: meta } });
    return server.reply(id);
  };
  const resultOf = ({ result, error }: RawReply): Task => {
    if (result === undefined) throw new Error(JSON.stringify(error));
    return result;
  };
  const get: TaskClient['get'] = async (taskId, capabilities) => resultOf(await request('tasks/get', { taskId }, capabilities));
  return {
    pid: server.pid,
    request,
    call: async (name, args, capabilities) => resultOf(await request('tools/call', { name, arguments: args }, capabilities)),
    get,
    ended: async (taskId) => {
      let task = await get(taskId);
      await eventually(async () => (task = await get(taskId))['status'] !== 'working', 20_000);
      return task;
    },
    crash: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
  };
};

const newState = (): string => {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  return join(mkdtempSync(join(folder.path, 's-')), 'state');
};

describe('a program that outlives its call, bubblewrap', () => {
  it.each([
    ['execute_command', { command: 'echo one; sleep 3; echo two >&2; exit 4' }],
    ['execute_code', { language: 'bash', code: 'echo one; sleep 3; echo two >&2; exit 4' }],
  ])('is a task of %s: working, then the very result of the call', async (tool, args) => {
    const client = await start(newState());
    const task = await client.call(tool, args);
    expect(task).toMatchObject({ resultType: 'task', status: 'working', statusMessage: 'one' });
    expect(Date.parse(task['createdAt'])).toBeLessThanOrEqual(Date.parse(task['lastUpdatedAt']));
    expect(await client.get(task['taskId'])).toMatchObject({ resultType: 'complete', status: 'working', statusMessage: 'one' });
    const done = await client.ended(task['taskId']);
    expect(done).toMatchObject({ status: 'completed', result: { structuredContent: { outcome: { kind: 'exited', code: 4 } } } });
    const { structuredContent: shown, content } = done['result'];
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(shown) }]);
    const again = await client.call(tool, { ...args, wait_seconds: 30 });
    const comparable = ({ execution_id: _, duration_ms: __, usage: ___, ...rest }: Task): Task => rest;
    expect(comparable(shown)).toEqual(comparable(again['structuredContent']));
  });

  it('is a task of a command template, shown as that says', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'templates.yaml');
    writeFileSync(file, 'slow-lines:\n  argv: [sh, -c, "echo one; sleep 3; echo two"]\n  output: { tail: 1 }\n');
    const client = await start(newState(), { CORRAL_TEMPLATES: file });
    const task = await client.call('slow_lines', {});
    expect(task).toMatchObject({ resultType: 'task', status: 'working' });
    expect((await client.ended(task['taskId']))['result'].structuredContent.stdout.text).toBe('two\n');
  });

  it('is none when the caller wants its handle, when it ends in time, or when the client knows no tasks', async () => {
    const client = await start(newState());
    for (const more of [{ detach: true }, { pty: true }, { interactive: true }]) {
      const answer = await client.call('execute_command', { command: 'sleep 30', wait_seconds: 0, ...more });
      expect(answer).toMatchObject({ resultType: 'complete', structuredContent: { status: 'running' } });
    }
    expect(await client.call('execute_command', { command: 'sleep 2.5; echo a', wait_seconds: 20 })).toMatchObject({
      resultType: 'complete',
      structuredContent: { status: 'finished' },
    });
    expect(await client.call('execute_command', { command: 'sleep 2.5; echo a' }, {})).toMatchObject({
      resultType: 'complete',
      structuredContent: { status: 'finished' },
    });
    expect((await client.call('wait', { executions: ['xnone'] }))['isError']).toBe(true);
  });

  it('outlives its server: the next one knows the task, what it printed and how it ended', async () => {
    const stateDir = newState();
    const first = await start(stateDir);
    const { taskId } = await first.call('execute_command', { command: 'echo before; sleep 2; echo after; exit 9', wait_seconds: 0 });
    await first.crash();
    const second = await start(stateDir);
    expect((await second.get(String(taskId)))['status']).toBe('working');
    expect(await second.ended(String(taskId))).toMatchObject({
      status: 'completed',
      result: { structuredContent: { outcome: { code: 9 }, stdout: { text: 'before\nafter\n' } } },
    });
  });

  it('is cancelled with its whole tree, and once', async () => {
    const mark = randomUUID();
    const client = await start(newState());
    const running = (): number => withEnvironment(`MARK=${mark}`).length;
    const { taskId } = await client.call('execute_command', {
      command: "trap '' TERM HUP; setsid sleep 1000 & (sleep 1000; true) & sleep 1000",
      env: { MARK: mark },
      wait_seconds: 0,
    });
    expect(await eventually(() => running() >= 4)).toBe(true);
    expect((await client.request('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
    expect(await eventually(() => running() === 0, 6000)).toBe(true);
    const task = await client.get(String(taskId));
    expect(task['status']).toBe('cancelled');
    expect(task).not.toHaveProperty('result');
    expect((await client.request('tasks/cancel', { taskId })).error).toBeUndefined();
  });

  it('that has ended is left as it is by a late cancel, with what it left behind', async () => {
    const mark = randomUUID();
    const client = await start(newState());
    const { taskId } = await client.call('execute_command', {
      command: 'sleep 1000 >/dev/null 2>&1 & sleep 1; echo started',
      env: { MARK: mark },
      wait_seconds: 0,
    });
    expect((await client.ended(String(taskId)))['status']).toBe('completed');
    await client.request('tasks/cancel', { taskId });
    expect((await client.get(String(taskId)))['status']).toBe('completed');
    expect(withEnvironment(`MARK=${mark}`)).not.toEqual([]);
  });

  it('asks the client that can ask a person, and nobody else', async (context) => {
    const client = await start(newState());
    const { taskId } = await client.call('execute_command', {
      command: 'printf "Name? "; read -r name; printf "Town? "; read -r town; echo "$name of $town"',
      wait_seconds: 0,
    });
    const asks = { ...TASKS, elicitation: {} };
    const question = async (): Promise<[string, Task]> => {
      let task: Task = {};
      await eventually(async () => (task = await client.get(String(taskId), asks))['status'] !== 'working', 5000);
      if (task['status'] === 'working') context.skip('this kernel does not tell what processes wait for');
      return Object.entries(task['inputRequests'] as Record<string, Task>)[0] ?? ['', {}];
    };
    const answer = (key: string, text: string) =>
      client.request('tasks/update', { taskId, inputResponses: { [key]: { action: 'accept', content: { text } } } }, asks);

    const [first, { method, params }] = await question();
    expect([method, params.message]).toEqual(['elicitation/create', expect.stringMatching(/waits for input: Name\?/)]);
    expect(await client.get(String(taskId))).toMatchObject({ status: 'working', statusMessage: expect.stringMatching(/waits for input/) });
    await answer('input-0-0', 'wrong');
    await answer(first, 'Ann');
    const [second] = await question();
    expect(second).not.toBe(first);
    await answer(first, 'late');
    await answer(second, 'Ulm');
    expect(await client.ended(String(taskId))).toMatchObject({
      result: { structuredContent: { stdout: { text: 'Name? Town? Ann of Ulm\n' } } },
    });
  });
});

it('is nothing to clients before 2026: neither said, nor done, nor known', async () => {
  await build();
  await using server = await startLegacy(SERVER, { CORRAL_STATE_DIR: newState() });
  expect((await server.reply('hello')).result?.['capabilities']).not.toHaveProperty('extensions');
  server.send({
    id: 1,
    method: 'tools/call',
    params: { name: 'execute_command', arguments: { command: 'sleep 60', wait_seconds: 0 }, task: {} },
  });
  expect((await server.reply(1)).result).toMatchObject({ structuredContent: { status: 'running' } });
  server.send({ id: 2, method: 'tasks/get', params: { taskId: 'x' } });
  expect((await server.reply(2)).error?.code).toBe(-32_601);
  server.endInput();
  await server.exited;
});
