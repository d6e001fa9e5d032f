import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface RawReply {
  readonly id?: string | number | null;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** A stdio server spoken to byte by byte. */
export interface RawStdio extends AsyncDisposable {
  readonly pid: number;
  /** Every line of stdout so far. */
  readonly lines: string[];
  stderr(): string;
  write(text: string | Buffer): void;
  send(message: Record<string, unknown>): void;
  /** The answer to a request. */
  reply(id: string | number | null): Promise<RawReply>;
  /** Resolves when the line has been seen on stderr. */
  seen(text: string): Promise<void>;
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
  pauseReading(): void;
  resumeReading(): void;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

const LEGACY_HELLO = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

/** `_meta` of every request of the modern era. */
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
};

export const startRaw = (file: string, env: Record<string, string> = {}): RawStdio => {
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const lines: string[] = [];
  let stderr = '';
  const wake = new Set<() => void>();
  const changed = (): void => {
    for (const check of wake) check();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    changed();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    changed();
  });
  child.stdin.on('error', () => undefined); // the server may be gone; the test looks at its exit
  const exited = once(child, 'close').then(([code, signal]) => {
    changed();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const until = <T>(what: string, find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        wake.delete(check);
        reject(new Error(`never came: ${what}; stdout ${lines.slice(-5).join(' | ').slice(0, 500)}; stderr ${stderr.slice(-500)}`));
      }, 10_000);
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        wake.delete(check);
        resolve(found);
      };
      wake.add(check);
      check();
    });
  const write = (text: string | Buffer): void => void child.stdin.write(text);
  return {
    pid: child.pid ?? 0,
    lines,
    exited,
    stderr: () => stderr,
    write,
    send: (message) => write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    reply: (id) =>
      until(`reply ${String(id)}`, () =>
        lines.map((line) => JSON.parse(line) as RawReply).find((message) => message.method === undefined && message.id === id),
      ),
    seen: async (text) => void (await until(text, () => (stderr.includes(text) ? true : undefined))),
    endInput: () => child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    pauseReading: () => void child.stdout.pause(),
    resumeReading: () => void child.stdout.resume(),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
};

/** Started, and past the handshake of the era before 2026. */
export const startLegacy = async (file: string, env?: Record<string, string>): Promise<RawStdio> => {
  const server = startRaw(file, env);
  server.send({ id: 'hello', ...LEGACY_HELLO });
  await server.reply('hello');
  server.send({ method: 'notifications/initialized' });
  return server;
};

export const callTool = (name: string, args: Record<string, unknown> = {}): Record<string, unknown> => ({
  method: 'tools/call',
  params: { name, arguments: args },
});
