import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/v4';
import type { DoorOptions } from '../../../src/faces/http/door.ts';
import type { McpHttpOptions } from '../../../src/faces/mcp/http-handler.ts';
import type { CorralMcpFactory, McpFaceOptions } from '../../../src/faces/mcp/server-factory.ts';
import type { Reply } from '../http/raw-http.ts';
import { ask, askRaw } from '../http/raw-http.ts';
import { createFakes } from './support/fake-operations.ts';
import type { FakeHttp } from './support/http-server.ts';
import { startHttp } from './support/http-server.ts';
import { MODERN_META } from './support/raw-stdio.ts';

const start = async (door?: Partial<DoorOptions>, mcp?: Partial<McpHttpOptions>, face?: Partial<McpFaceOptions>): Promise<FakeHttp> => {
  const http = await startHttp(door, mcp, face);
  onTestFinished(() => http[Symbol.asyncDispose]());
  return http;
};

const JSON_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

const MODERN_HEADERS = (method: string, name?: string): Record<string, string> => ({
  ...JSON_HEADERS,
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': method,
  ...(name !== undefined && { 'Mcp-Name': name }),
});

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

const post = (http: FakeHttp, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  ask(http.door.port, {
    method: 'POST',
    path: '/mcp',
    headers: { ...JSON_HEADERS, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const echo = (id: number): unknown => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'x' }, _meta: MODERN_META },
});

/** The JSON-RPC message of a reply, be it plain or the last event of a stream. */
const messageOf = ({
  text,
}: Reply): { readonly error?: { readonly code: number; readonly message: string }; readonly result?: Record<string, unknown> } =>
  JSON.parse(text.startsWith('{') ? text : (text.trim().split('data: ').at(-1) ?? ''));

/** Opens a session and gives its id. */
const initialize = async (http: FakeHttp, headers: Record<string, string> = {}): Promise<string> => {
  const reply = await post(http, INITIALIZE, headers);
  expect(reply.status).toBe(200);
  return String(reply.headers['mcp-session-id']);
};

const ping = (http: FakeHttp, session: string, headers: Record<string, string> = {}): Promise<Reply> =>
  post(http, { jsonrpc: '2.0', id: 2, method: 'ping' }, { 'Mcp-Session-Id': session, ...headers });

describe('bodies', () => {
  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonp', 415],
    ['', 415],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON', 200],
  ])('of type %j are answered with %i', async (type, status) => {
    const http = await start();
    const headers = { ...MODERN_HEADERS('tools/call', 'echo'), 'Content-Type': type };
    expect((await ask(http.door.port, { method: 'POST', path: '/mcp', headers, body: JSON.stringify(echo(1)) })).status).toBe(status);
  });

  it('that are compressed are refused unread', async () => {
    expect((await post(await start(), 'x', { 'Content-Encoding': 'gzip' })).status).toBe(415);
    expect((await post(await start(), 'x', { 'Content-Encoding': 'gzip, gzip' })).status).toBe(415);
  });

  it('that announce too much are refused before they are sent', async () => {
    const http = await start();
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n`;
    expect(await askRaw(http.door.port, (write) => write(head))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('without an end are cut at the limit', async () => {
    const http = await start();
    const part = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
    let sent = 0;
    const answer = await askRaw(http.door.port, (write) => {
      write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
      const timer = setInterval(() => {
        write(part);
        sent += 65_536;
        if (sent > 32 * 1024 * 1024) clearInterval(timer);
      }, 1);
      onTestFinished(() => clearInterval(timer));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ['not JSON', '{', -32700],
    ['nothing', '', -32700],
    ['a batch', [echo(1), echo(2)], -32600],
    ['a string', '"hello"', -32600],
    ['depth', '['.repeat(100_000), -32600],
    ['half a million keys', `{${Array.from({ length: 500_000 }, () => '"":0').join(',')}}`, -32600],
    ['a prototype', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}', -32600],
  ])('that are %s get a JSON-RPC error', async (_name, body, code) => {
    const reply = await post(await start(), body);
    expect(reply.status).toBe(400);
    expect(messageOf(reply).error?.code).toBe(code);
  });

  it('hold up nobody else', async () => {
    const http = await start();
    const heavy = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[${Array.from({ length: 90_000 }, () => '{}').join(',')}]}}`;
    let worst = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      worst = Math.max(worst, performance.now() - last);
      last = performance.now();
    }, 5);
    await Promise.all(Array.from({ length: 8 }, () => post(http, heavy)));
    clearInterval(timer);
    expect(worst).toBeLessThan(200);
  });
});

