import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Bundle } from './support/bundle.ts';
import { bundle } from './support/bundle.ts';
import { callTool, MODERN_META, startLegacy, startRaw } from './support/raw-stdio.ts';

let program: Bundle;
beforeAll(async () => {
  program = await bundle(new URL('./support/stdio-server.ts', import.meta.url).pathname);
});
afterAll(() => program[Symbol.asyncDispose]());

const MIB = 1024 * 1024;

describe('the end of a stdio server', () => {
  it('ends within a second of the end of input, aborting the call in flight and never answering it', async () => {
    await using server = await startLegacy(program.file);
    server.send({ id: 1, ...callTool('sleep', { ignores_signal: true }) });
    server.send({ id: 2, ...callTool('show_log') });
    await server.reply(2);
    const since = performance.now();
    server.endInput();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(1000);
    expect(server.stderr()).toContain('closing: end of input; aborted 1');
    expect(server.lines.some((line) => line.includes('"id":1'))).toBe(false);
  });

  it('answers what a shell pipe sent before it ends', async () => {
    await using server = startRaw(program.file);
    server.send({ id: 1, method: 'tools/list', params: { _meta: MODERN_META } });
    server.write(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text: 'x' }, _meta: MODERN_META },
      }),
    );
    server.endInput();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect((await server.reply(1)).result?.['tools']).toHaveLength(7);
    expect((await server.reply(2)).result?.['structuredContent']).toEqual({ text: 'x' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('takes %s as the end of input', async (signal) => {
    await using server = await startLegacy(program.file);
    server.send({ id: 1, ...callTool('sleep') });
    server.send({ id: 2, ...callTool('show_log') });
    await server.reply(2);
    const since = performance.now();
    server.kill(signal);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(1000);
    expect(server.stderr()).toContain(`closing: ${signal}; aborted 1`);
  });

  it('ends in time even when its owner cannot close, and says so', async () => {
    await using server = await startLegacy(program.file, { FAKE_CLOSE: 'hangs' });
    const since = performance.now();
    server.endInput();
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(performance.now() - since).toBeLessThan(1200);
    expect(server.stderr()).toContain('Shutting down took longer than');
  });

  it('reports a failed close with its exit code', async () => {
    await using server = await startLegacy(program.file, { FAKE_CLOSE: 'fails' });
    server.endInput();
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stderr()).toContain('error: cannot close');
  });
});

describe('a cancelled call', () => {
  it.each([
    ['by its end', { ignores_signal: true }],
    ['by its failure', {}],
  ])('is never answered, neither %s nor otherwise', async (_name, args) => {
    await using server = await startLegacy(program.file);
    server.send({ id: 'gone', ...callTool('sleep', args) });
    await server.seen('sleep began');
    server.send({ method: 'notifications/cancelled', params: { requestId: 'gone', reason: 'enough' } });
    await server.seen('sleep aborted');
    server.send({ id: 'after', method: 'ping' });
    await server.reply('after');
    expect(server.lines.some((line) => line.includes('"gone"'))).toBe(false);
  });

  it('that has ended already changes nothing', async () => {
    await using server = await startLegacy(program.file);
    server.send({ id: 1, ...callTool('echo', { text: 'a' }) });
    await server.reply(1);
    server.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    server.send({ id: 2, method: 'ping' });
    await server.reply(2);
    expect(server.lines.filter((line) => line.includes('"id":1'))).toHaveLength(1);
  });
});

it('sends no progress after the answer', async () => {
  await using server = await startLegacy(program.file);
  server.send({ id: 1, method: 'tools/call', params: { name: 'chatter', arguments: { ms: 100 }, _meta: { progressToken: 'p' } } });
  await server.reply(1);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const messages = server.lines.slice(1).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(messages.map(({ method, id }) => method ?? id)).toEqual(['notifications/progress', 1]);
  expect(messages[0]).toMatchObject({ params: { progressToken: 'p', message: 'step 1' } });
});

