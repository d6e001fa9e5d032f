import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../../scripts/lib/build.mjs';
import { callsOf, cleanEnvironment, type Corral, SERVER, temporaryFolder } from './corral.ts';

const START_MS = 15_000;

export interface HttpCorral extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** A further client with a connection of its own. */
  connect(): Promise<Pick<Corral, 'call' | 'refusal'> & { readonly client: Client }>;
}

/** `corral serve` on a free port of the loopback. */
export const startHttpCorral = async (args: readonly string[] = []): Promise<HttpCorral> => {
  await build();
  const folder = temporaryFolder();
  const workspace = join(folder.path, 'work');
  mkdirSync(workspace);
  const child = spawn(process.execPath, [SERVER, 'serve', '--bind', '127.0.0.1:0', ...args, workspace], {
    env: cleanEnvironment({ CORRAL_STATE_DIR: join(folder.path, 'state'), NO_COLOR: '1' }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server said no address: ${said}`)), START_MS);
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(said)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${said}`)));
  });
  const clients: Client[] = [];
  return {
    url,
    pid: child.pid ?? 0,
    connect: async () => {
      const client = new Client({ name: 'e2e', version: '0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
      await client.connect(new StreamableHTTPClientTransport(new URL(url)) as Transport);
      clients.push(client);
      return { client, ...callsOf(client) };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(clients.map((client) => client.close()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
      await exited;
      clearTimeout(timer);
      folder[Symbol.dispose]();
    },
  };
};
