import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from '../../../../scripts/lib/build.mjs';
import { PROGRAM } from '../../../faces/cli/support/program.ts';

export interface Answer {
  readonly text: string;
  readonly isError: boolean;
  readonly structured: boolean;
  /** From the call to the answer. */
  readonly ms: number;
}

type Arguments = Readonly<Record<string, unknown>>;

export interface ExecServer extends AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  stderr(): string;
  call(name: string, args?: Arguments): Promise<Answer>;
  /** The text of an answer that is no error. */
  text(name: string, args?: Arguments): Promise<string>;
  /** execute_command. */
  run(command: string, more?: Arguments): Promise<string>;
  /** Starts what outlasts its wait, and gives its session. */
  session(command: string, more?: Arguments): Promise<string>;
  /** Reads a session until what it says satisfies, a few seconds at most. */
  readUntil(id: string, good: (text: string) => boolean): Promise<string>;
}

/** Folders of one test file, gone when disposed. */
export interface Ground extends Disposable {
  readonly state: string;
  readonly work: string;
  /** A folder with programs of these names and shell texts. */
  fakes(programs: Readonly<Record<string, string>>): string;
  open(options?: {
    readonly blocked?: readonly string[];
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** In front of PATH. */
    readonly path?: string;
    readonly state?: string;
  }): Promise<ExecServer>;
}

/** Behind a number of seconds: a sleep that nobody else on this machine sleeps. */
export const MARK = `.${String(process.pid)}`;

const PATIENCE_MS = 8000;

const clean = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(CORRAL_|XDG_|LC_|LANG|MCP_)/.test(entry[0]),
    ),
  );

const openServer = async (argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Promise<ExecServer> => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, '--profile', 'exec', ...argv],
    env,
    cwd,
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  const call: ExecServer['call'] = async (name, args = {}) => {
    const began = performance.now();
    const result = await client.callTool({ name, arguments: { ...args } });
    const content = result.content as readonly { readonly text?: string }[];
    return {
      text: content.map(({ text = '' }) => text).join('\n'),
      isError: result.isError === true,
      structured: result.structuredContent !== undefined,
      ms: performance.now() - began,
    };
  };
  const text: ExecServer['text'] = async (name, args) => {
    const answer = await call(name, args);
    if (answer.isError) throw new Error(`${name} failed: ${answer.text}`);
    return answer.text;
  };
  const run: ExecServer['run'] = (command, more = {}) => text('execute_command', { command, ...more });
  return {
    client,
    pid: transport.pid ?? 0,
    stderr: () => stderr,
    call,
    text,
    run,
    session: async (command, more = {}) => {
      const answer = await run(command, { wait_time: 0, ...more });
      const id = /^Command still running in background\. Session ID: (\d+)/.exec(answer)?.[1];
      if (id === undefined) throw new Error(`not running: ${answer}`);
      return id;
    },
    readUntil: async (id, good) => {
      const end = performance.now() + PATIENCE_MS;
      for (;;) {
        const answer = await text('read_output', { session_id: id });
        if (good(answer)) return answer;
        if (performance.now() > end) throw new Error(`never came: ${answer}`);
        await sleep(30);
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
};

export const openGround = async (): Promise<Ground> => {
  await build();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'corral-exec-')));
  const [state, work] = [join(folder, 'state'), mkdtempSync(join(folder, 'work-'))];
  return {
    state,
    work,
    fakes: (programs) => {
      const bin = mkdtempSync(join(folder, 'bin-'));
      for (const [name, text] of Object.entries(programs)) {
        writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
        chmodSync(join(bin, name), 0o755);
      }
      return bin;
    },
    open: ({ blocked = [], args = [], env = {}, path, state: own = state } = {}) => {
      const before = clean();
      const PATH = path === undefined ? before['PATH'] : `${path}${delimiter}${before['PATH'] ?? ''}`;
      return openServer(
        [...blocked, ...args],
        { ...before, ...(PATH !== undefined && { PATH }), CORRAL_STATE_DIR: own, LANG: 'C.UTF-8', ...env },
        work,
      );
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};
