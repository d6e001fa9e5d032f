import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Place, Running } from './support/program.ts';
import { openPlace, PROGRAM } from './support/program.ts';

const TOKEN = 'a-token-that-is-long-enough';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(() => place[Symbol.dispose]());

const urlOf = async (server: Running): Promise<string> => {
  await server.said('Ctrl-C stops it');
  return /http:\/\/[^\s"]+\/mcp/.exec(server.stdout())?.[0] ?? '';
};

/** The JSON blocks of the banner, ready to paste. */
const pasted = (banner: string): readonly any[] =>
  banner
    .split('\n')
    .filter((line) => line.trim().startsWith('{'))
    .map((line) => JSON.parse(line).mcpServers.corral);

const call = async (client: Client, command: string): Promise<any> =>
  (await client.callTool({ name: 'execute_command', arguments: { command } })).structuredContent;

describe('corral serve', () => {
  it('says where it listens, what it promises and what to paste; both pasted ways work', async () => {
    await using server = place.start(['serve', '--bind', '127.0.0.1:0', '--grace-seconds=1', place.project]);
    const url = await urlOf(server);
    expect(server.stdout()).toContain('is listening');
    expect(server.stdout()).toContain(place.project);
    expect(server.stdout()).toMatch(/bubblewrap: .*no network/);
    const [http, stdio] = pasted(server.stdout());
    expect(http).toEqual({ type: 'http', url });
    expect(stdio.args).toEqual([PROGRAM, '--grace-seconds=1', place.project]);

    const overHttp = new Client({ name: 'test', version: '1' });
    await overHttp.connect(new StreamableHTTPClientTransport(new URL(http.url)));
    expect(await call(overHttp, 'pwd')).toMatchObject({ stdout: { text: `${place.project}\n` } });
    await overHttp.close();

    const overStdio = new Client({ name: 'test', version: '1' });
    await overStdio.connect(new StdioClientTransport({ ...stdio, env: { ...process.env, CORRAL_STATE_DIR: place.stateDir } }));
    expect(await call(overStdio, 'pwd')).toMatchObject({ stdout: { text: `${place.project}\n` } });
    await overStdio.close();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it with 0, and what runs in it', async (signal) => {
    await using server = place.start(['serve', '--bind', '127.0.0.1:0']);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(await urlOf(server))));
    await client.callTool({ name: 'execute_command', arguments: { command: 'sleep 1000', wait_seconds: 0 } });
    server.kill(signal);
    const { code, stderr } = await server.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: `corral: ${signal}: ending what runs here and stopping; again to stop at once\n` });
    expect(JSON.parse((await place.run(['ps', '--json'])).stdout).executions).toEqual([]);
    await client.close().catch(() => undefined);
  });

  it('asks for the token, and does not show it', async () => {
    await using server = place.start(['serve', '--bind', '127.0.0.1:0'], { env: { CORRAL_AUTH_TOKEN: TOKEN } });
    const url = await urlOf(server);
    expect(server.stdout()).toContain('required');
    expect(server.stdout()).not.toContain(TOKEN);
    expect((await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).status).toBe(401);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${TOKEN}` } } }),
    );
    expect((await client.listTools()).tools.length).toBeGreaterThan(5);
    await client.close();
  });

  it('refuses an open door without a token', async () => {
    const { code, stdout, stderr } = await place.run(['serve', '--bind', '0.0.0.0:0']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^corral: Listening on 0.0.0.0 without a token.*\nhint: Set CORRAL_AUTH_TOKEN/);
  });

  it('says when the port is taken', async () => {
    await using server = place.start(['serve', '--bind', '127.0.0.1:0']);
    const { host } = new URL(await urlOf(server));
    const { code, stderr } = await place.run(['serve', '--bind', host]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `corral: Cannot listen on ${host}: another program already does.\nhint: Choose another address with --bind HOST:PORT, or end the program that uses it.\n`,
    );
  });

  it('says plainly when nothing can run here', async () => {
    await using server = place.start(['serve', '--bind', '127.0.0.1:0', '--bwrap-path', '/no/bwrap']);
    await urlOf(server);
    expect(server.stdout()).toContain('cannot run anything yet');
    expect(server.stdout()).toContain('to mend it: ');
  });

  it('--transport stdio is plain corral', async () => {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [PROGRAM, 'serve', '--transport', 'stdio', place.project],
        env: { ...process.env, CORRAL_STATE_DIR: place.stateDir } as Record<string, string>,
      }),
    );
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('execute_command');
    await client.close();
  });
});

describe('corral [DIR...] over stdio', () => {
  it('writes nothing but the protocol, and ends with its client', async () => {
    await using server = place.start([place.project], { openInput: true });
    server.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`,
    );
    await server.said('"serverInfo"');
    server.endInput();
    const { code, stdout, stderr } = await server.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  });
});
