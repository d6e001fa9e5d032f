import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from '../../../../scripts/lib/build.mjs';
import { PROGRAM } from '../../../faces/cli/support/program.ts';

export interface Answer {
  readonly blocks: readonly string[];
  readonly isError: boolean;
  readonly structured: boolean;
  /** From the call to the answer. */
  readonly ms: number;
}

export interface ShellServer extends AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  stderr(): string;
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<Answer>;
  execute(command: readonly string[], more?: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Starts a background process and gives its ID. */
  start(command: readonly string[], more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Asks for the logs until they satisfy, a few seconds at most. */
  logsUntil(id: string, good: (text: string) => boolean, more?: Readonly<Record<string, unknown>>): Promise<Answer>;
}

/** Folders of one test file, gone when disposed. */
export interface Ground extends Disposable {
  readonly state: string;
  readonly work: string;
  open(options?: { readonly env?: Readonly<Record<string, string>>; readonly args?: readonly string[] }): Promise<ShellServer>;
}

const ALLOWED = 'sh,cat,echo,ls,wc,tr,head,sleep,printf,env,grep,yes,absent,true,tee,pwd,seq';
const PATIENCE_MS = 5000;

const clean = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(CORRAL_|ALLOW|PROCESS_RETENTION|DEFAULT_ENCODING|XDG_|LC_|LANG|MCP_)/.test(entry[0]),
    ),
  );

const openServer = async (
  ground: Pick<Ground, 'state' | 'work'>,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<ShellServer> => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, '--profile', 'shell-server', ...args],
    env: { ...clean(), CORRAL_STATE_DIR: ground.state, ALLOW_COMMANDS: ALLOWED, LANG: 'C.UTF-8', ...env },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  const call: ShellServer['call'] = async (name, input = {}) => {
    const began = performance.now();
    const result = await client.callTool({ name, arguments: { ...input } });
    const content = result.content as readonly { readonly text?: string }[];
    return {
      blocks: content.map(({ text = '' }) => text),
      isError: result.isError === true,
      structured: result.structuredContent !== undefined,
      ms: performance.now() - began,
    };
  };
  const start: ShellServer['start'] = async (command, more = {}) => {
    const { blocks } = await call('shell_bg_start', { command, directory: ground.work, description: 'a test', ...more });
    const id = /^Started background process with ID: ([0-9a-f]{5})$/.exec(blocks[0] ?? '')?.[1];
    if (id === undefined) throw new Error(`not started: ${blocks.join(' ')}`);
    return id;
  };
  return {
    client,
    pid: transport.pid ?? 0,
    stderr: () => stderr,
    call,
    execute: (command, more = {}) => call('shell_execute', { command, directory: ground.work, ...more }),
    start,
    logsUntil: async (id, good, more = {}) => {
      const end = performance.now() + PATIENCE_MS;
      for (;;) {
        const answer = await call('shell_bg_logs', { process_id: id, ...more });
        if (good(answer.blocks.join('\n'))) return answer;
        if (performance.now() > end) throw new Error(`never came: ${answer.blocks.join('\n')}`);
        await sleep(30);
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
};

export const openGround = async (): Promise<Ground> => {
  await build();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'corral-shell-server-')));
  const ground = { state: join(folder, 'state'), work: mkdtempSync(join(folder, 'work-')) };
  return {
    ...ground,
    open: ({ env = {}, args = [] } = {}) => openServer(ground, env, args),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};
