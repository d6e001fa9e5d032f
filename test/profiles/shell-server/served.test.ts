import { Client } from '@modelcontextprotocol/client';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './support/server.ts';
import { openPlace, type Place } from '../../faces/cli/support/program.ts';

let ground: Ground;
let place: Place;

beforeAll(async () => {
  ground = await openGround();
  place = await openPlace();
});

afterAll(() => {
  ground?.[Symbol.dispose]();
  place?.[Symbol.dispose]();
});

/** As the README of the original lists them. */
const ARGUMENTS: Readonly<Record<string, { readonly required: readonly string[]; readonly properties: Readonly<Record<string, string>> }>> =
  {
    shell_execute: {
      required: ['command', 'directory'],
      properties: { command: 'array', directory: 'string', stdin: 'string', timeout: 'integer', encoding: 'string' },
    },
    shell_bg_start: {
      required: ['command', 'directory', 'description'],
      properties: {
        command: 'array',
        directory: 'string',
        description: 'string',
        labels: 'array',
        stdin: 'string',
        envs: 'object',
        encoding: 'string',
        timeout: 'integer',
      },
    },
    shell_bg_list: { required: [], properties: { labels: 'array', status: 'string' } },
    shell_bg_stop: { required: ['process_id'], properties: { process_id: 'string', force: 'boolean' } },
    shell_bg_logs: {
      required: ['process_id'],
      properties: {
        process_id: 'string',
        tail: 'integer',
        since: 'string',
        until: 'string',
        with_stdout: 'boolean',
        with_stderr: 'boolean',
        add_time_prefix: 'boolean',
        time_prefix_format: 'string',
      },
    },
  };

describe('over stdio', () => {
  it('is the server it stands for, with its tools first and as they were', async () => {
    await using server = await ground.open({ env: { ALLOW_COMMANDS: 'ls, cat' } });
    expect(server.client.getServerVersion()?.name).toBe('mcp-shell-server');
    const { tools } = await server.client.listTools();
    expect(tools.slice(0, 5).map(({ name }) => name)).toEqual(Object.keys(ARGUMENTS));
    expect(tools[0]?.description).toBe('Execute a shell command\nAllowed commands: ls, cat');
    for (const { name, inputSchema, outputSchema } of tools.slice(0, 5)) {
      const { properties = {}, required = [] } = inputSchema as { properties?: Record<string, { type?: string }>; required?: string[] };
      expect({ name, required, properties: Object.fromEntries(Object.entries(properties).map(([key, { type }]) => [key, type])) }).toEqual({
        name,
        ...ARGUMENTS[name],
      });
      expect(outputSchema).toBeUndefined();
    }
    expect(tools[0]?.inputSchema).toMatchObject({ properties: { timeout: { default: 15, minimum: 0 } } });
  });

  it('answers a tool that is not there in its own words', async () => {
    await using server = await ground.open();
    expect(await server.call('shell_eval')).toMatchObject({ isError: true, blocks: ['Error executing command: Unknown tool: shell_eval'] });
    expect(await server.call('execute_command')).toMatchObject({
      isError: true,
      blocks: ['Error executing command: Unknown tool: execute_command'],
    });
  });

  it('says once where commands run, and how to isolate them', async () => {
    await using server = await ground.open();
    await server.execute(['true']);
    expect(server.stderr()).toBe(
      'corral: profile shell-server: commands run on this machine as this user, without a sandbox, as they did before; to isolate them: --driver bubblewrap --workspace DIR\n',
    );
  });

  it('can run in a sandbox, where only the workspaces are to be changed', async () => {
    writeFileSync(join(ground.work, 'here.txt'), 'inside\n');
    await using server = await ground.open({
      args: ['--driver', 'bubblewrap', '--workspace', ground.work],
      env: { ALLOW_COMMANDS: 'cat,touch,wc,true' },
    });
    expect(server.stderr()).toBe('');
    expect((await server.execute(['cat', 'here.txt', '|', 'wc', '-l', '>', 'n.txt'])).blocks).toEqual(['**exit with 0**']);
    expect((await server.execute(['cat', '<', 'n.txt'])).blocks).toEqual(['**exit with 0**', '---\nstdout:\n---\n1\n']);
    expect((await server.execute(['touch', '/etc/made-here'])).blocks[0]).toBe('**exit with 1**');
    expect((await server.execute(['true'], { directory: '/no/where' })).blocks[0]).toMatch(
      /^Error executing command: Directory (does not exist|is not accessible): \/no\/where$/,
    );
  });

  it('lets the environment decide about the driver, too', async () => {
    await using server = await ground.open({ args: ['--workspace', ground.work], env: { CORRAL_DRIVER: 'bubblewrap' } });
    expect((await server.execute(['true'])).blocks).toEqual(['**exit with 0**']);
    expect(server.stderr()).toBe('');
  });
});

describe('over HTTP', () => {
  it('answers at the path that was asked for', async () => {
    await using running = place.start(['--profile', 'shell-server', 'http', '--host', '127.0.0.1', '--port', '0', '--path', '/shell'], {
      env: { ALLOW_COMMANDS: 'echo' },
    });
    await running.said(/http:\/\/127\.0\.0\.1:\d+\/shell/);
    const url = /http:\/\/127\.0\.0\.1:\d+\/shell/.exec(running.stdout())?.[0] ?? '';
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const result = await client.callTool({ name: 'shell_execute', arguments: { command: ['echo', 'hi'], directory: '/' } });
    expect(result).toMatchObject({ content: [{ text: '**exit with 0**' }, { text: '---\nstdout:\n---\nhi\n' }] });
    await client.close();
    expect((await fetch(url.replace('/shell', '/mcp'), { method: 'POST' })).status).toBe(404);
    expect(await (await fetch(url.replace('/shell', '/health'))).json()).toMatchObject({ status: 'ok' });
  });

  it('refuses to be open to the network', async () => {
    const { code, stderr } = await place.run(['--profile', 'shell-server', 'http', '--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toContain('without a token');
  });
});
