import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../../../scripts/lib/build.mjs';
import { ROOT } from '../../../../scripts/lib/process.mjs';

export const PROGRAM: string = join(ROOT, 'dist/corral.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Resolves when either stream has said this; rejects when the process ended before. */
  said(text: string | RegExp): Promise<void>;
  write(text: string): void;
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading standard output, as a reader that goes away. */
  closeOutput(): void;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whole standard input; absent = none; 'open' = a pipe that stays open. */
  readonly input?: string | Uint8Array;
  readonly openInput?: boolean;
}

/** A person's place: a state folder and a project folder of their own, gone when disposed. */
export interface Place extends Disposable {
  readonly stateDir: string;
  readonly project: string;
  start(args: readonly string[], options?: StartOptions): Running;
  /** Runs to the end. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Ends the sandboxes that were left running on purpose. */
  endSandboxes(): Promise<void>;
}

const LIMIT_MS = 30_000;

const environment = (extra: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(CORRAL_|NO_COLOR$|XDG_)/.test(entry[0]),
    ),
  ),
  ...extra,
});

const start = (args: readonly string[], cwd: string, env: Record<string, string>, options: StartOptions): Running => {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const texts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const listeners = new Set<() => void>();
  const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(texts[stream]).toString('utf8');
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (data: Buffer) => {
      texts[stream].push(data);
      for (const listener of listeners) listener();
    });
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  else if (options.openInput !== true) child.stdin.end();
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: text('stdout'), stderr: text('stderr') });
      for (const listener of listeners) listener();
    });
  });
  const has = (wanted: string | RegExp): boolean =>
    [text('stdout'), text('stderr')].some((said) => (typeof wanted === 'string' ? said.includes(wanted) : wanted.test(said)));
  return {
    pid: child.pid ?? 0,
    ended,
    stdout: () => text('stdout'),
    stderr: () => text('stderr'),
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (has(wanted)) resolve();
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(
              new Error(
                `ended with ${child.exitCode ?? child.signalCode} without saying ${String(wanted)}: ${text('stdout')}${text('stderr')}`,
              ),
            );
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    write: (input) => void child.stdin.write(input),
    endInput: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    closeOutput: () => void child.stdout.destroy(),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      child.stdin.destroy();
      await ended;
    },
  };
};

/** Builds when something changed, then gives the tests a place. */
export const openPlace = async (): Promise<Place> => {
  await build();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'corral-cli-')));
  const [stateDir, project] = [join(folder, 'state'), mkdtempSync(join(folder, 'project-'))];
  const begin = (args: readonly string[], options: StartOptions = {}): Running =>
    start(
      args,
      options.cwd ?? project,
      environment({ CORRAL_STATE_DIR: stateDir, XDG_CONFIG_HOME: join(folder, 'config'), ...options.env }),
      options,
    );
  return {
    stateDir,
    project,
    start: begin,
    run: (args, options) => begin(args, options).ended,
    endSandboxes: async () => {
      const { sandboxes } = JSON.parse((await begin(['sandbox', 'ls', '--json']).ended).stdout) as {
        readonly sandboxes: readonly { readonly sandbox_id: string }[];
      };
      if (sandboxes.length > 0) await begin(['sandbox', 'rm', ...sandboxes.map(({ sandbox_id }) => sandbox_id)]).ended;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};
