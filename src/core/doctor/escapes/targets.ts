import { chmod, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

/** What attacks are aimed at, made outside for the time of the probes. */
export interface Targets extends AsyncDisposable {
  readonly outside: string;
  readonly port: number;
  readonly abstract: string;
  readonly neighbour: string;
}

const MAX_HOME_PATHS = 40;

const listen = async (server: Server, where: { port: number; host?: string } | { path: string }): Promise<void> => {
  server.on('connection', (socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
};

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export const openTargets = async (): Promise<Targets> => {
  const name = `corral-probe-${randomBytes(6).toString('hex')}`;
  const outside = await realpath(await mkdtemp(join(tmpdir(), `${name}-`)));
  const [tcp, abstract] = [createServer(), createServer()];
  const dispose = async (): Promise<void> => {
    await Promise.all([tcp, abstract].filter((server) => server.listening).map(close));
    await rm(outside, { recursive: true, force: true });
  };
  try {
    await chmod(outside, 0o755);
    await writeFile(join(outside, 'secret'), name, { mode: 0o644 });
    await mkdir(join(outside, 'open'));
    await chmod(join(outside, 'open'), 0o777);
    await listen(tcp, { port: 0, host: '127.0.0.1' });
    await listen(abstract, { path: `\0${name}` });
  } catch (error) {
    await dispose();
    throw error;
  }
  const bound = tcp.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port');
  return { outside, port: bound.port, abstract: name, neighbour: `${name}-neighbour`, [Symbol.asyncDispose]: dispose };
};

/** Entries of the home folder that no mount is at, in or above. */
export const privateHomePaths = async (home: string, mounted: readonly string[]): Promise<string[]> => {
  const real = await realpath(home);
  const leadsTo = (path: string): boolean =>
    mounted.some((target) => target === path || target.startsWith(`${path}/`) || path.startsWith(`${target}/`));
  return (await readdir(real))
    .map((name) => join(real, name))
    .filter((path) => !leadsTo(path))
    .slice(0, MAX_HOME_PATHS);
};
