import type { Worker } from 'node:worker_threads';
import { CorralError } from '../../ports/errors.ts';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import { startThread } from '../worker-thread.ts';
import type { ScreenJob, ScreenReply, Snapshot } from './protocol.ts';
import type { TerminalSize } from './sizes.ts';

const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };
/** Many times what the longest replay takes. */
const STUCK_MS = 20_000;
/** What is read at once where the output is not in a file: as much as is kept so. */
const UNFILED_BYTES = 64 * 1024;

export interface ScreenRequest {
  readonly ref: LogRef;
  readonly sizes: readonly TerminalSize[];
  /** Bytes of the output to show. */
  readonly to: number;
}

/** What stands on the terminals of executions. Owns the thread that draws them, which starts with the first one. */
export interface Screens extends AsyncDisposable {
  show(request: ScreenRequest): Promise<Snapshot>;
  /** From this byte of its output on, what a program asks its terminal is answered, until disposed. */
  answer(execution: string, fromByte: number, answer: (data: string) => void): Disposable;
}

interface Pending {
  resolve(reply: Extract<ScreenReply, { snapshot: Snapshot }>): void;
  reject(error: CorralError): void;
}

interface Answering {
  from: number;
  readonly answer: (data: string) => void;
}

export const createScreens = (logs: LogStore): Screens => {
  const pending = new Map<number, Pending>();
  const answering = new Map<string, Answering>();
  let starting: Promise<Worker> | undefined;
  let lastId = 0;
  let disposed = false;

  const fail = (why: string): void => {
    starting = undefined;
    const error = new CorralError('unavailable', `The screen could not be drawn: ${why}.`, {
      hint: 'Call again, or read the stream (read_output without screen).',
    });
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };

  const start = async (): Promise<Worker> => {
    const worker = await startThread(new URL('screen-worker.ts', import.meta.url), LIMITS);
    worker.unref();
    worker.on('message', (reply: ScreenReply) => {
      const asker = pending.get(reply.id);
      pending.delete(reply.id);
      if ('snapshot' in reply) asker?.resolve(reply);
      else asker?.reject(new CorralError('internal', `The screen could not be drawn: ${reply.failed}`));
    });
    worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)));
    worker.once('exit', () => fail('its thread ended'));
    return worker;
  };

  const thread = (): Promise<Worker> => {
    if (disposed) throw new CorralError('unavailable', 'The server is ending.');
    starting ??= start().catch((error: unknown) => {
      starting = undefined;
      throw error;
    });
    return starting;
  };

  const ask = async (job: Omit<ScreenJob, 'id'>): Promise<Extract<ScreenReply, { snapshot: Snapshot }>> => {
    const worker = await thread();
    lastId += 1;
    const id = lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject });
        timer = setTimeout(() => {
          fail('its thread is stuck');
          worker.terminate().catch(() => undefined); // it ends by itself then
        }, STUCK_MS);
        worker.postMessage({ id, ...job } satisfies ScreenJob);
      });
    } finally {
      clearTimeout(timer);
    }
  };

  const sourceOf = async (ref: LogRef): Promise<ScreenJob['source']> => {
    const path = await logs.path(ref, 'stdout');
    return path === undefined ? { data: await logs.read(ref, 'stdout', 0, UNFILED_BYTES) } : { path };
  };

  return {
    async show({ ref, sizes, to }) {
      const source = await sourceOf(ref);
      const listener = answering.get(ref.execution);
      const from = listener?.from ?? Number.POSITIVE_INFINITY;
      // Whatever this draws, nobody answers a second time.
      if (listener !== undefined) listener.from = Math.max(from, to);
      const { snapshot, answers } = await ask({ screen: ref.execution, source, sizes, to, answerFrom: from });
      if (answers !== '') listener?.answer(answers);
      return snapshot;
    },
    answer(execution, fromByte, answer) {
      const mine = { from: fromByte, answer };
      answering.set(execution, mine);
      return {
        [Symbol.dispose]: () => {
          if (answering.get(execution) === mine) answering.delete(execution);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      const worker = await starting?.catch(() => undefined);
      await worker?.terminate();
    },
  };
};
