import { constants } from 'node:os';
import type { Activity, Exit, FileChanges, InputWait, OutcomeKind, SandboxCommand, SandboxExecution } from '../../../ports/sandbox.ts';
import type { CorralError } from '../../../ports/errors.ts';
import { createDeferred } from '../supervisor/deferred.ts';
import type { Deferred } from '../supervisor/deferred.ts';
import { SUPERVISOR_ERROR, supervisorError } from '../supervisor/errors.ts';
import { signalName } from '../supervisor/signals.ts';
import { createOutput } from './output.ts';
import { PROGRAMS } from './programs.ts';
import type { Ending } from './programs.ts';
import type { Tree } from './tree.ts';

const { SIGKILL, SIGTERM } = constants.signals;
const INPUT_BYTES = 1024 * 1024;
/** A wait for input counts once it has lasted so long. */
const STABLE_MS = 100;

export interface ExecutionEvents {
  exit(exit: Exit): void;
  output(execution: string, stdoutBytes: number, stderrBytes: number): void;
  input(execution: string, wait: InputWait | undefined): void;
  /** A process left behind printed something, or ended. */
  settled(execution: string): void;
}

export interface ExecutionHost {
  readonly tree: Tree;
  readonly logFolder: string;
  readonly ports: Map<number, string>;
  /** Workspaces; undefined where nobody wants to know what changes. */
  readonly watched: readonly string[] | undefined;
  readonly events: ExecutionEvents;
}

/** One scripted execution. */
export interface MemoryExecution {
  readonly pid: number;
  readonly startedMs: number;
  describe(): SandboxExecution;
  input(data: Uint8Array, end: boolean): void;
  signal(number: number): void;
  /** Resolves with the number of processes ended, when none is left. */
  terminate(graceMs: number, cause: OutcomeKind | undefined, first: number): Promise<number>;
  /** Ends everything at once and tells nobody. */
  vanish(): void;
  watch(on: boolean): void;
  /** Undefined when it has ended. */
  inspect(): Promise<Activity | undefined>;
  /** Processes alive. */
  processes(): number;
}

const startFailure = (command: SandboxCommand, code: keyof typeof SUPERVISOR_ERROR, program: string): CorralError =>
  supervisorError(SUPERVISOR_ERROR[code], 0, code, {
    action: 'start',
    execution: command.execution,
    program,
    searchPath: command.env['PATH'] ?? '',
    cwd: command.cwd,
  });

