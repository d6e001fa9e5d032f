import { isAbsolute, posix } from 'node:path';
import { newExecutionId } from '../../lib/ids.ts';
import { CorralError } from '../../ports/errors.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { Exit, OutcomeKind, SandboxCommand, SandboxExecution, StreamSize, Termination } from '../../ports/sandbox.ts';
import type { ExecutionQuery, ExecutionRecord, Store } from '../../ports/store.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../log.ts';
import type { LiveSandbox, Sandboxes, SandboxNews } from '../sandboxes/service.ts';
import { isWithin } from '../sandboxes/workspace.ts';
import { ending, metaOf, recordFromMeta } from './records.ts';
import { announce, createTracked, type Tracked } from './tracked.ts';

/** Name that asks for a sandbox of its own, which ends with the execution. */
export const EPHEMERAL = 'ephemeral';

export interface StartRequest {
  /** For people: the shell text, the argv, or the language. */
  readonly title: string;
  /** Steps for an execution of this name in this sandbox; may write files first. */
  plan(place: { readonly live: LiveSandbox; readonly execution: string; readonly cwd: string }): Promise<{ readonly steps: SandboxCommand['steps']; readonly env?: Readonly<Record<string, string>>; readonly meta?: Readonly<Record<string, unknown>>; readonly scratch?: string | undefined }>;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: Uint8Array | undefined;
  readonly keepStdinOpen: boolean;
  readonly pty?: { readonly cols: number; readonly rows: number } | undefined;
  /** 0 = none. */
  readonly timeoutMs: number;
  readonly sandbox?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Goes on when the caller cancels or goes away. */
  readonly detach: boolean;
  readonly caller: string;
}

/** One look at an execution: its record, and the exit with its small output if this server saw it. */
export interface Look {
  readonly record: ExecutionRecord;
  readonly exit: Exit | undefined;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export interface Executions {
  /** Starts and waits for the end, at most `waitMs`; then the program goes on. An abort ends the tree, unless detached. */
  run(request: StartRequest, waitMs: number, signal: AbortSignal): Promise<Look>;
  look(id: string): Promise<Look>;
  /** Follows an execution, whichever server started it; undefined when it has ended. */
  follow(id: string, signal?: AbortSignal): Promise<Tracked | undefined>;
  write(id: string, data: Uint8Array, end: boolean): Promise<void>;
  resize(id: string, cols: number, rows: number): Promise<void>;
  signal(id: string, signal: number): Promise<void>;
  terminate(id: string, options: { readonly graceMs: number; readonly cause?: OutcomeKind; readonly signal?: number }): Promise<Termination>;
  list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]>;
  /** Runs something for the server itself, unrecorded; small output only. */
  ask(live: LiveSandbox, argv: readonly string[], timeoutMs: number): Promise<Exit>;
  readonly news: SandboxNews;
  /** Forgets what is older than the retention or over the disk quota; returns how many. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

export interface ExecutionsDeps {
  readonly store: Store;
  readonly logs: LogStore;
  readonly config: Config;
  readonly log: Log;
  /** Late-bound: the two services need each other. */
  readonly sandboxes: () => Sandboxes;
}

/** Acknowledged in batches, after the records are durable. */
const ACKNOWLEDGE_AFTER_MS = 100;
const RECENT = 512;

