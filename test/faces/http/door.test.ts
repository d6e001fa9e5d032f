import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DoorOptions, HttpDoor } from '../../../src/faces/http/door.ts';
import { openHttpDoor } from '../../../src/faces/http/door.ts';
import type { Mount } from '../../../src/faces/http/mount.ts';
import { readBody } from '../../../src/faces/http/read-body.ts';
import { plainErrorBody, sendJson } from '../../../src/faces/http/refusal.ts';
import type { Ask } from './raw-http.ts';
import { ask, askRaw } from './raw-http.ts';

const TOKEN = 'Correct-Horse_battery.staple~0123456789';
const GRANTS = [{ token: TOKEN, principal: { id: 'ann', scopes: ['run'] } }];
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

/** Answers with who was let in, without ever touching the body. */
const whoami: Mount = {
  name: 'whoami',
  auth: 'token',
  errorBody: plainErrorBody,
  matches: (path) => path === '/who',
  handle: ({ response, principal }) => {
    sendJson(response, 200, principal);
    return Promise.resolve();
  },
  close: () => Promise.resolve(),
};

const openDoor = async (options: Partial<DoorOptions> = {}): Promise<HttpDoor & { readonly errors: string[] }> => {
  const errors: string[] = [];
  const door = await openHttpDoor({
    bind: { host: '127.0.0.1', port: 0 },
    grants: [],
    anonymous: { id: 'local', scopes: [] },
    allowedHosts: [],
    mounts: [whoami],
    version: '1.2.3',
    onError: (error, where) => errors.push(`${where}: ${String(error)}`),
    ...options,
  });
  onTestFinished(() => door.close());
  return Object.assign(door, { errors });
};

const statusOf = async (door: HttpDoor, wanted: Ask): Promise<number> => (await ask(door.port, { path: '/who', ...wanted })).status;

