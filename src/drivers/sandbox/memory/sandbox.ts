import { join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { Sandbox, SandboxEvents, SandboxExecution, SandboxSpec } from '../../../ports/sandbox.ts';
import { isCancelled } from '../supervisor/cancellation.ts';
import { SUPERVISOR_ERROR, supervisorError } from '../supervisor/errors.ts';
import { checkExecutionId, checkSignal } from '../supervisor/messages.ts';
import { startExecution } from './execution.ts';
import type { MemoryExecution } from './execution.ts';
import { createTree } from './tree.ts';

/** A memory sandbox and everything in it, however many connections it has. */
export interface MemorySandbox {
  /** A connection, as a server would have one. */
  connect(): Sandbox;
  /** Ends it as if it had been killed: executions that run are lost. */
  vanish(reason: string): void;
  executions(): readonly SandboxExecution[];
}

const FIRST_PID = 2;
const POLL_MS = 5;

export const createMemorySandbox = (spec: SandboxSpec, onGone: () => void): MemorySandbox => {
  const roots = [...new Set([...spec.workspaces.map(({ target }) => target), '/tmp'])];
  const tree = createTree(roots);
  const executions = new Map<string, MemoryExecution>();
  const ports = new Map<number, string>();
  const created = performance.now();
  let listener: SandboxEvents | undefined;
  let lost: string | undefined;
  let nextPid = FIRST_PID;

  const vanish = (reason: string): void => {
    if (lost !== undefined) return;
    lost = reason;
    clearTimeout(lease);
    clearTimeout(lifetime);
    for (const execution of executions.values()) execution.vanish();
    onGone();
    listener?.lost(reason);
  };
  const lifetime = spec.lifetimeMs > 0 ? setTimeout(() => vanish('Its lifetime ended.'), spec.lifetimeMs).unref() : undefined;
  const newLease = (ms: number): NodeJS.Timeout => setTimeout(() => vanish('No server spoke to it for the time of its lease.'), ms).unref();
  let lease = newLease(spec.leaseMs);

  const connect = (): Sandbox => {
    let disposed = false;

    /** Every request renews the lease, and needs a sandbox that is there. */
    const request = (): void => {
      if (lost !== undefined) throw new CorralError('lost', `The sandbox is gone: ${lost}`);
      if (disposed)
        throw new CorralError('unavailable', `The connection to sandbox ${spec.id} was closed by this server.`, {
          hint: 'Open the sandbox again.',
        });
      lease.refresh();
    };
    const waitUntil = async (look: () => Promise<boolean>, what: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> => {
      const until = performance.now() + timeoutMs;
      for (;;) {
        if (isCancelled(signal)) throw new CorralError('cancelled', `Waiting for ${what} was cancelled.`);
        request();
        if (await look()) return true;
        if (performance.now() >= until) return false;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    };
    const get = (id: string, action: string): MemoryExecution => {
      request();
      const found = executions.get(checkExecutionId(id));
      if (found === undefined) throw supervisorError(SUPERVISOR_ERROR.unknownExecution, 0, '', { action, execution: id });
      return found;
    };
    const files = Object.fromEntries(
      Object.entries(tree.files).map(([name, call]) => [
        name,
        async (...args: unknown[]) => {
          request();
          return (call as (...all: unknown[]) => unknown)(...args);
        },
      ]),
    ) as unknown as Sandbox['files'];

    return {
      id: spec.id,
      driver: 'memory',
      handle: { version: 1 },
      files,
      planRunner: undefined,
      listen: (events) => {
        listener = events;
        const reason = lost;
        if (reason !== undefined) queueMicrotask(() => events.lost(reason));
      },
      start: async (command, signal) => {
        request();
        if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled before the program was started.');
        const { execution } = command;
        if (executions.has(checkExecutionId(execution)))
          throw supervisorError(SUPERVISOR_ERROR.duplicateExecution, 0, '', { action: 'start', execution });
        const started = startExecution(command, nextPid, {
          tree,
          ports,
          watched:
            spec.trackChanges === false ? undefined : spec.workspaces.filter(({ mode }) => mode === 'rw').map(({ target }) => target),
          logFolder: join(spec.folder, 'log'),
          events: {
            exit: (exit) => listener?.exit(exit),
            output: (id, out, err) => listener?.output(id, out, err),
            input: (id, wait) => listener?.input(id, wait),
            settled: (id) => {
              const { exit } = executions.get(id)?.describe() ?? {};
              if (exit !== undefined) listener?.closed(id, exit.stdout, exit.stderr);
            },
          },
        });
        nextPid += 1;
        executions.set(execution, started);
        return { pid: started.pid, startedMs: started.startedMs };
      },
      write: async (execution, data, end) => get(execution, 'send input').input(data, end),
      signal: async (execution, number) => get(execution, 'signal').signal(checkSignal(number)),
      terminate: async (execution, { graceMs, cause, signal = 15 }) => ({
        ended: await get(execution, 'terminate').terminate(graceMs, cause, checkSignal(signal)),
        survivors: [],
      }),
      resize: async (execution) => {
        get(execution, 'resize');
        throw supervisorError(SUPERVISOR_ERROR.noTerminal, 0, '', { action: 'resize', execution });
      },
      watch: async (execution, on) => get(execution, 'watch').watch(on),
      inspect: async (execution) => {
        const activity = await get(execution, 'inspect').inspect();
        request();
        if (activity === undefined) throw supervisorError(SUPERVISOR_ERROR.unknownExecution, 0, '', { action: 'inspect', execution });
        return activity;
      },
      waitPort: async (port, timeoutMs, signal) => waitUntil(async () => ports.has(port), `port ${port}`, timeoutMs, signal),
      waitFile: async (path, timeoutMs, signal) => {
        request();
        if (!roots.some((root) => path === root || path.startsWith(`${root}/`))) await tree.files.stat(path);
        const exists = (): Promise<boolean> =>
          tree.files.stat(path, true).then(
            () => true,
            () => false,
          );
        return waitUntil(exists, JSON.stringify(path), timeoutMs, signal);
      },
      list: async () => {
        request();
        return [...executions.values()].map((execution) => execution.describe());
      },
      acknowledge: (execution) => {
        if (executions.get(execution)?.describe().exit !== undefined) executions.delete(execution);
      },
      renew: async (ms) => {
        request();
        clearTimeout(lease);
        lease = newLease(ms);
      },
      stats: async () => {
        request();
        const all = [...executions.values()];
        const ended = all.filter((execution) => execution.describe().exit !== undefined).length;
        return {
          processes: all.reduce((sum, execution) => sum + execution.processes(), 0),
          rssBytes: 0,
          running: all.length - ended,
          ended,
          uptimeMs: performance.now() - created,
          logBytes: all.reduce((sum, execution) => sum + execution.describe().stdoutBytes + execution.describe().stderrBytes, 0),
        };
      },
      end: async (graceMs) => {
        if (lost !== undefined) return;
        await Promise.all([...executions.values()].map((execution) => execution.terminate(graceMs, 'cancelled', 15)));
        vanish('It was ended by this server.');
      },
      [Symbol.asyncDispose]: async () => {
        disposed = true;
      },
    };
  };

  return { connect, vanish, executions: () => [...executions.values()].map((execution) => execution.describe()) };
};