describe('one path, two eras', () => {
  it('answers a modern request without a session, and a method that is none', async () => {
    const http = await start();
    const reply = await post(http, echo(1), MODERN_HEADERS('tools/call', 'echo'));
    expect(reply.status).toBe(200);
    expect(reply.headers['mcp-session-id']).toBeUndefined();
    expect(messageOf(reply).result?.['structuredContent']).toEqual({ text: 'x' });
    for (const method of ['PUT', 'PATCH', 'HEAD', 'OPTIONS']) {
      const wrong = await ask(http.door.port, { method, path: '/mcp' });
      expect(wrong.status).toBe(405);
      expect(wrong.headers.allow).toBe('GET, POST, DELETE');
    }
  });

  it('hints how long lists may be kept', async () => {
    const http = await start();
    const reply = await post(
      http,
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: MODERN_META } },
      MODERN_HEADERS('tools/list'),
    );
    expect(messageOf(reply).result).toMatchObject({ ttlMs: 300_000, cacheScope: 'public' });
  });

  it('takes a vanished modern client for a cancellation', async () => {
    const http = await start();
    const gone = new AbortController();
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'sleep', arguments: {}, _meta: { ...MODERN_META, progressToken: 1 } },
    };
    const call = fetch(http.mcpUrl, {
      method: 'POST',
      headers: MODERN_HEADERS('tools/call', 'sleep'),
      body: JSON.stringify(body),
      signal: gone.signal,
    });
    await vi.waitFor(() => expect(http.log.started).toBe(1), 5000);
    gone.abort();
    await call.then((response) => response.text()).catch(() => undefined);
    await vi.waitFor(() => expect(http.log.aborted).toBe(1), 5000);
  });

  it('bounds the calls at work, and says so', async () => {
    const http = await start({}, {}, { maxCalls: 1 });
    const gone = new AbortController();
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'sleep', arguments: {}, _meta: MODERN_META } };
    const call = fetch(http.mcpUrl, {
      method: 'POST',
      headers: MODERN_HEADERS('tools/call', 'sleep'),
      body: JSON.stringify(body),
      signal: gone.signal,
    });
    call.catch(() => undefined);
    await vi.waitFor(() => expect(http.log.started).toBe(1), 5000);
    const refused = await post(http, echo(2), MODERN_HEADERS('tools/call', 'echo'));
    expect(messageOf(refused).result).toMatchObject({ isError: true, structuredContent: { error: { code: 'limit_exceeded' } } });
    gone.abort();
    await vi.waitFor(
      async () => expect(messageOf(await post(http, echo(3), MODERN_HEADERS('tools/call', 'echo'))).result?.['isError']).toBeUndefined(),
      5000,
    );
  });
});

