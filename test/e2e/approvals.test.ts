import { Client, type ElicitRequest, type ElicitResult, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { type Answer, callsOf, cleanEnvironment, type Corral, type Folder, SERVER, temporaryFolder } from './support/corral.ts';

const RULES = {
  version: 1,
  rules: [
    { id: 'look', match: { program: ['cat', 'ls'] }, effect: 'allow' },
    { id: 'scripts', match: { program: ['sh'] }, effect: 'ask', unsafe: true, reason: 'scripts can do anything' },
    { id: 'counting', match: { program: ['wc'] }, effect: 'ask' },
  ],
};

const ERAS = { legacy: { mode: 'legacy' as const }, modern: { mode: { pin: '2026-07-28' } } };
type Era = keyof typeof ERAS;
type TransportName = 'stdio' | 'http';
type Asked = ElicitRequest['params'];

let folder: Folder;
let state: string;
let workspace: string;
let rules: string;
let http: { readonly url: string; close(): Promise<void> };

const startHttp = async (): Promise<typeof http> => {
  const child = spawn(
    process.execPath,
    [SERVER, 'serve', '--bind', '127.0.0.1:0', '--rules', rules, '--approval-wait-seconds', '5', workspace],
    {
      env: cleanEnvironment({ CORRAL_STATE_DIR: state, NO_COLOR: '1' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(said)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${said}`)));
  });
  return {
    url,
    close: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
};

beforeAll(async () => {
  await build();
  folder = temporaryFolder();
  state = join(folder.path, 'state');
  workspace = join(folder.path, 'work');
  rules = join(folder.path, 'rules.json');
  mkdirSync(workspace);
  writeFileSync(rules, JSON.stringify(RULES));
  http = await startHttp();
}, 60_000);

const open: Client[] = [];
afterEach(async () => {
  await Promise.allSettled(open.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await (http as typeof http | undefined)?.close();
  folder[Symbol.dispose]();
});

/** A script of its own for each test: no grant of one is good for another. */
let count = 0;
const script = (text = 'echo ran'): { readonly path: string; readonly args: { readonly command: readonly string[] } } => {
  const name = `script-${(count += 1)}.sh`;
  writeFileSync(join(workspace, name), `${text}\n`);
  return { path: join(workspace, name), args: { command: ['sh', name] } };
};

const transportOf = (name: TransportName, extra: readonly string[]): Transport =>
  name === 'http'
    ? (new StreamableHTTPClientTransport(new URL(http.url)) as Transport)
    : new StdioClientTransport({
        command: process.execPath,
        args: [SERVER, '--rules', rules, ...(extra.length > 0 ? extra : ['--approval-wait-seconds', '3']), workspace],
        env: cleanEnvironment({ CORRAL_STATE_DIR: state }),
        stderr: 'ignore',
      });

/** A client that can ask its user; without `say` it cannot. */
const connect = async (
  transport: TransportName,
  era: Era,
  say?: (asked: Asked) => Promise<ElicitResult> | ElicitResult,
  extra: readonly string[] = [],
): Promise<Client> => {
  const client = new Client(
    { name: 'e2e', version: '0' },
    { versionNegotiation: ERAS[era], ...(say && { capabilities: { elicitation: {} } }) },
  );
  if (say !== undefined) client.setRequestHandler('elicitation/create', ({ params }) => say(params));
  open.push(client);
  await client.connect(transportOf(transport, extra));
  return client;
};

const accept = (decision: string) => (): ElicitResult => ({ action: 'accept', content: { decision } });

const corral = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, [SERVER, ...args], { env: cleanEnvironment({ CORRAL_STATE_DIR: state, NO_COLOR: '1' }) });

const waiting = async (text: string): Promise<Answer | undefined> => {
  const { stdout } = await corral('approvals', '--json');
  return (JSON.parse(stdout) as { approvals: Answer[] }).approvals.find(
    (one) => one['state'] === 'pending' && (one['text'] as string).includes(text),
  );
};

const untilWaiting = async (text: string): Promise<string> => {
  let found: Answer | undefined;
  await expect.poll(async () => (found = await waiting(text)), { timeout: 8000 }).toBeDefined();
  return found?.['id'] as string;
};

const calls = (client: Client): Pick<Corral, 'call' | 'refusal'> => callsOf(client);

describe.each<[TransportName, Era]>([
  ['stdio', 'legacy'],
  ['stdio', 'modern'],
  ['http', 'legacy'],
  ['http', 'modern'],
])('over %s, %s', (transport, era) => {
  it('asks the user of the client, shows what for, and runs what was allowed once', async () => {
    const { args } = script();
    const asked: Asked[] = [];
    const client = await connect(transport, era, (params) => {
      asked.push(params);
      return accept('allow once')();
    });
    const answer = await calls(client).call('execute_command', args);
    expect(answer['stdout']).toMatchObject({ text: 'ran\n' });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.message).toContain(args.command.join(' '));
    expect(asked[0]?.message).toContain('Asked because: scripts can do anything (rule scripts)');
    expect(asked[0]).toMatchObject({
      requestedSchema: { properties: { decision: { enum: ['allow once', 'allow for this session', 'deny'] } } },
    });
    await calls(client).call('execute_command', args);
    expect(asked).toHaveLength(2);
  });

  it('asks once for a session, and again when the script is another', async () => {
    const { path, args } = script();
    let asked = 0;
    const client = await connect(transport, era, () => {
      asked += 1;
      return accept('allow for this session')();
    });
    await calls(client).call('execute_command', args);
    await calls(client).call('execute_command', { ...args, wait_seconds: 20 });
    expect(asked).toBe(1);
    writeFileSync(path, 'echo changed\n');
    expect((await calls(client).call('execute_command', args))['stdout']).toMatchObject({ text: 'changed\n' });
    expect(asked).toBe(2);
  });

  it.each([
    ['declines', (): ElicitResult => ({ action: 'decline' })],
    ['denies', accept('deny')],
  ])('refuses what the user %s, and does not ask again', async (_how, say) => {
    const { args } = script(`touch ran-${transport}-${era}`);
    let asked = 0;
    const client = await connect(transport, era, () => {
      asked += 1;
      return say();
    });
    expect((await calls(client).refusal('execute_command', args)).code).toBe('denied');
    expect((await calls(client).refusal('execute_command', args)).code).toBe('denied');
    expect(asked).toBe(1);
    expect(existsSync(join(workspace, `ran-${transport}-${era}`))).toBe(false);
  });

  it('refuses for now what nobody answers, and says how to grant it', async () => {
    const { args } = script();
    const client = await connect(transport, era);
    const { code, hint } = await calls(client).refusal('execute_command', args);
    expect(code).toBe('approval_required');
    const line = /corral (approvals grant a[a-z2-7]+)/.exec(hint)?.[1]?.split(' ') ?? [];
    await corral(...line);
    expect((await calls(client).call('execute_command', args))['stdout']).toMatchObject({ text: 'ran\n' });
    expect((await calls(client).refusal('execute_command', args)).code).toBe('approval_required');
  });

  it('goes on when somebody grants it at the command line meanwhile', async () => {
    const { args } = script();
    const client = await connect(transport, era, undefined, ['--approval-wait-seconds', '15']);
    const work = calls(client).call('execute_command', args);
    const settled = work.then(
      () => true,
      () => true,
    );
    const id = await Promise.race([untilWaiting(args.command[1] ?? ''), settled]);
    await corral('approvals', 'grant', String(id));
    expect((await work)['stdout']).toMatchObject({ text: 'ran\n' });
  });

  it('stops waiting when the call is called off', async () => {
    const { args } = script(`touch off-${transport}-${era}`);
    const client = await connect(transport, era, undefined, ['--approval-wait-seconds', '15']);
    const stop = new AbortController();
    const work = calls(client).call('execute_command', args, stop.signal);
    work.catch(() => 'looked at below');
    const id = await untilWaiting(args.command[1] ?? '');
    stop.abort();
    await expect(work).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await corral('approvals', 'grant', id);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(existsSync(join(workspace, `off-${transport}-${era}`))).toBe(false);
    const { stdout } = await corral('approvals', '--json');
    expect((JSON.parse(stdout) as { approvals: Answer[] }).approvals.find((one) => one['id'] === id)).toMatchObject({ state: 'granted' });
  });
});

describe('the question before 2026, while the call waits', () => {
  it('is taken back when somebody denies it at the command line', async () => {
    const { args } = script();
    let stopped: unknown;
    const client = await connect('stdio', 'legacy', () => new Promise(() => undefined), ['--approval-wait-seconds', '15']);
    client.setRequestHandler('elicitation/create', (_request, { mcpReq }) => {
      mcpReq.signal.addEventListener('abort', () => (stopped = true));
      return new Promise<ElicitResult>(() => undefined);
    });
    const work = calls(client).refusal('execute_command', args);
    const id = await untilWaiting(args.command[1] ?? '');
    await corral('approvals', 'deny', id, '--reason', 'not now');
    const { code, message } = await work;
    expect(code).toBe('denied');
    expect(message).toContain('local (cli) said no: not now');
    await expect.poll(() => stopped).toBe(true);
  });

  it('never holds the call longer than configured', async () => {
    const { args } = script();
    const client = await connect('stdio', 'legacy', () => new Promise(() => undefined), ['--approval-wait-seconds', '1']);
    const began = performance.now();
    expect((await calls(client).refusal('execute_command', args)).code).toBe('approval_required');
    expect(performance.now() - began).toBeLessThan(8000);
  });
});

describe('the question since 2026, as it goes over the wire', () => {
  const META = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
  };
  const post = async (params: Record<string, unknown>): Promise<Answer> => {
    const response = await fetch(http.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'execute_command',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'execute_command', _meta: META, ...params } }),
    });
    const text = await response.text();
    return JSON.parse(text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}')) as Answer;
  };
  const yes = { approval: { action: 'accept', content: { decision: 'allow once' } } };
  const ask = async (args: object): Promise<string> => {
    const { result } = await post({ arguments: args });
    expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { approval: { method: 'elicitation/create' } } });
    return result.requestState as string;
  };

  it('is answered once: the same answer again is asked about again', async () => {
    const { args } = script();
    const requestState = await ask(args);
    const first = await post({ arguments: args, requestState, inputResponses: yes });
    expect(first['result'].structuredContent.stdout.text).toBe('ran\n');
    const again = await post({ arguments: args, requestState, inputResponses: yes });
    expect(again['result']).toMatchObject({ resultType: 'input_required' });
  });

  it('is not answered by forged state', async () => {
    const { args } = script();
    const state = await ask(args);
    const [version, body = '', mac] = state.split('.');
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as { exp: number };
    const later = Buffer.from(JSON.stringify({ ...payload, exp: payload.exp + 3600 })).toString('base64url');
    for (const forged of [`${version}.${later}.${mac}`, `${state}x`, 'nonsense', '']) {
      const { error, result } = await post({ arguments: args, requestState: forged, inputResponses: yes });
      expect(error ?? result, forged).toMatchObject({ code: -32602 });
    }
  });

  it('is not answered by state of another call, nor without state, nor by what was not offered', async () => {
    const one = script();
    const two = script();
    const requestState = await ask(one.args);
    const attempts = [
      { arguments: two.args, requestState, inputResponses: yes },
      { arguments: one.args, inputResponses: yes },
      { arguments: one.args, requestState },
      { arguments: one.args, requestState, inputResponses: { approval: { action: 'accept', content: { decision: 7 } } } },
    ];
    for (const attempt of attempts)
      expect((await post(attempt))['result'], JSON.stringify(attempt)).toMatchObject({ resultType: 'input_required' });
  });

  it('is void when the script changes before the answer comes', async () => {
    const { path, args } = script();
    const requestState = await ask(args);
    writeFileSync(path, 'echo swapped\n');
    expect((await post({ arguments: args, requestState, inputResponses: yes }))['result']).toMatchObject({ resultType: 'input_required' });
  });

  it('is signed with a key that only this user can read', () => {
    expect(statSync(join(state, 'request-state.key')).mode & 0o777).toBe(0o600);
  });
});

describe('corral approvals', () => {
  const refused = async (...args: string[]): Promise<{ code: number; stderr: string }> =>
    corral(...args).then(
      () => ({ code: 0, stderr: '' }),
      (error: unknown) => error as { code: number; stderr: string },
    );

  it('grants a prefix, which then covers what begins with it on every server', async () => {
    const client = await connect('stdio', 'legacy', undefined, ['--approval-wait-seconds', '0']);
    const input = { path: join(workspace, 'text'), content: 'a\nb\n' };
    writeFileSync(input.path, input.content);
    const { hint } = await calls(client).refusal('execute_command', { command: ['wc', '-l', 'text'] });
    const id = /grant (a[a-z2-7]+)/.exec(hint)?.[1] ?? '';
    const { stdout } = await corral('approvals', 'grant', id, '--prefix', '1');
    expect(stdout).toContain(`${id} granted: wc ...`);
    expect((await calls(client).call('execute_command', { command: ['wc', '-c', 'text'] }))['stdout']).toMatchObject({ text: '4 text\n' });
    const { stdout: list } = await corral('approvals');
    expect(list).toMatch(new RegExp(`^${id} +granted: wc \\.\\.\\. `, 'm'));
    await corral('approvals', 'deny', id);
    expect((await calls(client).refusal('execute_command', { command: ['wc', '-c', 'text'] })).code).toBe('approval_required');
  });

  it('says what is wrong', async () => {
    expect(await refused('approvals', 'grant', 'anothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no question "anothing".') as unknown,
    });
    expect(await refused('approvals', 'grant', 'a1', '--session', '--prefix', '2')).toMatchObject({ code: 2 });
    expect(await refused('approvals', 'grant', 'a1', '--prefix', 'two')).toMatchObject({ code: 2 });
    expect(await refused('approvals', 'nonsense')).toMatchObject({ code: 2 });
  });

  it('leaves a trace of question and answer in the audit log', async () => {
    const { stdout } = await corral('audit', 'tail', '-n', '2000', '--json');
    const kinds = new Set(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: { kind: string } }).event.kind),
    );
    expect([...kinds]).toEqual(expect.arrayContaining(['asked', 'granted', 'denied']));
  });
});