/** Starts it, or throws `failed_to_start` as a supervisor would. */
export const startExecution = (command: SandboxCommand, pid: number, host: ExecutionHost): MemoryExecution => {
  const { execution, steps, cwd, env, meta = '' } = command;
  for (const [program = ''] of steps.slice(0, 1)) if (!PROGRAMS.has(program)) throw startFailure(command, 'programNotFound', program);
  if (cwd !== '/' && !host.tree.isFolder(cwd)) throw startFailure(command, 'badCwd', '');

  const startedMs = Date.now();
  const started = performance.now();
  const output = createOutput(host.logFolder, execution, command.outputBytes ?? 0);
  const abort = new AbortController();
  const behind = new Map<symbol, NodeJS.Timeout>();
  const input: Uint8Array[] = command.stdin === undefined ? [] : [command.stdin];
  let inputEnded = command.keepStdinOpen !== true;
  let inputArrived: Deferred<void> | undefined;
  let ignoresTermination = false;
  let cause: OutcomeKind | undefined;
  let killedBy: number | undefined;
  let exit: Exit | undefined;
  let vanished = false;
  let watched = false;
  let waitingSince: number | undefined;
  let stable: NodeJS.Timeout | undefined;
  let waitTold = false;
  const ended = createDeferred<void>();

  const kill = (signal: number): void => {
    if (exit !== undefined || (signal === SIGTERM && ignoresTermination)) return;
    if (signal !== SIGTERM && signal !== SIGKILL && signal !== constants.signals.SIGINT && signal !== constants.signals.SIGHUP) return;
    killedBy ??= signal;
    abort.abort();
    stopWaiting();
  };

  const print = (stream: 'stdout' | 'stderr', data: Uint8Array | string): void => {
    if (!output.print(stream, typeof data === 'string' ? Buffer.from(data) : data)) {
      cause ??= 'output_limit';
      kill(SIGKILL);
    }
    const [out, err] = [output.size('stdout').bytes, output.size('stderr').bytes];
    const told = output.flush().then(() => {
      if (watched) host.events.output(execution, out, err);
    });
    told.catch(() => undefined); // the end tells of it
  };

  const inputWait = (): InputWait | undefined => {
    const forMs = waitingSince === undefined ? 0 : Math.round(performance.now() - waitingSince);
    return forMs < STABLE_MS ? undefined : { pid, program: steps[0]?.[0] ?? '', on: 'pipe', hidden: false, forMs };
  };

  const tellWait = (): void => {
    const wait = watched ? inputWait() : undefined;
    if (wait === undefined && !waitTold) return;
    waitTold = wait !== undefined;
    host.events.input(execution, wait);
  };

  const stopWaiting = (): void => {
    waitingSince = undefined;
    clearTimeout(stable);
    tellWait();
    inputArrived?.resolve();
  };

  const read = async (): Promise<Uint8Array | undefined> => {
    while (input.length === 0 && !inputEnded && !abort.signal.aborted) {
      inputArrived = createDeferred();
      waitingSince = performance.now();
      stable = setTimeout(tellWait, STABLE_MS + 1).unref();
      await inputArrived.promise;
    }
    return input.shift();
  };

  const leaveBehind = (ms: number, text: string): void => {
    const key = Symbol('process');
    const timer = setTimeout(() => {
      behind.delete(key);
      if (text !== '') print('stdout', text);
      void output.flush().then(() => host.events.settled(execution));
    }, ms);
    behind.set(key, timer.unref());
  };

  const linked: string[] = [];

  /** Its programs change files in one way only. */
  const changes = (): FileChanges | undefined => {
    const { watched: roots } = host;
    if (roots === undefined) return undefined;
    const created = linked.flatMap((path) => {
      const root = roots.find((one) => path.startsWith(`${one}/`));
      return root === undefined ? [] : root === roots[0] ? path.slice(root.length + 1) : path;
    });
    return { created, changed: [], removed: [], more: 0, complete: true };
  };

  const runStep = async ([program = '', ...args]: readonly string[]): Promise<Ending> => {
    const run = PROGRAMS.get(program);
    if (run === undefined) throw startFailure(command, 'programNotFound', program);
    const result = await run({
      args,
      cwd,
      env,
      tree: {
        ...host.tree,
        link: (target, path) => {
          host.tree.link(target, path);
          linked.push(path);
        },
      },
      abort: abort.signal,
      ignoreTermination: () => void (ignoresTermination = true),
      print,
      read,
      leaveBehind,
      listen: (port) => void host.ports.set(port, execution),
    });
    if (killedBy !== undefined) return { signal: killedBy };
    return typeof result === 'number' ? { code: result } : result;
  };

  const run = async (): Promise<void> => {
    let step = 0;
    let ending: Ending = { code: 0 };
    let message: string | undefined;
    for (const [index, argv] of steps.entries()) {
      step = index;
      try {
        ending = await runStep(argv);
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
        cause ??= 'failed_to_start';
      }
      if (message !== undefined || !('code' in ending) || ending.code !== 0) break;
    }
    for (const [port, owner] of host.ports) if (owner === execution) host.ports.delete(port);
    clearTimeout(deadline);
    await output.flush();
    if (vanished) return;
    const how = message !== undefined ? {} : 'code' in ending ? { code: ending.code } : { signal: signalName(ending.signal) };
    const inline = output.inline();
    exit = {
      execution,
      outcome: { kind: cause ?? ('signal' in how ? 'signalled' : 'exited'), ...how },
      step,
      startedMs,
      durationMs: performance.now() - started,
      usage: { userUs: 0, systemUs: 0, maxRssBytes: 0 },
      stdout: output.size('stdout'),
      stderr: output.size('stderr'),
      background: behind.size,
      changes: changes(),
      ...(inline !== undefined && { inline }),
      ...(message !== undefined && { message }),
    };
    ended.resolve();
    host.events.exit(exit);
  };

  const terminate: MemoryExecution['terminate'] = async (graceMs, why, first) => {
    const count = behind.size + (exit === undefined ? 1 : 0);
    for (const timer of behind.values()) clearTimeout(timer);
    behind.clear();
    if (exit === undefined) {
      cause ??= why;
      kill(first);
      const force = setTimeout(() => kill(SIGKILL), graceMs);
      await ended.promise;
      clearTimeout(force);
    }
    return count;
  };

  const wallMs = command.wallMs ?? 0;
  const deadline = wallMs > 0 ? setTimeout(() => void terminate(command.graceMs ?? 0, 'timed_out', SIGTERM), wallMs).unref() : undefined;
  // The reply to the start comes before any news, as on a connection.
  setImmediate(() => {
    run().catch((error: unknown) => {
      queueMicrotask(() => {
        throw error;
      });
    });
  });

  return {
    pid,
    startedMs,
    describe: () => ({
      execution,
      pid,
      startedMs,
      meta,
      stdoutBytes: output.size('stdout').bytes,
      stderrBytes: output.size('stderr').bytes,
      ...(exit !== undefined && { exit }),
    }),
    input: (data, end) => {
      const context = { action: 'send input', execution };
      if (inputEnded || exit !== undefined) throw supervisorError(SUPERVISOR_ERROR.inputClosed, 0, '', context);
      if (input.reduce((sum, piece) => sum + piece.length, data.length) > INPUT_BYTES)
        throw supervisorError(SUPERVISOR_ERROR.inputFull, 0, '', context);
      if (data.length > 0) input.push(Uint8Array.from(data));
      inputEnded = end;
      stopWaiting();
    },
    signal: kill,
    terminate,
    vanish: () => {
      vanished = true;
      clearTimeout(deadline);
      for (const timer of behind.values()) clearTimeout(timer);
      behind.clear();
      watched = false;
      abort.abort();
      stopWaiting();
    },
    watch: (on) => {
      watched = on;
      if (on) tellWait();
    },
    inspect: async () => {
      if (exit !== undefined || vanished) return undefined;
      if (waitingSince !== undefined && inputWait() === undefined)
        await Promise.race([ended.promise, new Promise((resolve) => setTimeout(resolve, STABLE_MS).unref())]);
      const wait = inputWait();
      const processes = 1 + behind.size;
      return exit !== undefined
        ? undefined
        : {
            ...(wait !== undefined && { inputWait: wait }),
            metrics: {
              source: 'proc',
              userUs: 0,
              systemUs: 0,
              rssBytes: 0,
              peakRssBytes: 0,
              readBytes: 0,
              writtenBytes: 0,
              voluntarySwitches: 0,
              involuntarySwitches: 0,
              processes,
              peakProcesses: processes,
              ports: [...host.ports].filter(([, owner]) => owner === execution).map(([port]) => port),
            },
          };
    },
    processes: () => behind.size + (exit === undefined && !vanished ? 1 : 0),
  };
};