describe('sessions of clients before 2026', () => {
  const ANN = { Authorization: 'Bearer token-of-ann' };
  const BOB = { Authorization: 'Bearer token-of-bob' };
  const grants = [
    { token: 'token-of-ann', principal: { id: 'ann', scopes: ['run'] } },
    { token: 'token-of-bob', principal: { id: 'bob', scopes: [] } },
  ];

  it('have ids of at least 128 random bits, minted here', async () => {
    const http = await start();
    const ids = new Set(await Promise.all(Array.from({ length: 8 }, () => initialize(http))));
    expect(ids.size).toBe(8);
    for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/);
    const fixed = await post(http, INITIALIZE, { 'Mcp-Session-Id': 'attacker' });
    expect(fixed.status).toBe(404);
    expect(fixed.headers['mcp-session-id']).toBeUndefined();
  });

  it.each(['unknown', '../../x', '%2e%2e', '__proto__', 'constructor', 'x'.repeat(10_000)])(
    'are 404 for an id that is none: %.20s',
    async (id) => {
      const http = await start();
      await initialize(http);
      const reply = await ping(http, id);
      expect(reply.status).toBe(404);
      expect(messageOf(reply).error?.code).toBe(-32001);
    },
  );

  it('are 400 without an id', async () => {
    const http = await start();
    expect((await post(http, { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(400);
    expect((await ask(http.door.port, { path: '/mcp', headers: { Accept: 'text/event-stream' } })).status).toBe(400);
    expect((await ask(http.door.port, { method: 'DELETE', path: '/mcp' })).status).toBe(400);
  });

  it('are no credential: 401 without a token, 404 with somebody else’s', async () => {
    const http = await start({ grants });
    const id = await initialize(http, ANN);
    expect((await ping(http, id)).status).toBe(401);
    expect((await ping(http, id, BOB)).status).toBe(404);
    expect((await ask(http.door.port, { method: 'DELETE', path: '/mcp', headers: { 'Mcp-Session-Id': id, ...BOB } })).status).toBe(404);
    expect((await ping(http, id, ANN)).status).toBe(200);
  });

  it('tell the operation who calls', async () => {
    const http = await start({ grants });
    const id = await initialize(http, ANN);
    await post(
      http,
      { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } },
      { 'Mcp-Session-Id': id, ...ANN },
    );
    await post(http, echo(4), { ...MODERN_HEADERS('tools/call', 'echo'), ...BOB });
    expect(http.log.callers).toEqual([
      { id: 'ann', via: 'mcp', scopes: ['run'] },
      { id: 'bob', via: 'mcp', scopes: [] },
    ]);
  });

  it('end with DELETE, and their calls with them', async () => {
    const http = await start();
    const id = await initialize(http);
    const call = post(
      http,
      { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'sleep', arguments: {} } },
      { 'Mcp-Session-Id': id },
    );
    await vi.waitFor(() => expect(http.log.started).toBe(1), 5000);
    expect((await ask(http.door.port, { method: 'DELETE', path: '/mcp', headers: { 'Mcp-Session-Id': id } })).status).toBe(200);
    await vi.waitFor(() => expect(http.log.aborted).toBe(1), 5000);
    expect((await call).text).not.toContain('result');
    expect((await ping(http, id)).status).toBe(404);
  });

  it('end the stream of a cancelled call', async () => {
    const http = await start();
    const id = await initialize(http);
    const call = post(
      http,
      { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'sleep', arguments: {} } },
      { 'Mcp-Session-Id': id },
    );
    await vi.waitFor(() => expect(http.log.started).toBe(1), 5000);
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } };
    expect((await post(http, cancel, { 'Mcp-Session-Id': id })).status).toBe(202);
    expect((await call).text).toBe('');
    expect(http.log.aborted).toBe(1);
    expect((await ping(http, id)).status).toBe(200);
  });

  it('are bounded: 503 for the next, the others unharmed', async () => {
    const http = await start({}, { sessions: { max: 2, idleMs: 60_000, evictableMs: 60_000 } });
    const ids = [await initialize(http), await initialize(http)];
    const refused = await post(http, INITIALIZE);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    for (const id of ids) expect((await ping(http, id)).status).toBe(200);
    await ask(http.door.port, { method: 'DELETE', path: '/mcp', headers: { 'Mcp-Session-Id': ids[0] } });
    await initialize(http);
  });

  it('make room by age when all are taken and one is idle', async () => {
    const http = await start({}, { sessions: { max: 2, idleMs: 60_000, evictableMs: 20 } });
    const [old, busy] = [await initialize(http), await initialize(http)];
    const stream = new AbortController();
    await fetch(http.mcpUrl, { headers: { Accept: 'text/event-stream', 'Mcp-Session-Id': busy }, signal: stream.signal });
    await new Promise((resolve) => setTimeout(resolve, 40));
    const next = await initialize(http);
    expect((await ping(http, old)).status).toBe(404);
    expect((await ping(http, busy)).status).toBe(200);
    expect((await ping(http, next)).status).toBe(200);
    stream.abort();
  });

  it('expire when idle, but not while a stream is open', async () => {
    const http = await start({}, { sessions: { max: 8, idleMs: 100, evictableMs: 60_000 } });
    const [idle, listening] = [await initialize(http), await initialize(http)];
    const stream = new AbortController();
    await fetch(http.mcpUrl, { headers: { Accept: 'text/event-stream', 'Mcp-Session-Id': listening }, signal: stream.signal });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await ping(http, idle)).status).toBe(404);
    expect((await ping(http, listening)).status).toBe(200);
    stream.abort();
  });

  it('do not count when their initialize was refused', async () => {
    const http = await start({}, { sessions: { max: 1, idleMs: 60_000, evictableMs: 60_000 } });
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await post(http, INITIALIZE, { Accept: 'application/json' })).status).toBe(406);
    await initialize(http);
  });
});

