import type { Transport } from '@modelcontextprotocol/client';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bundle } from './support/bundle.ts';
import { bundle } from './support/bundle.ts';
import { INFO } from './support/fake-operations.ts';
import type { FakeHttp } from './support/http-server.ts';
import { startHttp } from './support/http-server.ts';

let program: Bundle;
let http: FakeHttp;
beforeAll(async () => {
  program = await bundle(new URL('./support/stdio-server.ts', import.meta.url).pathname);
  http = await startHttp();
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});

const open: Client[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

const ERAS = { legacy: { mode: 'legacy' as const }, modern: { mode: { pin: '2026-07-28' } }, auto: { mode: 'auto' as const } };
const TRANSPORTS = {
  stdio: (): Transport => new StdioClientTransport({ command: process.execPath, args: [program.file], stderr: 'ignore' }),
  http: (): Transport => new StreamableHTTPClientTransport(http.mcpUrl),
};

const connect = async (transport: keyof typeof TRANSPORTS, era: keyof typeof ERAS): Promise<Client> => {
  const client = new Client({ name: 'test', version: '0' }, { versionNegotiation: ERAS[era] });
  open.push(client);
  await client.connect(TRANSPORTS[transport]());
  return client;
};

describe.each([
  ['stdio', 'legacy'],
  ['stdio', 'modern'],
  ['http', 'legacy'],
  ['http', 'modern'],
] as const)('%s, %s', (transport, era) => {
  it('says who it is and how to use it', async () => {
    const client = await connect(transport, era);
    expect(client.getServerVersion()).toMatchObject(INFO);
    expect(client.getInstructions()).toBe('Be brief.');
    expect(client.getServerCapabilities()?.tools).toEqual({ listChanged: false });
  });

  it('lists the tools in the order of the catalogue, annotated in full, the same each time', async () => {
    const client = await connect(transport, era);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'sleep', 'fail', 'chatter', 'shout', 'much', 'show_log']);
    expect(tools[0]).toMatchObject({
      title: 'Echo',
      description: 'Gives back what it was given.',
      inputSchema: {
        type: 'object',
        required: ['text'],
        additionalProperties: false,
        properties: {
          text: { type: 'string', description: 'What to give back' },
          times: { type: 'integer', default: 1 },
        },
      },
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    });
    expect(tools[0]?.outputSchema).toEqual({ type: 'object', required: ['text'] });
    expect(tools[1]?.annotations).toEqual({ readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true });
    expect(tools[2]?.annotations?.readOnlyHint).toBe(false);
    const again = await connect(transport, era);
    expect((await again.listTools()).tools).toEqual(tools);
  });

  it('answers with the same in text and in structure, defaults filled in', async () => {
    const client = await connect(transport, era);
    const result = await client.callTool({ name: 'echo', arguments: { text: 'ab\u001b[31m "' } });
    expect(result.structuredContent).toEqual({ text: 'ab\u001b[31m "' });
    expect(result.isError).toBeUndefined();
    expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
  });

  it('makes a failed operation a result with code, message, hint and details in both forms', async () => {
    const client = await connect(transport, era);
    const result = await client.callTool({ name: 'fail', arguments: { how: 'denied' } });
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toEqual({
      error: { code: 'denied', message: 'not this one', hint: 'take another', details: { rule: 7 } },
    });
    expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
  });

  it('makes wrong arguments a result that names them', async () => {
    const client = await connect(transport, era);
    const result = await client.callTool({ name: 'echo', arguments: { text: 5, nonsense: true } });
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toMatchObject({ error: { code: 'invalid_input' } });
    expect(JSON.stringify(result.content)).toMatch(/text: .*nonsense/s);
  });

  it.each(['unknown', 'cycle'])('keeps what failed inside to itself (%s)', async (how) => {
    const client = await connect(transport, era);
    const result = await client.callTool({ name: 'fail', arguments: { how } });
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toMatchObject({ error: { code: 'internal' } });
    expect(JSON.stringify(result)).not.toMatch(/secret|home|circular|TypeError/i);
  });

  it.each(['nowhere', '__proto__', 'constructor', ''])('answers an unknown tool with a protocol error (%j)', async (name) => {
    const client = await connect(transport, era);
    await expect(client.callTool({ name, arguments: {} })).rejects.toMatchObject({ code: -32602 });
  });

  it('carries a cancellation to the operation', async () => {
    const client = await connect(transport, era);
    const counts = async (): Promise<{ started: number; aborted: number }> =>
      (await client.callTool({ name: 'show_log', arguments: {} })).structuredContent as { started: number; aborted: number };
    const before = await counts();
    const cancel = new AbortController();
    const call = client.callTool({ name: 'sleep', arguments: {} }, { signal: cancel.signal });
    const outcome = expect(call).rejects.toThrow();
    await vi.waitFor(async () => expect((await counts()).started).toBe(before.started + 1), 5000);
    cancel.abort('enough');
    await outcome;
    await vi.waitFor(async () => expect((await counts()).aborted).toBe(before.aborted + 1), 5000);
  });

  it('reports progress at a bearable rate, strictly increasing', async () => {
    const client = await connect(transport, era);
    const notices: { progress: number; message?: string | undefined }[] = [];
    const result = await client.callTool(
      { name: 'chatter', arguments: { ms: 900 } },
      {
        onprogress: (notice) => void notices.push(notice),
      },
    );
    expect((result.structuredContent as { told: number }).told).toBeGreaterThan(20);
    expect(notices.length).toBeGreaterThanOrEqual(2);
    expect(notices.length).toBeLessThanOrEqual(5);
    expect(notices[0]?.message).toBe('step 1');
    for (const [index, { progress }] of notices.entries()) expect(progress).toBeGreaterThan(notices[index - 1]?.progress ?? 0);
  });
});

describe('clients that look first', () => {
  it.each(['stdio', 'http'] as const)('finds the modern era over %s', async (transport) => {
    const client = await connect(transport, 'auto');
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect((await client.callTool({ name: 'echo', arguments: { text: 'a' } })).structuredContent).toEqual({ text: 'a' });
  });
});
