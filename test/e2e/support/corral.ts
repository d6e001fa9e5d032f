import { Client, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../../scripts/lib/build.mjs';
import { ROOT } from '../../../scripts/lib/process.mjs';

export const SERVER: string = join(ROOT, 'dist/corral.js');

/** What a tool answers, as JSON. */
export type Answer = Record<string, any>;

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A folder of its own, gone when disposed. */
export interface Folder extends Disposable {
  readonly path: string;
}

export const temporaryFolder = (): Folder => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'corral-e2e-')));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

/** The built server behind a real client: what every test here goes through. */
export interface Corral extends AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  readonly stateDir: string;
  readonly workspace: string;
  /** Structured answer of a tool; rejects with what the server said when it refused. */
  call(tool: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<Answer>;
  /** The refusal of a tool; rejects when it answered instead. */
  refusal(tool: string, args?: Record<string, unknown>): Promise<Refusal>;
  stderr(): string;
  /** Closes the connection and waits for the process to end. */
  close(): Promise<void>;
}

export interface CorralOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that outlives the server, instead of one of its own. */
  readonly stateDir?: string;
  readonly workspace?: string;
  /** Goes before `node dist/corral.js ...`. */
  readonly wrapper?: readonly string[];
}

const CALL_MS = 60_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Environment of the tests without what would configure the server. */
export const cleanEnvironment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('CORRAL_')),
  ),
  ...extra,
});

/** Calls of a client, with answers and refusals told apart. */
export const callsOf = (client: Client): Pick<Corral, 'call' | 'refusal'> => {
  const request = async (
    tool: string,
    args: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<{ readonly refused: boolean; readonly answer: Answer }> => {
    const result = await client.callTool({ name: tool, arguments: args }, { timeout: CALL_MS, ...(signal && { signal }) });
    const answer = (result.structuredContent ?? {}) as Answer;
    const [text] = result.content as readonly { readonly text?: string }[];
    if (text?.text !== JSON.stringify(answer)) throw new Error(`text and structuredContent differ: ${text?.text?.slice(0, 500)}`);
    return { refused: result.isError === true, answer };
  };
  return {
    call: async (tool, args = {}, signal) => {
      const { refused, answer } = await request(tool, args, signal);
      if (refused) throw new Error(`${tool} was refused: ${JSON.stringify(answer).slice(0, 1000)}`);
      return answer;
    },
    refusal: async (tool, args = {}) => {
      const { refused, answer } = await request(tool, args);
      if (!refused) throw new Error(`${tool} answered: ${JSON.stringify(answer).slice(0, 1000)}`);
      return answer['error'] as Refusal;
    },
  };
};

export const startCorral = async (options: CorralOptions = {}): Promise<Corral> => {
  await build();
  const folder = temporaryFolder();
  const stateDir = options.stateDir ?? join(folder.path, 'state');
  const workspace = options.workspace ?? realpathSync(mkdtempSync(join(folder.path, 'work-')));
  const argv = [...(options.wrapper ?? []), process.execPath, SERVER, ...(options.args ?? []), workspace];
  const transport = new StdioClientTransport({
    command: argv[0] ?? process.execPath,
    args: argv.slice(1),
    env: cleanEnvironment({ CORRAL_STATE_DIR: stateDir, ...options.env }),
    stderr: 'pipe',
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client({ name: 'e2e', version: '0' });
  const close = async (): Promise<void> => {
    await client.close();
    folder[Symbol.dispose]();
  };
  try {
    await client.connect(transport as Transport);
  } catch (error) {
    await close();
    throw new Error(`the server did not start: ${stderr}`, { cause: error });
  }
  return {
    client,
    pid: transport.pid ?? 0,
    stateDir,
    workspace,
    ...callsOf(client),
    stderr: () => stderr,
    close,
    [Symbol.asyncDispose]: close,
  };
};
