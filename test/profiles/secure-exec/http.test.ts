import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, withEnvironment } from '../../e2e/support/processes.ts';
import { openPlace } from '../../faces/cli/support/program.ts';
import { type SecureExecHttp, startHttp, withArgument } from './support/server.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Unlike fetch it sends any header, Host and Origin included. */
const ask = (url: string, { method = 'GET', path = '/health', headers = {}, body }: Ask): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(`${url}${path}`, {
      method,
      headers: {
        ...(sent !== undefined && { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }),
        ...headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }),
      );
    });
    outgoing.end(sent);
  });

const rpc = (method: string, params: unknown = {}): unknown => ({ jsonrpc: '2.0', id: 1, method, params });
const INITIALIZE = rpc('initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'x', version: '1' } });
const call = (name: string, args: unknown): unknown => rpc('tools/call', { name, arguments: args });

/** The message in a body, be it JSON or an event stream. */
const messageIn = ({ body }: Answer): Record<string, any> => JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body) as Record<string, any>;

const ECHO = ['--cmd', 'echo|"echo {x}"'];
const TOKEN = 'secure_token';
const BEARER = { Authorization: `Bearer ${TOKEN}` };

describe('without a token', () => {
  let server: SecureExecHttp;
  beforeAll(async () => {
    server = await startHttp([...ECHO, '--cmd', 'nap|"sleep {x}"']);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('GET /health says OK', async () => {
    const answer = await ask(server.url, {});
    expect(answer).toMatchObject({ status: 200, body: 'OK' });
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  it.each(['/', '/mcp', '/any/other/path'])('MCP is at %s', async (path) => {
    const answer = await ask(server.url, { method: 'POST', path, body: INITIALIZE });
    expect(answer.status).toBe(200);
    expect(messageIn(answer)).toMatchObject({ result: { protocolVersion: '2024-11-05', serverInfo: { name: 'mcp-secure-exec' } } });
  });

  it('serves the client of the SDK at the bare address, in both eras', async () => {
    for (const pin of [undefined, '2026-07-28']) {
      const { client, call: callTool } = await server.connect({}, pin);
      expect(client.getInstructions()).toBe('mcp-secure-exec: 2 command templates with security');
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo', 'nap']);
      expect(await callTool('echo', { x: 'hi' })).toBe('[+] echo {x}\nSTDOUT:\nhi\n\nSTDERR:\n(empty)');
      expect(await callTool('none')).toEqual({ code: -32_602, message: 'Unknown: none' });
      expect(await callTool('echo')).toEqual({ code: -32_602, message: 'Missing parameter: x' });
    }
  });

  it('needs no session, gives none, and no handshake either', async () => {
    const begun = await ask(server.url, { method: 'POST', path: '/', body: INITIALIZE });
    expect(begun.headers['mcp-session-id']).toBeUndefined();
    const answer = await ask(server.url, { method: 'POST', path: '/', body: call('echo', { x: 'alone' }) });
    expect(messageIn(answer)).toMatchObject({ result: { content: [{ text: '[+] echo {x}\nSTDOUT:\nalone\n\nSTDERR:\n(empty)' }] } });
    for (const method of ['GET', 'DELETE']) expect((await ask(server.url, { method, path: '/' })).status).toBe(405);
  });

  it('ends the program of a client that goes away', async () => {
    const seconds = '5432.5';
    const controller = new AbortController();
    const gone = fetch(server.url, {
      method: 'POST',
      signal: controller.signal,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: JSON.stringify(call('nap', { x: seconds })),
    }).then((response) => response.text());
    expect(await eventually(() => withArgument(seconds).length > 0)).toBe(true);
    controller.abort();
    await expect(gone).rejects.toThrow();
    expect(await eventually(() => withArgument(seconds).length === 0)).toBe(true);
  });

  it('lets no foreign page in', async () => {
    const answer = await ask(server.url, {
      method: 'POST',
      path: '/',
      headers: { Origin: 'http://evil.example' },
      body: call('echo', { x: 'y' }),
    });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect((await ask(server.url, { headers: { Host: 'evil.example' } })).status).toBe(403);
  });
});

describe('with a token', () => {
  let server: SecureExecHttp;
  beforeAll(async () => {
    server = await startHttp([...ECHO, '--auth-token', TOKEN]);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each<[string, Readonly<Record<string, string>>]>([
    ['none', {}],
    ['another', { Authorization: 'Bearer other' }],
    ['a longer one', { Authorization: `Bearer ${TOKEN}x` }],
    ['a shorter one', { Authorization: 'Bearer secure_toke' }],
    ['another scheme', { Authorization: `Basic ${TOKEN}` }],
    ['a small b', { Authorization: `bearer ${TOKEN}` }],
    ['two blanks', { Authorization: `Bearer  ${TOKEN}` }],
    ['the token alone', { Authorization: TOKEN }],
  ])('%s is answered with 401 and nothing else', async (_name, headers) => {
    for (const wanted of [{ headers }, { method: 'POST', path: '/', headers, body: INITIALIZE }]) {
      const answer = await ask(server.url, wanted);
      expect(answer).toMatchObject({ status: 401, body: '' });
    }
  });

  it('the right one opens everything', async () => {
    expect(await ask(server.url, { headers: BEARER })).toMatchObject({ status: 200, body: 'OK' });
    const { call: callTool } = await server.connect(BEARER);
    expect(await callTool('echo', { x: 'hi' })).toMatch(/^\[\+\]/);
  });

  it('pages of any origin may call: asked first without a token, then with it', async () => {
    const origin = { Origin: 'https://page.example' };
    const preflight = await ask(server.url, {
      method: 'OPTIONS',
      path: '/',
      headers: { ...origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,content-type' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': expect.stringContaining('POST'),
    });
    expect(String(preflight.headers['access-control-allow-headers']).toLowerCase()).toContain('authorization');
    const answer = await ask(server.url, { method: 'POST', path: '/', headers: { ...origin, ...BEARER }, body: INITIALIZE });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'mcp-session-id, mcp-resume-token',
    });
    expect(await ask(server.url, { method: 'POST', path: '/', headers: origin, body: INITIALIZE })).toMatchObject({
      status: 401,
      body: '',
      headers: { 'access-control-allow-origin': '*' },
    });
  });

  it('limits the rate with an error of the protocol, never with 429', async () => {
    await using slow = await startHttp([...ECHO, '--rate-limit-rps', '1', '--rate-limit-burst', '1']);
    const wanted: Ask = { method: 'POST', path: '/', body: call('echo', { x: 'y' }) };
    expect(messageIn(await ask(slow.url, wanted))).toMatchObject({ result: { isError: false } });
    const refused = await ask(slow.url, wanted);
    expect(refused.status).toBe(200);
    expect(messageIn(refused)).toMatchObject({ error: { code: -32_603, message: 'Rate limit' } });
  });

  it('writes down who came without it, and never the token', async () => {
    await ask(server.url, {});
    await server.running.said('"event":"auth_fail"');
    expect(server.running.stderr() + server.running.stdout()).not.toContain(TOKEN);
  });
});

describe('--log-level debug', () => {
  it('shows the headers of requests, without what lets somebody in', async () => {
    await using server = await startHttp([...ECHO, '--log-level', 'debug', '--auth-token', TOKEN]);
    await ask(server.url, {
      headers: { ...BEARER, Cookie: 'c-secret', 'X-Api-Key': 'k-secret', 'X-Password': 'p-secret', 'X-Plain': 'shown' },
    });
    await server.running.said('http request');
    const line = server.running
      .stderr()
      .split('\n')
      .find((text) => text.includes('http request'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      level: 'debug',
      headers: {
        authorization: '[REDACTED]',
        cookie: '[REDACTED]',
        'x-api-key': '[REDACTED]',
        'x-password': '[REDACTED]',
        'x-plain': 'shown',
      },
    });
    expect(server.running.stderr()).not.toMatch(/secure_token|-secret/);
  });
});

describe('--stateful', () => {
  it('gives sessions, ends them, and knows no others', async () => {
    await using server = await startHttp([...ECHO], { MCP_EXEC_STATEFUL: 'true' });
    const begun = await ask(server.url, { method: 'POST', path: '/', body: INITIALIZE });
    const session = { 'Mcp-Session-Id': String(begun.headers['mcp-session-id']) };
    expect(session['Mcp-Session-Id']).toMatch(/^[\x21-\x7e]{16,}$/);
    const used = await ask(server.url, { method: 'POST', path: '/', headers: session, body: call('echo', { x: 'y' }) });
    expect(messageIn(used)).toMatchObject({ result: { content: [{ text: expect.stringContaining('y') }] } });
    expect(
      (await ask(server.url, { method: 'POST', path: '/', headers: { 'Mcp-Session-Id': 'other' }, body: call('echo', { x: 'y' }) })).status,
    ).toBe(404);
    expect((await ask(server.url, { method: 'POST', path: '/', body: call('echo', { x: 'y' }) })).status).toBe(400);
    expect((await ask(server.url, { method: 'DELETE', path: '/', headers: session })).status).toBe(200);
    expect((await ask(server.url, { method: 'POST', path: '/', headers: session, body: call('echo', { x: 'y' }) })).status).toBe(404);
    const { call: callTool, transport } = await server.connect();
    expect(await callTool('echo', { x: 'sdk' })).toContain('sdk');
    expect(transport.sessionId).toBeDefined();
  });
});

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0, and what runs with it', async (signal) => {
    const mark = randomUUID();
    const server = await startHttp(['--allow-dangerous', '--cmd', "tree|sh -c 'setsid sleep 1000 & sleep 1000'"], { MARK: mark });
    try {
      const pending = ask(server.url, { method: 'POST', path: '/', body: call('tree', {}) }).catch(() => undefined);
      expect(await eventually(() => withEnvironment(`MARK=${mark}`).length >= 3, 10_000)).toBe(true);
      server.running.kill(signal);
      const { code } = await server.running.ended;
      expect(code).toBe(0);
      await pending;
      expect(await eventually(() => withEnvironment(`MARK=${mark}`).length === 0)).toBe(true);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });

  it('is told what it is in its environment, and the flag has the last word', async () => {
    await using server = await startHttp([], {
      MCP_EXEC_COMMANDS: 'a|"true";b|"true"',
      MCP_EXEC_BIND: '127.0.0.1:1',
      MCP_EXEC_AUTH_TOKEN: TOKEN,
    });
    expect((await ask(server.url, {})).status).toBe(401);
    const { client } = await server.connect(BEARER);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('is not opened to a network without a token', async () => {
    const place = await openPlace();
    try {
      const { code, stderr } = await place.run(['--profile', 'secure-exec', '-t', 'streamable-http', '-b', '0.0.0.0:0', ...ECHO]);
      expect(code).toBe(1);
      expect(stderr).toContain('without a token');
    } finally {
      place[Symbol.dispose]();
    }
  });
});