describe('a client that looks first', () => {
  it('may start and end a sibling: only the process that is called opens anything', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'corral-probe-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'trace');
    const client = new Client({ name: 'test', version: '0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [program.file], env: { FAKE_TRACE: file }, stderr: 'ignore' }),
    );
    await client.listTools();
    const pids = async (event: string): Promise<string[]> =>
      (await readFile(file, 'utf8')).split('\n').flatMap((line) => (line.startsWith(`${event} `) ? [line.slice(event.length + 1)] : []));
    const started = await pids('started');
    expect(started.length).toBeGreaterThanOrEqual(1);
    expect(await pids('ready')).toEqual([]);
    await client.callTool({ name: 'echo', arguments: { text: 'a' } });
    expect(await pids('ready')).toHaveLength(1);
    await client.close();
    await vi.waitFor(() => {
      for (const pid of started) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    }, 5000);
  });
});

describe('stdout', () => {
  it('carries protocol and nothing else; what others print lands on stderr', async () => {
    await using server = await startLegacy(program.file);
    server.send({ id: 1, ...callTool('shout') });
    await server.reply(1);
    for (const line of server.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    for (const stray of ['console.log', 'console.info', 'stdout.write']) expect(server.stderr()).toContain(`a line from ${stray}`);
  });

  it('holds requests back while the client does not read, and goes on when it does', async () => {
    await using server = await startLegacy(program.file);
    server.pauseReading();
    for (let id = 1; id <= 4; id += 1) server.send({ id, ...callTool('much', { bytes: 6 * MIB }) });
    await server.seen('much began 4');
    server.send({ id: 'late', ...callTool('sleep') });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(server.stderr()).not.toContain('sleep began');
    server.resumeReading();
    await server.seen('sleep began');
    for (let id = 1; id <= 4; id += 1) expect((await server.reply(id)).error).toBeUndefined();
  });
});

describe('input that is not what it should be', () => {
  const stillWorks = async (server: Awaited<ReturnType<typeof startLegacy>>): Promise<void> => {
    server.send({ id: 'after', ...callTool('echo', { text: 'still here' }) });
    expect((await server.reply('after')).result?.['structuredContent']).toEqual({ text: 'still here' });
  };

  it.each([
    ['garbage', Buffer.from('hello there'), -32700],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"x","params":{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
      -32700,
    ],
    ['a batch', Buffer.from('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), -32600],
    ['a number', Buffer.from('42'), -32600],
    ['no jsonrpc member', Buffer.from('{"method":"ping"}'), -32600],
    ['a prototype key', Buffer.from('{"jsonrpc":"2.0","method":"ping","params":{"__proto__":{"a":1}}}'), -32600],
    ['depth', Buffer.from('['.repeat(100_000)), -32600],
  ])('%s is answered with an error, and the connection goes on', async (_name, line, code) => {
    await using server = await startLegacy(program.file);
    server.write(Buffer.concat([line, Buffer.from('\n')]));
    expect((await server.reply(null)).error?.code).toBe(code);
    await stillWorks(server);
  });

  it('blank lines and carriage returns are nothing', async () => {
    await using server = await startLegacy(program.file);
    server.write('\n\r\n  \t\r\n');
    server.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n');
    expect((await server.reply(1)).result).toEqual({});
    expect(server.lines).toHaveLength(2);
  });

  it.each([
    [
      'id last',
      (text: string) => `{"method":"tools/call","params":{"name":"echo","arguments":{"text":"${text}"}},"jsonrpc":"2.0","id":"big"}`,
    ],
    [
      'id first',
      (text: string) => `{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":"echo","arguments":{"text":"${text}"}}}`,
    ],
  ])('a message beyond the limit is refused under its own id (%s), and the connection goes on', async (_name, message) => {
    await using server = await startLegacy(program.file);
    server.write(`${message('x'.repeat(12 * MIB))}\n`);
    const { error } = await server.reply('big');
    expect(error).toMatchObject({ code: -32600 });
    expect(error?.message).toContain(String(10 * MIB));
    await stillWorks(server);
  });

  it('takes a message just below the limit', async () => {
    await using server = await startLegacy(program.file);
    server.send({ id: 1, ...callTool('echo', { text: 'x'.repeat(9 * MIB) }) });
    const { result } = await server.reply(1);
    expect(result).toHaveProperty('structuredContent.text.length', 9 * MIB);
  });
});