describe('the Host header', () => {
  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'user@localhost',
    '10.1.2.3',
    '[::2]',
    'localhost,evil.example',
    'loc%61lhost',
    '0.0.0.0',
    '',
  ])('refuses %j on loopback, without reading the body', async (host) => {
    const door = await openDoor();
    const answer = await askRaw(door.port, (write) => write(`POST /who HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000000\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  it.each(['LOCALHOST', '127.0.0.1', '127.1.2.3', '[::1]', 'localhost:1', '[::1]:65535'])('takes %s', async (host) => {
    expect(await statusOf(await openDoor(), { headers: { Host: host } })).toBe(200);
  });

  it.each([
    ['two of them', 'GET /who HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n'],
    ['none', 'GET /who HTTP/1.1\r\n\r\n'],
    ['none in HTTP/1.0', 'GET /who HTTP/1.0\r\n\r\n'],
    ['an absolute target', 'GET http://localhost/who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ])('refuses %s as malformed', async (_name, head) => {
    const door = await openDoor();
    expect(await askRaw(door.port, (write) => write(head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it('believes no X-Forwarded-Host', async () => {
    const door = await openDoor();
    expect(await statusOf(door, { headers: { Host: 'evil.example', 'X-Forwarded-Host': 'localhost' } })).toBe(403);
    expect(await statusOf(door, { headers: { Host: 'localhost', 'X-Forwarded-Host': 'evil.example' } })).toBe(200);
  });

  it('on other binds takes listed names and addresses, and no other name', async () => {
    const door = await openDoor({ bind: { host: '0.0.0.0', port: 0 }, grants: GRANTS, allowedHosts: ['Corral.example'] });
    const status = (host: string): Promise<number> => statusOf(door, { headers: { Host: host, ...bearer(TOKEN) } });
    expect(await status('corral.example:3344')).toBe(200);
    expect(await status('10.1.2.3:3344')).toBe(200);
    expect(await status('evil.example')).toBe(403);
  });
});

describe('requests made by browsers', () => {
  it.each([
    ['another name', { Origin: 'http://evil.example' }],
    ['null', { Origin: 'null' }],
    ['a suffix', { Origin: 'http://localhost.evil.example' }],
    ['another port', { Origin: 'http://localhost:1' }],
    ['another scheme', { Origin: 'https://localhost:PORT' }],
    ['a file', { Origin: 'file://' }],
    ['an extension', { Origin: 'chrome-extension://abcdef' }],
    ['empty', { Origin: '' }],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['another port of this machine', { 'Sec-Fetch-Site': 'same-site' }],
  ])('are refused for %s, with nothing reflected', async (_name, headers: Record<string, string>) => {
    const door = await openDoor();
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', String(door.port))]));
    const reply = await ask(door.port, { path: '/who', headers: { Host: `localhost:${door.port}`, ...own } });
    expect(reply.status).toBe(403);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it.each([
    ['no header (a program)', {}],
    ['its own page', { Origin: 'http://localhost:PORT', 'Sec-Fetch-Site': 'same-origin' }],
    ['its own page by another loopback name', { Origin: 'http://127.0.0.1:PORT' }],
    ['typed into the address bar', { 'Sec-Fetch-Site': 'none' }],
  ])('pass for %s', async (_name, headers: Record<string, string>) => {
    const door = await openDoor();
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', String(door.port))]));
    expect(await statusOf(door, { headers: { Host: `localhost:${door.port}`, ...own } })).toBe(200);
  });

  it('behind a proxy that speaks TLS pass for the own name', async () => {
    const door = await openDoor({ bind: { host: '0.0.0.0', port: 0 }, grants: GRANTS, allowedHosts: ['corral.example'] });
    const status = (origin: string): Promise<number> =>
      statusOf(door, { headers: { Host: 'corral.example', Origin: origin, ...bearer(TOKEN) } });
    expect(await status('https://other.example')).toBe(403);
    expect(await status('http://corral.example')).toBe(200);
  });

  it('get no preflight answered', async () => {
    const door = await openDoor();
    const reply = await ask(door.port, {
      method: 'OPTIONS',
      path: '/who',
      headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' },
    });
    expect(reply.status).toBe(403);
  });
});

describe('the token', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1'])('is needed to listen on %s: refused before the port is open', async (host) => {
    await expect(openDoor({ bind: { host, port: 0 } })).rejects.toMatchObject({
      code: 'denied',
      hint: expect.stringContaining('CORRAL_AUTH_TOKEN'),
    });
  });

  it.each(['', 'has space', 'zeile\n', 'ümlaut'])('is refused at the start when it cannot be sent (%j)', async (token) => {
    await expect(openDoor({ grants: [{ token, principal: { id: 'x', scopes: [] } }] })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it.each(['Bearer', 'bearer', 'BEARER'])('lets in, whatever the case of "%s"', async (scheme) => {
    const door = await openDoor({ grants: GRANTS });
    const reply = await ask(door.port, { path: '/who', headers: { Authorization: `${scheme} ${TOKEN}` } });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual({ id: 'ann', scopes: ['run'] });
  });

  it.each([
    ['shorter', `Bearer ${TOKEN.slice(0, -1)}`],
    ['longer', `Bearer ${TOKEN}x`],
    ['in lower case', `Bearer ${TOKEN.toLowerCase()}`],
    ['padded', `Bearer   ${TOKEN}`],
    ['quoted', `Bearer "${TOKEN}"`],
    ['as a list', `Bearer ${TOKEN}, Bearer ${TOKEN}`],
    ['with Basic', `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}`],
    ['bare', TOKEN],
    ['unsigned', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.'],
    ['empty', 'Bearer '],
  ])('lets nobody in when it is %s', async (_name, authorization) => {
    const door = await openDoor({ grants: GRANTS });
    const reply = await ask(door.port, { path: '/who', headers: { Authorization: authorization } });
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="corral", error="invalid_token"');
  });

  it('counts in the header only, and once', async () => {
    const door = await openDoor({ grants: GRANTS });
    const missing = await ask(door.port, { path: `/who?access_token=${TOKEN}&token=${TOKEN}` });
    expect(missing.status).toBe(401);
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="corral"');
    const twice = `GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    expect(await askRaw(door.port, (write) => write(twice))).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('is asked for before anything tells whether a path exists', async () => {
    const door = await openDoor({ grants: GRANTS });
    expect(await statusOf(door, { path: '/nowhere' })).toBe(401);
    expect(await statusOf(door, { path: '/nowhere', headers: bearer(TOKEN) })).toBe(404);
  });

  it('tells principals apart', async () => {
    const other = { token: 'the-other-token', principal: { id: 'bob', scopes: [] } };
    const door = await openDoor({ grants: [...GRANTS, other] });
    expect(JSON.parse((await ask(door.port, { path: '/who', headers: bearer('the-other-token') })).text)).toMatchObject({ id: 'bob' });
    expect(JSON.parse((await ask(door.port, { path: '/who', headers: bearer(TOKEN) })).text)).toMatchObject({ id: 'ann' });
  });

  it('cannot be guessed for long: 429 after twenty wrong ones, for the right one too', async () => {
    const door = await openDoor({ grants: GRANTS });
    for (let guess = 0; guess < 20; guess += 1) expect(await statusOf(door, { headers: bearer(`guess-${guess}`) })).toBe(401);
    const blocked = await ask(door.port, { path: '/who', headers: bearer(TOKEN) });
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(door.port, { path: '/health' })).status).toBe(200);
  });

  it('is not needed on loopback when none is set', async () => {
    expect(JSON.parse((await ask((await openDoor()).port, { path: '/who' })).text)).toEqual({ id: 'local', scopes: [] });
  });
});

