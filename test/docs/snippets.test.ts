import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/process.mjs';
import type { Place, Running } from '../faces/cli/support/program.ts';
import { openPlace, PROGRAM } from '../faces/cli/support/program.ts';
import { readPages } from './markdown.ts';
import { alike, normalise, snippets, transcript } from './snippets.ts';

const PAGES = (await readPages(ROOT)).filter(({ path }) => path === 'README.md' || path.startsWith('docs/guide/'));
const CLONE = '/path/to/corral';
const PROJECT = '/path/to/project';
const ADDRESS = '127.0.0.1:3344';
const TOKEN = 'the-token-of-at-least-16-characters';

it('the generated reference is in step with the sources', () => {
  execFileSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: ROOT, stdio: 'pipe' });
});

it('there are pages, and every snippet on them is of a kind that is run', () => {
  expect(PAGES.length).toBeGreaterThan(5);
  const kinds = new Set(PAGES.flatMap((page) => snippets(page).map(({ kind }) => kind)));
  expect([...kinds].toSorted()).toEqual(['console run', 'json answer', 'json call', 'json client', 'sh http', 'sh run', 'text banner']);
});

describe('the rules for snippets', () => {
  it('find a difference that matters, and no other', () => {
    expect(normalise('x5evzq2pnkan  exited 3   2ms')).toBe(normalise('xt3liobojioq exited 3  17ms').replace(' exited', '  exited'));
    expect(normalise('exited 3')).not.toBe(normalise('exited 4'));
    expect(alike({ duration_ms: 5, code: 1 }, new Map())).not.toEqual(alike({ duration_ms: 5, code: 2 }, new Map()));
  });

  it('take a transcript apart', () => {
    expect(transcript('$ a\n1\n2\n$ b\n')).toEqual([
      { command: 'a', output: '1\n2\n' },
      { command: 'b', output: '' },
    ]);
  });
});

describe.each(PAGES.map((page) => [page.path, page] as const))('%s (needs a sandbox driver)', (_path, page) => {
  let place: Place;
  let env: Record<string, string>;
  let server: Running;
  let client: Client | undefined;
  let address = '';

  /** Text of the page as it holds here. */
  const here = (text: string): string => text.replaceAll(ADDRESS, address).replaceAll(CLONE, ROOT).replaceAll(PROJECT, place.project);
  /** The inverse. */
  const there = (text: string): string =>
    text
      .replaceAll(place.project, PROJECT)
      .replaceAll(place.stateDir, '~/.local/state/corral')
      .replaceAll(ROOT, CLONE)
      .replaceAll(process.execPath, '/usr/bin/node')
      .replaceAll(address, ADDRESS);

  const sh = (script: string): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      const child = execFile(
        '/bin/sh',
        ['-c', `exec 2>&1; ${script}`],
        { cwd: place.project, env: { ...process.env, ...env }, timeout: 15_000 },
        (error, stdout) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, output: stdout }),
      );
      child.stdin?.end();
    });

  beforeAll(async () => {
    place = await openPlace();
    const bin = join(dirname(place.stateDir), 'bin');
    mkdirSync(bin);
    symlinkSync(PROGRAM, join(bin, 'corral'));
    env = {
      PATH: `${bin}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      CORRAL_STATE_DIR: place.stateDir,
      NO_COLOR: '1',
      CORRAL_AUTH_TOKEN: '',
    };
    server = place.start(['serve', '--bind', '127.0.0.1:0']);
    await server.said('Ctrl-C stops it');
    address = /127\.0\.0\.1:\d+/.exec(server.stdout())?.[0] ?? '';
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await server[Symbol.asyncDispose]();
    await place.endSandboxes();
    place[Symbol.dispose]();
  });

  const tools = async (): Promise<Client> => {
    if (client !== undefined) return client;
    client = new Client({ name: 'docs', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [PROGRAM, place.project],
        env: { ...process.env, ...env, CORRAL_STATE_DIR: `${place.stateDir}-of-calls` } as Record<string, string>,
      }),
    );
    return client;
  };

  const connects = async (body: string): Promise<void> => {
    const block = JSON.parse(here(body));
    const { corral } = block.mcpServers ?? block.servers;
    const one = new Client({ name: 'docs', version: '1' });
    await using guarded =
      corral.headers === undefined ? undefined : place.start(['serve', '--bind', '127.0.0.1:0'], { env: { CORRAL_AUTH_TOKEN: TOKEN } });
    await guarded?.said('Ctrl-C stops it');
    const url = guarded === undefined ? corral.url : corral.url.replace(address, /127\.0\.0\.1:\d+/.exec(guarded.stdout())?.[0]);
    await one.connect(
      corral.url === undefined
        ? new StdioClientTransport({ ...corral, env: { ...process.env, ...env } })
        : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: corral.headers ?? {} } }),
    );
    expect((await one.listTools()).tools.length).toBeGreaterThan(5);
    await one.close();
  };

  const names = new Map<string, string>();
  let answered: Record<string, unknown> | undefined;

  const calls = async (body: string): Promise<void> => {
    let text = here(body);
    for (const [real, told] of names) text = text.replaceAll(told, real);
    const { name, arguments: args } = JSON.parse(text);
    answered = (await (await tools()).callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
  };

  const answers = (body: string): void => {
    const told = JSON.parse(body) as Record<string, unknown>;
    for (const key of ['execution_id', 'sandbox_id']) {
      const [real, written] = [answered?.[key], told[key]];
      if (typeof real === 'string' && typeof written === 'string') names.set(real, written);
    }
    expect(alike(JSON.parse(there(JSON.stringify(answered))), names)).toEqual(alike(told, names));
  };

  const prints = async (body: string): Promise<void> => {
    for (const { command, output } of transcript(body)) {
      const ran = await sh(here(command));
      expect(normalise(there(ran.output)), command).toBe(normalise(output));
    }
  };

  const RUN: Readonly<Record<string, (body: string) => Promise<void> | void>> = {
    'text banner': (body) => expect(normalise(there(server.stdout())).trim()).toBe(normalise(body).trim()),
    'json client': connects,
    'json call': calls,
    'json answer': answers,
    'console run': prints,
    'sh run': async (body) => expect(await sh(`set -e\n${here(body)}`)).toMatchObject({ code: 0 }),
    'sh http': async (body) =>
      expect(await sh(`set -e\n${here(body)}`)).toMatchObject({ code: 0, output: expect.stringContaining('"status":"ok"') }),
  };

  it.each([['prose', undefined] as const, ...snippets(page).map((snippet) => [`line ${snippet.line}: ${snippet.kind}`, snippet] as const)])(
    '%s',
    async (_name, snippet) => {
      if (snippet !== undefined) await RUN[snippet.kind]?.(snippet.body);
    },
  );

  it('names the tools that there are', async () => {
    const rows = [...page.text.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
    const names = (await (await tools()).listTools()).tools.map(({ name }) => name);
    // Tables of other things are named so too: a table of tools is one that begins with one.
    if (rows[0] !== undefined && names.includes(rows[0])) expect(rows).toEqual(names);
  });
});
