import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamName } from '../../../ports/sandbox.ts';
import type { Tree } from './tree.ts';

/** How a scripted program ended. */
export type Ending = { readonly code: number } | { readonly signal: number };

/** What a scripted program may do. */
export interface ProgramContext {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tree: Tree;
  /** Aborted by a signal that ends the program. */
  readonly abort: AbortSignal;
  /** Signals below this program's `signal` handler: SIGTERM is not delivered when it is ignored. */
  ignoreTermination(): void;
  print(stream: StreamName, data: Uint8Array | string): void;
  /** The next piece of standard input; undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  /** Leaves a process behind that lives for `ms`, then prints. */
  leaveBehind(ms: number, print: string): void;
  listen(port: number): void;
}

type Program = (context: ProgramContext) => Promise<number | Ending>;

const SPAM_PIECE = Buffer.alloc(16 * 1024, 'spam '.repeat(3).concat('\n'));
const MAX_SLEEP_MS = 2_147_483_647;

const pause = async (ms: number, abort: AbortSignal): Promise<void> => {
  await sleep(Math.min(ms, MAX_SLEEP_MS), undefined, { signal: abort, ref: false }).catch(() => {}); // woken by a signal: the caller looks
};

const number = (text: string | undefined, fallback: number): number => (text === undefined ? fallback : Number(text));

/** The whole vocabulary. Unknown names are "not found", as in a PATH. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  ['echo', async ({ args, print }) => (print('stdout', `${args.join(' ')}\n`), 0)],
  ['complain', async ({ args, print }) => (print('stderr', `${args.join(' ')}\n`), 0)],
  ['true', async () => 0],
  ['fail', async ({ print }) => (print('stderr', 'failed\n'), 1)],
  ['exit', async ({ args }) => number(args[0], 0)],
  ['pwd', async ({ cwd, print }) => (print('stdout', `${cwd}\n`), 0)],
  ['printenv', async ({ args, env, print }) => (print('stdout', `${env[args[0] ?? ''] ?? ''}\n`), 0)],
  ['raise', async ({ args }) => ({ signal: constants.signals[args[0] as NodeJS.Signals] ?? number(args[0], 15) })],
  ['sleep', async ({ args, abort }) => (await pause(number(args[0], 0), abort), 0)],
  [
    'stubborn',
    async ({ args, abort, ignoreTermination, print }) => {
      ignoreTermination();
      print('stdout', 'ready\n');
      await pause(number(args[0], 0), abort);
      return 0;
    },
  ],
  [
    'cat',
    async ({ read, print, abort }) => {
      for (let piece = await read(); piece !== undefined && !abort.aborted; piece = await read()) print('stdout', piece);
      return 0;
    },
  ],
  [
    'spam',
    async ({ args, print, abort }) => {
      for (let left = number(args[0], 0); left > 0 && !abort.aborted; left -= SPAM_PIECE.length) {
        print('stdout', SPAM_PIECE.subarray(0, left));
        await sleep(0, undefined, { ref: false });
      }
      return 0;
    },
  ],
  ['background', async ({ args, leaveBehind }) => (leaveBehind(number(args[0], 0), args[1] ?? ''), 0)],
  [
    'listen',
    async ({ args, listen, abort }) => {
      listen(number(args[0], 0));
      await pause(MAX_SLEEP_MS, abort);
      return 0;
    },
  ],
  ['link', async ({ args, tree }) => (tree.link(args[0] ?? '', args[1] ?? ''), 0)],
]);