describe('/health', () => {
  it('is bare, and open to whoever passes the Host check', async () => {
    const door = await openDoor({ grants: GRANTS });
    const reply = await ask(door.port, { path: '/health?probe=1' });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual({ status: 'ok', version: '1.2.3' });
    expect(reply.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(await statusOf(door, { path: '/health', method: 'HEAD' })).toBe(200);
    expect(await statusOf(door, { path: '/health', method: 'POST' })).toBe(405);
    expect(await statusOf(door, { path: '/health', headers: { Host: 'evil.example' } })).toBe(403);
  });
});

describe('slow, large and broken requests', () => {
  it.each([
    ['headers that never end', (write: (bytes: string) => void) => write('GET /who HTTP/1.1\r\nHost: loc')],
    ['a connection that says nothing', () => undefined],
  ])('%s are cut off', async (_name, send) => {
    const door = await openDoor({ timeouts: { headersMs: 300, requestMs: 60_000, keepAliveMs: 60_000 } });
    await askRaw(door.port, send, 5000);
  });

  it('a body that never ends is cut off', async () => {
    const reading: Mount = {
      ...whoami,
      handle: async ({ request, response }) => {
        const body = await readBody(request);
        sendJson(response, 200, { length: 'bytes' in body ? body.bytes.length : -1 });
      },
    };
    const door = await openDoor({ mounts: [reading], timeouts: { headersMs: 300, requestMs: 600, keepAliveMs: 60_000 } });
    const answer = await askRaw(
      door.port,
      (write) => write('POST /who HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc'),
      5000,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(door.errors).toEqual([]);
  });

  it('a connection without a further request is closed', async () => {
    const door = await openDoor({ timeouts: { headersMs: 5000, requestMs: 60_000, keepAliveMs: 200 } });
    expect(await askRaw(door.port, (write) => write('GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n'), 4000)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['both lengths', 'POST /who HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a bare line feed', 'GET /who HTTP/1.1\nHost: localhost\n\n', 400],
    ['64 kB of headers', `GET /who HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(65_536)}\r\n\r\n`, 431],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ])('%s: refused, and the connection closed', async (_name, bytes, status) => {
    const door = await openDoor();
    expect(await askRaw(door.port, (write) => write(bytes))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('an upgrade is not a way in', async () => {
    const door = await openDoor({ grants: GRANTS });
    const head =
      'GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n';
    expect(await askRaw(door.port, (write) => write(head), 45_000)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('what goes wrong behind the door', () => {
  it('becomes a 500 that tells nothing, and a line for the log', async () => {
    const broken: Mount = { ...whoami, handle: () => Promise.reject(new Error('secret detail')) };
    const door = await openDoor({ mounts: [broken] });
    const reply = await ask(door.port, { path: '/who' });
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain('secret');
    expect(door.errors).toEqual(['whoami: Error: secret detail']);
  });

  it('a port that is taken is said so', async () => {
    const door = await openDoor();
    await expect(openDoor({ bind: { host: '127.0.0.1', port: door.port } })).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('--bind'),
    });
  });
});

describe('closing', () => {
  it('ends mounts, waits for short answers, cuts long ones, and opens no more connections', async () => {
    const ended = vi.fn(() => Promise.resolve());
    const endless: Mount = {
      ...whoami,
      close: ended,
      handle: ({ response }) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write(': hello\n\n');
        return Promise.resolve();
      },
    };
    const door = await openDoor({ mounts: [endless] });
    const stream = askRaw(door.port, (write) => write('GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await vi.waitFor(async () => expect((await ask(door.port, { path: '/health' })).status).toBe(200));
    const since = performance.now();
    await Promise.all([door.close(), door.close()]);
    expect(performance.now() - since).toBeLessThan(2000);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(await stream).toContain(': hello');
    await expect(ask(door.port, { path: '/health' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
