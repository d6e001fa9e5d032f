import { newExecutionId } from '../../lib/ids.ts';
import { CorralError } from '../../ports/errors.ts';
import type { Exit, SandboxCommand } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import { capLimits } from '../policy/decided.ts';
import { notesAtStart } from '../receipts/notes.ts';
import type { LiveSandbox } from '../sandboxes/types.ts';
import { lastLine } from './last-line.ts';
import { createLedger, lostChange } from './ledger.ts';
import { withLoss } from './lost-output.ts';
import { place } from './place.ts';
import { ending, metaOf, unfiledOutput } from './records.ts';
import { sizeAt, sizesOf, withSize } from '../terminal/sizes.ts';
import { onNeedsInput, STABLE_MS } from './input-wait.ts';
import type { Attention } from './needs-input.ts';
import { createSweep } from './retention.ts';
import { telling } from './telling.ts';
import { announce, type Tracked, watchClosely } from './tracked.ts';
import { EPHEMERAL, type Executions, type ExecutionsDeps, type Look, type StartRequest } from './types.ts';
import { waitFor } from './wait-for.ts';

/** After so long without a byte we ask whether there were any. */
const SILENT_MS = 1_000;
/** An execution that ends within this was not worth watching. */
const SHORT_MS = 100;

const isLost = (error: unknown): boolean => error instanceof CorralError && error.code === 'lost';

