import type { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { guardStdout } from './stdout-guard.ts';
import { StdioTransport } from './stdio-transport.ts';

/** From the end of the connection to the end of the process, in ms. */
const EXIT_WITHIN_MS = 900;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export interface StdioFaceOptions {
  readonly factory: (context: { readonly era: 'legacy' | 'modern' }) => McpServer;
  /** Ends what the server owns; calls in flight have been aborted by then. Has about 0.9 s, then the process ends regardless. */
  readonly onClose: (reason: string) => Promise<void>;
  /** Protocol errors and a late or failed `onClose`: for the log. */
  readonly onError: (error: Error) => void;
  /** Default: ends the process. */
  readonly exit?: (code: number) => void;
}

export interface StdioFace {
  /** Ends the connection as the end of stdin would. */
  close(): Promise<void>;
  /** Resolves after `onClose`, just before the process exits. */
  readonly done: Promise<void>;
}

const toError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)));

/** True when `work` was done in time. */
const within = async (ms: number, work: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Serves MCP, both eras, on this process's stdin and stdout, and ends the process when the client goes away: end of input, a broken stdout,
 * SIGTERM, SIGINT and SIGHUP are one and the same.
 */
export const serveMcpStdio = (options: StdioFaceOptions): StdioFace => {
  const { onError, exit = (code) => process.exit(code) } = options;
  const stdout = guardStdout();
  const transport = new StdioTransport({ input: process.stdin, output: stdout.stream, write: stdout.write });
  const handle = serveStdio(options.factory, { legacy: 'serve', transport, onerror: onError });

  const onSignal = (signal: NodeJS.Signals): void => transport.end(signal);
  for (const signal of SIGNALS) process.on(signal, onSignal);

  const flushed = (): Promise<void> =>
    new Promise((resolve) => {
      if (stdout.stream.writableLength === 0 || stdout.stream.destroyed) resolve();
      else stdout.write('', () => resolve());
    });

  const finish = async (): Promise<void> => {
    const reason = await transport.closed;
    // Aborted calls react first, while what they need is still there.
    await nextTurn();
    let code = 0;
    try {
      if (!(await within(EXIT_WITHIN_MS, Promise.all([options.onClose(reason), flushed()])))) {
        code = 1;
        onError(new Error(`Shutting down took longer than ${String(EXIT_WITHIN_MS)} ms; the process ends without waiting.`));
      }
    } catch (error) {
      code = 1;
      onError(toError(error));
    }
    for (const signal of SIGNALS) process.off(signal, onSignal);
    stdout[Symbol.dispose]();
    exit(code);
  };

  return { close: () => handle.close(), done: finish() };
};