describe('a question to the user', () => {
  const Sure = z.object({ sure: z.boolean() });
  const asking: CorralMcpFactory = (context) => {
    const server = createFakes().factory(context);
    server.registerTool('ask', { description: 'Asks.', inputSchema: z.object({}) }, (_args, { mcpReq }) => {
      const answer = acceptedContent(mcpReq.inputResponses, 'ok', Sure);
      if (answer !== undefined) return { content: [{ type: 'text', text: `sure: ${answer.sure}` }] };
      return inputRequired({ inputRequests: { ok: inputRequired.elicit({ message: 'Sure?', requestedSchema: Sure }) } });
    });
    return server;
  };

  it.each([
    ['before 2026, on its session', { mode: 'legacy' as const }],
    ['since 2026, by a second round', { mode: { pin: '2026-07-28' } }],
  ])('gets through and back: %s', async (_name, versionNegotiation) => {
    const http = await start({}, { factory: asking });
    const client = new Client({ name: 'test', version: '0' }, { versionNegotiation, capabilities: { elicitation: { form: {} } } });
    client.setRequestHandler('elicitation/create', ({ params }) => {
      expect(params.message).toBe('Sure?');
      return { action: 'accept', content: { sure: true } };
    });
    await client.connect(new StreamableHTTPClientTransport(http.mcpUrl));
    onTestFinished(() => client.close());
    expect((await client.callTool({ name: 'ask', arguments: {} })).content).toEqual([{ type: 'text', text: 'sure: true' }]);
  });
});

describe('closing', () => {
  it('aborts what is at work on both legs and ends their streams', async () => {
    const http = await start();
    const id = await initialize(http);
    const sleep = (extra: object): unknown => ({
      jsonrpc: '2.0',
      id: 3,
      method: 'tools/call',
      params: { name: 'sleep', arguments: {}, ...extra },
    });
    const calls = [
      post(http, sleep({}), { 'Mcp-Session-Id': id }).catch(() => undefined),
      post(http, sleep({ _meta: MODERN_META }), MODERN_HEADERS('tools/call', 'sleep')).catch(() => undefined),
    ];
    await vi.waitFor(() => expect(http.log.started).toBe(2), 5000);
    const since = performance.now();
    await http.door.close();
    expect(performance.now() - since).toBeLessThan(1000);
    await Promise.all(calls);
    expect(http.log.aborted).toBe(2);
  });
});