export const createExecutions = (deps: ExecutionsDeps): Executions => {
  const { store, logs, config, log } = deps;
  const ledger = createLedger(deps);
  const { tracked, recent, asked, track, close } = ledger;
  let starting = 0;

  const report = (what: string) => (error: unknown) => log.error({ error: error instanceof Error ? error.message : String(error) }, what);

  const outputBytesOf = (request: StartRequest): number => Math.min(config.outputBytes, request.outputBytes ?? config.outputBytes);

  const record0 = (
    id: string,
    live: LiveSandbox,
    request: StartRequest,
    cwd: string,
    plan: { steps: SandboxCommand['steps']; meta?: Readonly<Record<string, unknown>> },
  ): ExecutionRecord => ({
    id,
    sandbox: live.record.id,
    status: 'running',
    steps: JSON.stringify(plan.steps),
    title: request.title,
    cwd,
    labels: JSON.stringify(request.labels),
    meta:
      request.pty === undefined ? JSON.stringify(plan.meta ?? {}) : withSize(JSON.stringify(plan.meta ?? {}), { at: 0, ...request.pty }),
    caller: request.caller,
    startedMs: Date.now(),
    receipt: notesAtStart({ ...request, rulesFile: config.rules, outputBytes: outputBytesOf(request) }),
  });

  /** A connection that broke says nothing of the sandbox behind it: does it, once there is a new one, know this execution? */
  const runsAllTheSame = async (one: Tracked): Promise<boolean> => {
    const known = await one.live.sandbox.list().catch(() => []);
    if (one.record.status === 'finished') return one.exit !== undefined;
    const found = known.find(({ execution }) => execution === one.record.id);
    if (found === undefined) return false;
    one.record = { ...one.record, pid: found.pid, startedMs: found.startedMs };
    if (found.exit !== undefined) ledger.news.exit(one.live, found.exit);
    return true;
  };

  const start = async (request: StartRequest, signal: AbortSignal): Promise<Tracked> => {
    if (tracked.size + starting >= config.maxExecutions)
      throw new CorralError('limit_exceeded', `${String(tracked.size + starting)} executions are running, the most this server allows.`, {
        hint: 'Wait for one (wait), or end one (terminate); list_executions shows them.',
      });
    starting += 1;
    try {
      const ephemeral = request.sandbox === EPHEMERAL || request.fresh !== undefined;
      const sandboxes = deps.sandboxes();
      const live = ephemeral
        ? await sandboxes.create({ ...request.fresh, purpose: 'ephemeral' }, signal)
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
          env: {
            ...live.spec.env,
            CORRAL_EXECUTION_ID: id,
            ...(request.pty !== undefined && { TERM: 'xterm-256color' }),
            ...plan.env,
            ...request.env,
          },
          stdin: request.stdin,
          keepStdinOpen: request.keepStdinOpen,
          pty: request.pty,
          wallMs: request.timeoutMs,
          graceMs: request.graceMs ?? config.graceSeconds * 1000,
          outputBytes: outputBytesOf(request),
          limits: { ...request.limits, ...capLimits(request.decision) },
          meta: metaOf(record),
        });
        one.record = { ...one.record, pid: started.pid, startedMs: started.startedMs };
        if (request.pty !== undefined) deps.followTerminal?.(one, 0);
        return one;
      } catch (error) {
        if (one !== undefined && isLost(error) && (await runsAllTheSame(one))) return one;
        if (one !== undefined && tracked.has(id)) {
          const message = error instanceof Error ? error.message : String(error);
          close(one, { outcome: { kind: isLost(error) ? 'lost' : 'failed_to_start' }, message, durationMs: 0 }, undefined);
        } else if (ephemeral && one === undefined)
          await sandboxes.end(live.record.id, 0, 'its execution did not start').catch(report('an ephemeral sandbox did not end'));
        throw error;
      }
    } finally {
      starting -= 1;
    }
  };

  const lookOf = (one: Tracked): Look => ({
    record: one.record,
    exit: one.exit,
    stdoutBytes: one.stdoutBytes,
    stderrBytes: one.stderrBytes,
  });

  const howItIs = async (now: Look): Promise<string> => {
    const line = await lastLine(logs, now);
    return `running for ${String(Math.max(0, Math.round((Date.now() - now.record.startedMs) / 1000)))} s: ${line === '' ? 'no output yet' : line}`;
  };

  /** Waits for its end or, if that was asked for and it has an open input, until it has come to wait for that. */
  const waitForEnd = async (one: Tracked, { untilInput, keepStdinOpen }: StartRequest, waitMs: number, signal: AbortSignal) => {
    if (untilInput !== true || !keepStdinOpen || waitMs <= STABLE_MS) return waitFor(one, waitMs, signal);
    // Being watched has its price, a file for the output among others: short programs do not pay it.
    const short = await waitFor(one, SHORT_MS, signal);
    if (short !== 'time') return short;
    using _ = await watchClosely(one);
    const stop = new AbortController();
    try {
      return await Promise.race([
        waitFor(one, waitMs - SHORT_MS, AbortSignal.any([signal, stop.signal])),
        onNeedsInput(one, STABLE_MS, stop.signal).then(
          () => 'input' as const,
          (error: unknown) => {
            report('whether a program waits for input was not seen')(error);
            return new Promise<never>(() => undefined);
          },
        ),
      ]);
    } finally {
      stop.abort();
    }
  };

  const run = async (request: StartRequest, waitMs: number, signal: AbortSignal): Promise<Look> => {
    const one = await start(request, signal);
    using _ = telling(request.tell, async () => howItIs(await look(one.record.id)));
    const ended = await waitForEnd(one, request, waitMs, signal);
    if (ended !== 'done' && signal.aborted) {
      if (!request.detach) {
        const options = { graceMs: config.graceSeconds * 1000, cause: 'cancelled' as const };
        one.live.sandbox.terminate(one.record.id, options).catch(report('a cancelled execution was not ended'));
      }
      throw new CorralError(
        'cancelled',
        request.detach ? 'The call was cancelled; the program goes on.' : 'The call was cancelled and its program ended.',
      );
    }
    if (ended === 'done') return lookOf(one);
    // A handle is good in every server of the state folder, and after the end of this one.
    await store.flush().catch(report('the record of an execution that goes on is not durable yet'));
    // Of a program that goes on nobody has told how much it printed so far: the log files say.
    return await look(one.record.id);
  };

  const unknown = (id: string): CorralError =>
    new CorralError('not_found', `There is no execution "${id}".`, {
      hint: 'list_executions shows those that are kept; old ones are forgotten after a while.',
    });

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
    const live = await deps
      .sandboxes()
      .get(record.sandbox, signal)
      .catch(async (error: unknown) => {
        // A sandbox that is found gone takes its executions along, on the record.
        if (isLost(error) && (await stored(id)).status === 'finished') return undefined;
        throw error;
      });
    if (live === undefined) return undefined;
    const again = tracked.get(id);
    if (again !== undefined) return again;
    const found = (await live.sandbox.list()).find((one) => one.execution === id);
    if (found?.exit === undefined && found !== undefined) {
      const one = tracked.get(id) ?? track(record, live, false, found);
      return one.record.status === 'finished' ? undefined : one;
    }
    store.finishExecution(
      id,
      found?.exit === undefined
        ? { ...lostChange('it does not know this execution'), status: 'finished' }
        : ending(found.exit, record.receipt),
      unfiledOutput(found?.exit),
    );
    return undefined;
  };

  /** A look is worth as much without it: a program that cannot be asked what it is at has been looked at all the same. */
  const attend = async (one: Tracked): Promise<Attention | undefined> => {
    if (one.record.status === 'finished') return undefined;
    try {
      return await deps.attend?.(one);
    } catch (error) {
      report('what a program is at was not seen')(error);
      return undefined;
    }
  };

  const thereOf = async ({ sandbox, id }: ExecutionRecord): Promise<{ readonly stdout: number; readonly stderr: number }> => {
    const ref = { sandbox, execution: id };
    const [stdout, stderr] = await Promise.all([logs.size(ref, 'stdout'), logs.size(ref, 'stderr')]);
    return { stdout, stderr };
  };

  /** One that runs. Where nothing is to be seen after a while, its sandbox says whether it printed nothing or the logs are gone. */
  const lookAtRunning = async (known: Tracked): Promise<Look> => {
    const there = await thereOf(known.record);
    const seen = Math.max(known.stdoutBytes, known.stderrBytes, there.stdout, there.stderr);
    if (seen === 0 && Date.now() - known.record.startedMs > SILENT_MS) {
      const found = (await known.live.sandbox.list().catch(() => [])).find(({ execution }) => execution === known.record.id);
      known.stdoutBytes = found?.stdoutBytes ?? 0;
      known.stderrBytes = found?.stderrBytes ?? 0;
    }
    known.stdoutBytes = Math.max(known.stdoutBytes, there.stdout);
    known.stderrBytes = Math.max(known.stderrBytes, there.stderr);
    const printed = { stdout: known.stdoutBytes, stderr: known.stderrBytes };
    return { ...withLoss(lookOf(known), printed, there), ...(await attend(known)) };
  };

  const look = async (id: string): Promise<Look> => {
    const known = tracked.get(id);
    if (known !== undefined) return lookAtRunning(known);
    const seen = recent.get(id);
    // What came with the end is all there is, whatever happened to the files.
    if (seen?.exit?.inline !== undefined) return seen;
    const record = seen?.record ?? (await stored(id));
    const there = await thereOf(record);
    const printed = { stdout: record.stdout?.bytes ?? seen?.stdoutBytes ?? 0, stderr: record.stderr?.bytes ?? seen?.stderrBytes ?? 0 };
    return withLoss({ record, exit: seen?.exit, stdoutBytes: 0, stderrBytes: 0 }, printed, there);
  };

  const running = async (id: string): Promise<Tracked> => {
    const one = await follow(id);
    if (one === undefined)
      throw new CorralError('conflict', `Execution ${id} has ended.`, {
        hint: 'read_output shows what it printed; start it again if it is still wanted.',
      });
    return one;
  };

  const terminate: Executions['terminate'] = async (id, options) => {
    const one = await follow(id).catch((error: unknown) => {
      if (isLost(error)) return undefined;
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
      await live.sandbox.start({
        execution: id,
        steps: [argv],
        cwd: live.spec.workdir,
        env: live.spec.env,
        wallMs: timeoutMs,
        graceMs: 0,
        outputBytes: 65_536,
      });
    } catch (error) {
      asked.delete(id);
      throw error;
    }
    return answer;
  };

  return {
    run,
    look,
    glance: async (id) => {
      const one = tracked.get(id);
      return one === undefined ? undefined : attend(one);
    },
    follow,
    write: async (id, data, end) => {
      const one = await running(id);
      one.lastInput = performance.now();
      await one.live.sandbox.write(id, data, end);
      one.lastInput = performance.now();
    },
    resize: async (id, sides) => {
      const one = await running(id);
      const sizes = sizesOf(one.record.meta);
      if (sizes === undefined)
        throw new CorralError('invalid_input', `Execution ${id} has no terminal that could be resized.`, {
          hint: 'Start it with pty: true, or pty: {"cols": 80, "rows": 24}.',
        });
      const now = sizeAt(sizes, Number.POSITIVE_INFINITY);
      const { cols = now.cols, rows = now.rows } = sides;
      const at = await logs.size({ sandbox: one.record.sandbox, execution: id }, 'stdout');
      await one.live.sandbox.resize(id, cols, rows);
      // Whoever draws its screen later, in whichever server, has to know.
      one.record = { ...one.record, meta: withSize(one.record.meta, { at, cols, rows }) };
      store.finishExecution(id, { meta: one.record.meta });
      announce(one);
      await store.flush();
    },
    signal: async (id, signal) => (await running(id)).live.sandbox.signal(id, signal),
    terminate,
    list: (query) => store.executions(query),
    ask,
    news: ledger.news,
    sweep: createSweep(deps, (id) => recent.delete(id)),
    close: ledger.settle,
  };
};
