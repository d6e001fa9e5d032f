import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createSupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import { CorralError } from '../../src/ports/errors.ts';
import type { Exit, InputWait, Sandbox, SandboxCommand, SandboxDriver, SandboxSpec, StreamSize } from '../../src/ports/sandbox.ts';
import { supervisorPath } from './supervisor.ts';

export const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', LANG: 'C.UTF-8' };

/** Everything a sandbox told, and promises for what it will tell. */
export const createListener = (sandbox: Sandbox) => {
  const exits = new Map<string, Exit[]>();
  const outputs: { execution: string; stdoutBytes: number; stderrBytes: number }[] = [];
  const inputs: { execution: string; wait: InputWait | undefined }[] = [];
  const closed = new Map<string, { stdout: StreamSize; stderr: StreamSize }>();
  const lost: string[] = [];
  const waiting = new Set<() => void>();
  const notify = (): void => waiting.forEach((check) => check());
  sandbox.listen({
    exit: (exit) => {
      exits.set(exit.execution, [...(exits.get(exit.execution) ?? []), exit]);
      notify();
    },
    output: (execution, stdoutBytes, stderrBytes) => {
      outputs.push({ execution, stdoutBytes, stderrBytes });
      notify();
    },
    input: (execution, wait) => {
      inputs.push({ execution, wait });
      notify();
    },
    closed: (execution, stdout, stderr) => {
      closed.set(execution, { stdout, stderr });
      notify();
    },
    lost: (reason) => {
      lost.push(reason);
      notify();
    },
  });
  const until = <T>(look: () => T | undefined, what: string, ms = 10_000): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        waiting.delete(check);
      };
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`no ${what} within ${ms} ms`));
      }, ms);
      waiting.add(check);
      check();
    });
  return {
    exits,
    outputs,
    inputs,
    closed,
    lost,
    exit: (execution: string, ms?: number) => until(() => exits.get(execution)?.[0], `exit of ${execution}`, ms),
    output: (execution: string, bytes: number) =>
      until(() => outputs.find((one) => one.execution === execution && one.stdoutBytes >= bytes), `output of ${execution}`),
    /** The first wait for input told of it that passes the test. */
    input: (execution: string, test: (wait: InputWait | undefined) => boolean = (wait) => wait !== undefined) =>
      until(() => inputs.find((one) => one.execution === execution && test(one.wait)), `wait for input of ${execution}`),
    close: (execution: string) => until(() => closed.get(execution), `close of ${execution}`),
    gone: (ms?: number) => until(() => lost[0], 'loss', ms),
  };
};

export type Listener = ReturnType<typeof createListener>;

/** A state folder as the server would have one, with a workspace; gone when disposed. `mode` lets a private uid in where a test wants that. */
export const temporaryState = (): Disposable & { readonly path: string; readonly workspace: string } => {
  const path = mkdtempSync(join(tmpdir(), 'corral-state-'));
  chmodSync(path, 0o700);
  const workspace = join(path, 'work');
  mkdirSync(workspace, { mode: 0o700 });
  return { path, workspace, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

export const newId = (): string => randomBytes(8).toString('hex');

export const aSpec = (state: { readonly path: string; readonly workspace: string }, change: Partial<SandboxSpec> = {}): SandboxSpec => {
  const id = change.id ?? newId();
  const folder = join(state.path, 'sandboxes', id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    id,
    folder,
    workdir: state.workspace,
    workspaces: [{ source: state.workspace, target: state.workspace, mode: 'rw' }],
    mounts: [],
    env: ENV,
    network: 'none',
    limits: {},
    leaseMs: 60_000,
    lifetimeMs: 0,
    ...change,
  };
};

export const aCommand = (argv: readonly string[], cwd: string, change: Partial<SandboxCommand> = {}): SandboxCommand => ({
  execution: `e${newId()}`,
  steps: [argv],
  cwd,
  env: ENV,
  graceMs: 500,
  ...change,
});

/** Starts it and waits for its end. */
export const runToEnd = async (sandbox: Sandbox, listener: Listener, command: SandboxCommand): Promise<Exit> => {
  await sandbox.start(command);
  return listener.exit(command.execution);
};

export const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString('utf8');

/** The error a promise is rejected with; a promise that is fulfilled fails the test. */
export const failure = async (work: Promise<unknown>): Promise<CorralError> => {
  const error = await work.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof CorralError) return error;
  throw error;
};

/** Pids, outside, of all processes whose command line holds `marker`; arguments are not hidden by namespaces. */
export const processesWith = (marker: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker);
      } catch {
        return false; // it ended between the list and the look
      }
    });

/** Looks until `condition` holds. */
export const eventually = async (condition: () => boolean | Promise<boolean>, what: string, ms = 5000): Promise<void> => {
  const until = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export type DriverFactory = () => Promise<AsyncDisposable & { readonly driver: SandboxDriver }>;

/** A driver with a launcher of its own. */
export const openerOf =
  (create: (launcher: SupervisorLauncher) => SandboxDriver): DriverFactory =>
  async () => {
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    return { driver: create(launcher), [Symbol.asyncDispose]: () => launcher[Symbol.asyncDispose]() };
  };
