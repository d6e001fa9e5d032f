import { Client, ProtocolError, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../../../scripts/lib/build.mjs';
import { ROOT } from '../../../../scripts/lib/process.mjs';
import { openPlace, type Running } from '../../../faces/cli/support/program.ts';

export type Arguments = Readonly<Record<string, unknown>>;

const commandLine = (pid: string): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // gone meanwhile
  }
};

/** Living processes with this as one of their arguments. */
export const withArgument = (word: string): readonly string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(word));

/** The text of a result, or the error of the protocol. */
export type Reply = string | { readonly code: number; readonly message: string };

export interface SecureExec extends AsyncDisposable {
  readonly client: Client;
  /** Where the server was started. */
  readonly cwd: string;
  readonly stateDir: string;
  call(tool: string, args?: Arguments, signal?: AbortSignal): Promise<Reply>;
  stderr(): string;
  /** What was logged, once so many lines of it have been written. */
  logged(event: string, count?: number): Promise<readonly Record<string, any>[]>;
}

const environment = (extra: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(?:CORRAL|MCP_EXEC)_/.test(entry[0]),
    ),
  ),
  ...extra,
});

export const callsOf =
  (client: Client): SecureExec['call'] =>
  async (tool, args = {}, signal) => {
    try {
      const result = await client.callTool(
        { name: tool, arguments: args as Record<string, unknown> },
        { timeout: 30_000, ...(signal && { signal }) },
      );
      const content = result.content as readonly { readonly type: string; readonly text: string }[];
      if (result.isError === true || content.length !== 1 || content[0]?.type !== 'text' || result.structuredContent !== undefined)
        throw new Error(`no plain result: ${JSON.stringify(result)}`);
      return content[0].text;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: error.code, message: error.message };
    }
  };

const eventsIn = (stderr: string, event: string): Record<string, any>[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, any>)
    .filter((line) => line['event'] === event);

/** `corral --profile secure-exec ...` behind a client over stdio. */
export const startStdio = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SecureExec> => {
  await build();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'corral-secure-exec-')));
  const [cwd, stateDir] = [join(folder, 'work'), join(folder, 'state')];
  mkdirSync(cwd);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(ROOT, 'dist/corral.js'), '--profile', 'secure-exec', ...args],
    cwd,
    env: environment({ CORRAL_STATE_DIR: stateDir, XDG_CONFIG_HOME: join(folder, 'config'), ...env }),
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client({ name: 'secure-exec', version: '0' });
  const close = async (): Promise<void> => {
    await client.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await client.connect(transport as Transport);
  } catch (error) {
    await close();
    throw new Error(`the server did not start: ${stderr}`, { cause: error });
  }
  return {
    client,
    cwd,
    stateDir,
    call: callsOf(client),
    stderr: () => stderr,
    logged: async (event, count = 1) => {
      for (let round = 0; round < 100 && eventsIn(stderr, event).length < count; round += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      return eventsIn(stderr, event);
    },
    [Symbol.asyncDispose]: close,
  };
};

export interface SecureExecHttp extends AsyncDisposable {
  readonly url: string;
  readonly running: Running;
  connect(
    headers?: Readonly<Record<string, string>>,
    pin?: string,
  ): Promise<{ readonly client: Client; readonly transport: StreamableHTTPClientTransport; readonly call: SecureExec['call'] }>;
}

/** The same over HTTP, on a free port of the loopback. */
export const startHttp = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SecureExecHttp> => {
  const place = await openPlace();
  const running = place.start(['--profile', 'secure-exec', '--transport', 'streamable-http', '--bind', '127.0.0.1:0', ...args], {
    env: { NO_COLOR: '1', ...env },
    openInput: true,
  });
  await running.said(/http:\/\/127\.0\.0\.1:\d+/);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0] ?? '';
  const clients: Client[] = [];
  return {
    url,
    running,
    connect: async (headers = {}, pin) => {
      const client = new Client({ name: 'secure-exec', version: '0' }, pin === undefined ? {} : { versionNegotiation: { mode: { pin } } });
      const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
      await client.connect(transport as Transport);
      clients.push(client);
      return { client, transport, call: callsOf(client) };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(clients.map((client) => client.close()));
      await running[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
};
