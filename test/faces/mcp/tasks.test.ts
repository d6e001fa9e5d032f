import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DoorOptions } from '../../../src/faces/http/door.ts';
import { createTaskFixtures } from '../../conformance/fixtures/tasks.ts';
import { ask } from '../http/raw-http.ts';
import type { FakeHttp } from './support/http-server.ts';
import { startHttp } from './support/http-server.ts';
import type { RawReply } from './support/raw-stdio.ts';
import { MODERN_META } from './support/raw-stdio.ts';

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

const start = async (door: Partial<DoorOptions> = {}): Promise<FakeHttp> => {
  const { operations, continuation } = createTaskFixtures();
  const key = randomBytes(32);
  const http = await startHttp(door, {}, { operations, tasks: { ...continuation, key: () => Promise.resolve(key) } });
  onTestFinished(() => http[Symbol.asyncDispose]());
  return http;
};

let http: FakeHttp;
let nextId = 0;

const request = async (
  method: string,
  params: Record<string, unknown>,
  capabilities: Record<string, unknown> = TASKS,
  headers: Record<string, string> = {},
): Promise<RawReply & { readonly status: number }> => {
  const body = {
    jsonrpc: '2.0',
    id: (nextId += 1),
    method,
    params: { ...params, _meta: { ...MODERN_META, [CAPABILITIES]: capabilities } },
  };
  const name = params['name'] ?? params['taskId'];
  const reply = await ask(http.door.port, {
    method: 'POST',
    path: '/mcp',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
      ...(typeof name === 'string' && { 'Mcp-Name': name }),
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const text = reply.text.startsWith('{') ? reply.text : (reply.text.trim().split('data: ').at(-1) ?? '');
  return { ...(JSON.parse(text) as RawReply), status: reply.status };
};

const call = (name: string, args: Record<string, unknown>, ...rest: [Record<string, unknown>?, Record<string, string>?]) =>
  request('tools/call', { name, arguments: args }, ...rest);

const taskIdOf = ({ result }: RawReply): string => {
  expect(result).toMatchObject({ resultType: 'task', status: 'working' });
  return String(result?.['taskId']);
};

describe('with a client that understands tasks', () => {
  beforeEach(async () => {
    http = await start();
  });

  it('says so when it is asked what it can do', async () => {
    const { result } = await request('server/discover', {});
    expect(result?.['capabilities']).toMatchObject({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
  });

  it('goes on with what outlives its call, and says of it what is true', async () => {
    const reply = await call('slow_compute', { seconds: 0.3 });
    const taskId = taskIdOf(reply);
    for (const field of ['result', 'error', 'inputRequests']) expect(reply.result).not.toHaveProperty(field);
    expect(reply.result?.['ttlMs']).toSatisfy(Number.isInteger);
    expect(reply.result?.['pollIntervalMs']).toBeGreaterThanOrEqual(500);
    expect((await request('tasks/get', { taskId })).result).toMatchObject({ taskId, status: 'working', resultType: 'complete' });
    await vi.waitFor(async () => expect((await request('tasks/get', { taskId })).result?.['status']).toBe('completed'), 3000);
    const { result } = await request('tasks/get', { taskId });
    expect(result?.['result']).toEqual({ content: [{ type: 'text', text: 'computed' }], isError: false });
  });

  it('answers at once with what is over at once, and is no task then', async () => {
    const { result } = await call('greet', { name: 'Ann' });
    expect(result).toMatchObject({ resultType: 'complete', content: [{ text: 'Hello, Ann!' }] });
    expect(result).not.toHaveProperty('taskId');
  });

  it('has it that an error of the tool completes, and one of the protocol fails', async () => {
    const failing = taskIdOf(await call('failing_job', {}));
    const broken = taskIdOf(await call('protocol_error_job', {}));
    await vi.waitFor(async () => expect((await request('tasks/get', { taskId: failing })).result?.['status']).toBe('completed'), 3000);
    expect((await request('tasks/get', { taskId: failing })).result?.['result']).toMatchObject({ isError: true });
    const { result } = await request('tasks/get', { taskId: broken });
    expect(result).toMatchObject({ status: 'failed', error: { code: -32_603, message: 'The job panicked.' } });
    expect(result).not.toHaveProperty('result');
  });

  it('cancels once, and again without a word', async () => {
    const taskId = taskIdOf(await call('slow_compute', { seconds: 60 }));
    const [first, second] = [await request('tasks/cancel', { taskId }), await request('tasks/cancel', { taskId })];
    for (const { result } of [first, second]) expect(Object.keys(result ?? {}).toSorted()).toEqual(['_meta', 'resultType']);
    const { result } = await request('tasks/get', { taskId });
    expect(result?.['status']).toBe('cancelled');
    expect(result).not.toHaveProperty('result');
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])('knows no task that it did not name: %s', async (method) => {
    const known = taskIdOf(await call('slow_compute', { seconds: 0.1 }));
    for (const taskId of ['', 'x', known.slice(0, -2), `${known}A`, known.replace('slow_compute', 'failing_job')])
      expect((await request(method, { taskId, inputResponses: {} })).error?.code).toBe(-32_602);
  });

  it('has no list, and no method for a result alone', async () => {
    for (const method of ['tasks/list', 'tasks/result']) expect((await request(method, { taskId: 'x' })).error?.code).toBe(-32_601);
  });

  it('puts the questions of a program to a client that takes them, and to no other', async () => {
    const taskId = taskIdOf(await call('multi_input', {}));
    const deaf = await request('tasks/get', { taskId });
    expect(deaf.result?.['status']).toBe('working');
    const asks = { ...TASKS, elicitation: {} };
    const asked = (await request('tasks/get', { taskId }, asks)).result;
    expect(asked?.['status']).toBe('input_required');
    expect(asked?.['inputRequests']).toMatchObject({ first: { method: 'elicitation/create' }, second: { params: { message: 'Two?' } } });
    await request('tasks/update', { taskId, inputResponses: { first: { action: 'accept', content: { text: 'a' } }, nonsense: 5 } }, asks);
    expect(Object.keys((await request('tasks/get', { taskId }, asks)).result?.['inputRequests'] ?? {})).toEqual(['second']);
    await request('tasks/update', { taskId, inputResponses: { second: { action: 'accept', content: { text: 'b' } } } }, asks);
    expect((await request('tasks/get', { taskId }, asks)).result?.['status']).toBe('completed');
  });
});

describe('with a client that does not', () => {
  beforeEach(async () => {
    http = await start();
  });

  it('answers when it is over', async () => {
    const { result } = await call('slow_compute', { seconds: 0.2 }, {});
    expect(result).toMatchObject({ resultType: 'complete', content: [{ text: 'computed' }] });
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])('refuses %s, and names what is missing', async (method) => {
    const reply = await request(method, { taskId: 'x', inputResponses: {} }, {});
    expect(reply).toMatchObject({ status: 400, error: { code: -32_021, data: { requiredCapabilities: TASKS } } });
  });
});

it('shows a task to its own caller alone', async () => {
  const grant = (token: string, id: string) => ({ token, principal: { id, scopes: [] } });
  http = await start({ grants: [grant('a'.repeat(20), 'ann'), grant('b'.repeat(20), 'bob')] });
  const [ann, bob] = ['a', 'b'].map((sign) => ({ Authorization: `Bearer ${sign.repeat(20)}` }));
  const taskId = taskIdOf(await call('slow_compute', { seconds: 30 }, TASKS, ann));
  for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update'])
    expect((await request(method, { taskId, inputResponses: {} }, TASKS, bob)).error?.code).toBe(-32_602);
  expect((await request('tasks/get', { taskId }, TASKS, ann)).result?.['status']).toBe('working');
  await request('tasks/cancel', { taskId }, TASKS, ann);
});