export const createExecutions = (deps: ExecutionsDeps): Executions => {
  const { store, logs, config, log } = deps;
  const tracked = new Map<string, Tracked>();
  /** The last ones that ended here, so that a look at them needs no disk. */
  const recent = new Map<string, Look>();
  const asked = new Map<string, { readonly sandbox: string; answer(exit: Exit | CorralError): void }>();
  const acknowledge = new Map<string, LiveSandbox>();
  let acknowledging: NodeJS.Timeout | undefined;
  let starting = 0;

  const report = (what: string) => (error: unknown) => log.error({ error: error instanceof Error ? error.message : String(error) }, what);

  const flushAcknowledgements = async (): Promise<void> => {
    acknowledging = undefined;
    const batch = [...acknowledge];
    acknowledge.clear();
    await store.flush();
    for (const [id, live] of batch) live.sandbox.acknowledge(id);
  };

  const acknowledgeLater = (id: string, live: LiveSandbox): void => {
    acknowledge.set(id, live);
    acknowledging ??= setTimeout(() => {
      flushAcknowledgements().catch(report('ended executions were not acknowledged'));
    }, ACKNOWLEDGE_AFTER_MS);
  };

  const remember = (look: Look): void => {
    recent.set(look.record.id, look);
    if (recent.size > RECENT) recent.delete(recent.keys().next().value ?? '');
  };

  const close = (one: Tracked, change: Partial<Omit<ExecutionRecord, 'id'>>, exit: Exit | undefined): void => {
    const id = one.record.id;
    if (!tracked.delete(id)) return;
    one.record = { ...one.record, ...change, status: 'finished' };
    one.exit = exit;
    one.stdoutBytes = exit?.stdout.bytes ?? one.stdoutBytes;
    one.stderrBytes = exit?.stderr.bytes ?? one.stderrBytes;
    store.finishExecution(id, { ...change, status: 'finished' });
    remember({ record: one.record, exit, stdoutBytes: one.stdoutBytes, stderrBytes: one.stderrBytes });
    one.finish();
    announce(one);
    if (one.scratch !== undefined && exit !== undefined && !one.ephemeral) one.live.sandbox.files.remove(one.scratch, true).catch(report('a scratch folder was not removed'));
    if (one.ephemeral) deps.sandboxes().end(one.live.record.id, 0, 'its execution ended').catch(report('an ephemeral sandbox did not end'));
  };

  const onExit = (live: LiveSandbox, exit: Exit): void => {
    const id = exit.execution;
    const question = asked.get(id);
    if (question !== undefined) {
      asked.delete(id);
      question.answer(exit);
      live.sandbox.acknowledge(id);
      return;
    }
    const one = tracked.get(id);
    if (one === undefined) {
      // Started by another server that shares the sandbox: whoever hears of it records it.
      if (!recent.has(id) && live.record.owner !== '') store.finishExecution(id, ending(exit));
    } else close(one, ending(exit), exit);
    acknowledgeLater(id, live);
  };

  const lostChange = (reason: string): Partial<Omit<ExecutionRecord, 'id'>> => ({
    outcome: { kind: 'lost' },
    message: `Its sandbox ended: ${reason}.`,
  });

  const onLost = async (sandbox: string, reason: string, recalled: readonly SandboxExecution[]): Promise<void> => {
    const exits = new Map(recalled.map((one) => [one.execution, one]));
    for (const [id, question] of asked) {
      if (question.sandbox !== sandbox) continue;
      asked.delete(id);
      question.answer(new CorralError('lost', `The sandbox ended: ${reason}.`));
    }
    for (const one of tracked.values()) {
      if (one.live.record.id !== sandbox) continue;
      const exit = exits.get(one.record.id)?.exit;
      close(one, exit === undefined ? lostChange(reason) : ending(exit), exit);
    }
    for (const found of recalled)
      if ((await store.execution(found.execution)) === undefined) store.insertExecution(recordFromMeta(sandbox, found));
    for (;;) {
      const left = await store.executions({ status: 'running', sandbox, limit: 100 });
      if (left.length === 0) break;
      for (const record of left) {
        const exit = exits.get(record.id)?.exit;
        store.finishExecution(record.id, exit === undefined ? { ...lostChange(reason), status: 'finished' } : ending(exit));
      }
      await store.flush();
    }
    await store.flush();
  };

  const onAdopted = async (live: LiveSandbox, executions: readonly SandboxExecution[]): Promise<void> => {
    for (const found of executions) {
      let record = await store.execution(found.execution);
      if (record === undefined) {
        record = recordFromMeta(live.record.id, found);
        store.insertExecution(record);
      }
      if (found.exit !== undefined) {
        if (record.status === 'running') store.finishExecution(record.id, ending(found.exit));
        acknowledgeLater(record.id, live);
      } else if (!tracked.has(record.id)) track(record, live, false, found);
    }
  };

  const track = (record: ExecutionRecord, live: LiveSandbox, ephemeral: boolean, found?: SandboxExecution): Tracked => {
    const one = createTracked(record, live, ephemeral);
    one.stdoutBytes = found?.stdoutBytes ?? 0;
    one.stderrBytes = found?.stderrBytes ?? 0;
    tracked.set(record.id, one);
    return one;
  };

  const place = (live: LiveSandbox, cwd: string | undefined): string => {
    const directory = posix.normalize(cwd === undefined ? live.spec.workdir : isAbsolute(cwd) ? cwd : posix.join(live.spec.workdir, cwd)).replace(/(.)\/+$/, '$1');
    const roots = [...live.spec.workspaces.map((mount) => mount.target), '/tmp', live.spec.env['HOME'] ?? '/tmp'];
    if (directory.includes('\0') || !roots.some((root) => isWithin(directory, root)))
      throw new CorralError('invalid_input', `cwd: ${JSON.stringify(directory)} lies outside the places this sandbox may use.`, {
        hint: `Use a folder beneath one of: ${roots.join(', ')}.`,
      });
    return directory;
  };

  const record0 = (id: string, live: LiveSandbox, request: StartRequest, cwd: string, plan: { steps: SandboxCommand['steps']; meta?: Readonly<Record<string, unknown>> }): ExecutionRecord => ({
    id,
    sandbox: live.record.id,
    status: 'running',
    steps: JSON.stringify(plan.steps),
    title: request.title,
    cwd,
    labels: JSON.stringify(request.labels),
    meta: JSON.stringify(plan.meta ?? {}),
    caller: request.caller,
    startedMs: Date.now(),
  });

  const start = async (request: StartRequest, signal: AbortSignal): Promise<Tracked> => {
    if (tracked.size + starting >= config.maxExecutions)
      throw new CorralError('limit_exceeded', `${String(tracked.size + starting)} executions are running, the most this server allows.`, {
        hint: 'Wait for one (wait), or end one (terminate); list_executions shows them.',
      });
    starting += 1;
    try {
      const ephemeral = request.sandbox === EPHEMERAL;
      const sandboxes = deps.sandboxes();
      const live = ephemeral
        ? await sandboxes.create({}, signal)
        : request.sandbox === undefined
          ? await sandboxes.primary(signal)
          : await sandboxes.get(request.sandbox, signal);
      const id = newExecutionId();
      let one: Tracked | undefined;
      try {
        const cwd = place(live, request.cwd);
        const plan = await request.plan({ live, execution: id, cwd });
        if (signal.aborted && !request.detach) throw new CorralError('cancelled', 'The call was cancelled before the program started.');
        const record = record0(id, live, request, cwd, plan);
        store.insertExecution(record);
        one = track(record, live, ephemeral);
        one.scratch = plan.scratch;
        const started = await live.sandbox.start({
          execution: id,
          steps: plan.steps,
          cwd,
          env: { ...live.spec.env, CORRAL_EXECUTION_ID: id, ...(request.pty !== undefined && { TERM: 'xterm-256color' }), ...plan.env, ...request.env },
          stdin: request.stdin,
          keepStdinOpen: request.keepStdinOpen,
          pty: request.pty,
          wallMs: request.timeoutMs,
          graceMs: config.graceSeconds * 1000,
          outputBytes: config.outputBytes,
          limits: live.spec.limits,
          meta: metaOf(record),
        });
        one.record = { ...one.record, pid: started.pid, startedMs: started.startedMs };
        return one;
      } catch (error) {
        if (one !== undefined && tracked.has(id)) {
          const message = error instanceof Error ? error.message : String(error);
          close(one, { outcome: { kind: error instanceof CorralError && error.code === 'lost' ? 'lost' : 'failed_to_start' }, message, durationMs: 0 }, undefined);
        } else if (ephemeral && one === undefined) await sandboxes.end(live.record.id, 0, 'its execution did not start').catch(report('an ephemeral sandbox did not end'));
        throw error;
      }
    } finally {
      starting -= 1;
    }
  };

  const lookOf = (one: Tracked): Look => ({ record: one.record, exit: one.exit, stdoutBytes: one.stdoutBytes, stderrBytes: one.stderrBytes });

  const waitFor = async (one: Tracked, waitMs: number, signal: AbortSignal): Promise<'done' | 'time' | 'aborted'> => {
    if (one.record.status === 'finished') return 'done';
    if (waitMs <= 0) return 'time';
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    try {
      return await Promise.race([
        one.done.then(() => 'done' as const),
        new Promise<'time'>((resolve) => {
          timer = setTimeout(() => resolve('time'), waitMs);
        }),
        new Promise<'aborted'>((resolve) => {
          onAbort = () => resolve('aborted');
          if (signal.aborted) onAbort();
          else signal.addEventListener('abort', onAbort, { once: true });
        }),
      ]);
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    }
  };

  const run = async (request: StartRequest, waitMs: number, signal: AbortSignal): Promise<Look> => {
    const one = await start(request, signal);
    const ended = await waitFor(one, waitMs, signal);
    if (ended !== 'done' && signal.aborted) {
      if (!request.detach) {
        const options = { graceMs: config.graceSeconds * 1000, cause: 'cancelled' as const };
        one.live.sandbox.terminate(one.record.id, options).catch(report('a cancelled execution was not ended'));
      }
      throw new CorralError('cancelled', request.detach ? 'The call was cancelled; the program goes on.' : 'The call was cancelled and its program ended.');
    }
    return lookOf(one);
  };

  const unknown = (id: string): CorralError =>
    new CorralError('not_found', `There is no execution "${id}".`, { hint: 'list_executions shows those that are kept; old ones are forgotten after a while.' });

  const stored = async (id: string): Promise<ExecutionRecord> => {
    const record = await store.execution(id);
    if (record === undefined) throw unknown(id);
    return record;
  };

  const follow = async (id: string, signal?: AbortSignal): Promise<Tracked | undefined> => {
    const known = tracked.get(id);
    if (known !== undefined) return known;
    if (recent.has(id)) return undefined;
    const record = await stored(id);
    if (record.status === 'finished') return undefined;
    const live = await deps.sandboxes().get(record.sandbox, signal);
    const again = tracked.get(id);
    if (again !== undefined) return again;
    const found = (await live.sandbox.list()).find((one) => one.execution === id);
    if (found?.exit === undefined && found !== undefined) return tracked.get(id) ?? track(record, live, false, found);
    store.finishExecution(id, found?.exit === undefined ? { ...lostChange('it does not know this execution'), status: 'finished' } : ending(found.exit));
    return undefined;
  };

  const look = async (id: string): Promise<Look> => {
    const known = tracked.get(id);
    if (known !== undefined) {
      const [out, err] = await Promise.all([logs.size({ sandbox: known.record.sandbox, execution: id }, 'stdout'), logs.size({ sandbox: known.record.sandbox, execution: id }, 'stderr')]);
      known.stdoutBytes = Math.max(known.stdoutBytes, out);
      known.stderrBytes = Math.max(known.stderrBytes, err);
      return lookOf(known);
    }
    const seen = recent.get(id);
    if (seen !== undefined) return seen;
    const record = await stored(id);
    const ref = { sandbox: record.sandbox, execution: id };
    const [out, err] = await Promise.all([logs.size(ref, 'stdout'), logs.size(ref, 'stderr')]);
    return { record, exit: undefined, stdoutBytes: out, stderrBytes: err };
  };

  const running = async (id: string): Promise<Tracked> => {
    const one = await follow(id);
    if (one === undefined)
      throw new CorralError('conflict', `Execution ${id} has ended.`, { hint: 'read_output shows what it printed; start it again if it is still wanted.' });
    return one;
  };

  const terminate: Executions['terminate'] = async (id, options) => {
    const one = await follow(id).catch((error: unknown) => {
      if (error instanceof CorralError && error.code === 'lost') return undefined;
      throw error;
    });
    if (one !== undefined) {
      const result = await one.live.sandbox.terminate(id, options);
      await waitFor(one, 1000, new AbortController().signal);
      return result;
    }
    const { record } = await look(id);
    if ((record.background ?? 0) === 0) return { ended: 0, survivors: [] };
    try {
      const live = await deps.sandboxes().get(record.sandbox);
      return await live.sandbox.terminate(id, options);
    } catch (error) {
      // Nothing of an ended sandbox, and nothing that the sandbox forgot, can still run.
      if (error instanceof CorralError && (error.code === 'lost' || error.code === 'not_found')) return { ended: 0, survivors: [] };
      throw error;
    }
  };

  const ask: Executions['ask'] = async (live, argv, timeoutMs) => {
    const id = newExecutionId();
    const answer = new Promise<Exit>((resolve, reject) => {
      asked.set(id, { sandbox: live.record.id, answer: (exit) => (exit instanceof CorralError ? reject(exit) : resolve(exit)) });
    });
    try {
      await live.sandbox.start({ execution: id, steps: [argv], cwd: live.spec.workdir, env: live.spec.env, wallMs: timeoutMs, graceMs: 0, outputBytes: 65_536 });
    } catch (error) {
      asked.delete(id);
      throw error;
    }
    return answer;
  };

  const forget = async (records: readonly ExecutionRecord[]): Promise<void> => {
    for (const record of records) {
      await logs.remove({ sandbox: record.sandbox, execution: record.id });
      recent.delete(record.id);
    }
    await store.deleteExecutions(records.map((record) => record.id));
  };

  const sweep = async (): Promise<number> => {
    let count = 0;
    for (;;) {
      const old = await store.finishedBefore(Date.now() - config.retentionSeconds * 1000, 100);
      await forget(old);
      count += old.length;
      if (old.length < 100) break;
    }
    for (let bytes = await store.logBytes(); bytes > config.logQuotaBytes; bytes = await store.logBytes()) {
      const oldest = await store.finishedBefore(Date.now(), 20);
      if (oldest.length === 0) break;
      await forget(oldest);
      count += oldest.length;
    }
    return count;
  };

  const news: SandboxNews = {
    exit: onExit,
    output: (id, out, err) => {
      const one = tracked.get(id);
      if (one === undefined) return;
      one.stdoutBytes = out;
      one.stderrBytes = err;
      one.lastGrowth = performance.now();
      announce(one);
    },
    closed: (id: string, stdout: StreamSize, stderr: StreamSize) => {
      store.finishExecution(id, { stdout, stderr, background: 0 });
      const seen = recent.get(id);
      if (seen !== undefined)
        recent.set(id, { record: { ...seen.record, stdout, stderr, background: 0 }, exit: undefined, stdoutBytes: stdout.bytes, stderrBytes: stderr.bytes });
    },
    lost: onLost,
    adopted: (live, executions) => {
      onAdopted(live, executions).catch(report('the executions of an adopted sandbox were not recorded'));
    },
  };

  return {
    run,
    look,
    follow,
    write: async (id, data, end) => (await running(id)).live.sandbox.write(id, data, end),
    resize: async (id, cols, rows) => (await running(id)).live.sandbox.resize(id, cols, rows),
    signal: async (id, signal) => (await running(id)).live.sandbox.signal(id, signal),
    terminate,
    list: (query) => store.executions(query),
    ask,
    news,
    sweep,
    close: async () => {
      clearTimeout(acknowledging);
      await flushAcknowledgements();
    },
  };
};
