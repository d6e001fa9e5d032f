import { CorralError } from '../../ports/errors.ts';
import type { Exit, SandboxExecution, StreamSize } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { LiveSandbox, SandboxNews } from '../sandboxes/types.ts';
import { sizesOf } from '../terminal/sizes.ts';
import { ending, recordFromMeta, unfiledOutput } from './records.ts';
import { announce, createTracked, type Tracked } from './tracked.ts';
import type { ExecutionsDeps, Look } from './types.ts';

/** A question of the server's own to a sandbox: an execution that is not recorded. */
export interface Question {
  readonly sandbox: string;
  answer(exit: Exit | CorralError): void;
}

/** What is known of executions while they run and just after: hears the news of the sandboxes, keeps the records true. */
export interface Ledger {
  readonly tracked: Map<string, Tracked>;
  /** The last ones that ended here, so that a look at them needs no disk. */
  readonly recent: Map<string, Look>;
  readonly asked: Map<string, Question>;
  readonly news: SandboxNews;
  track(record: ExecutionRecord, live: LiveSandbox, ephemeral: boolean, found?: SandboxExecution): Tracked;
  /** Records the end of one that is tracked; once. */
  close(one: Tracked, change: Partial<Omit<ExecutionRecord, 'id'>>, exit: Exit | undefined): void;
  /** Writes what is pending. */
  settle(): Promise<void>;
}

/** Acknowledged in batches, after the records are durable. */
const ACKNOWLEDGE_AFTER_MS = 100;
const RECENT = 512;
/** Ends that were told of executions which this server does not follow: it may be about to. */
const UNCLAIMED = 512;

export const lostChange = (reason: string): Partial<Omit<ExecutionRecord, 'id'>> => ({
  outcome: { kind: 'lost' },
  message: `Its sandbox ended: ${reason.replace(/\.$/, '')}.`,
});

export const createLedger = (deps: ExecutionsDeps): Ledger => {
  const { store, logs, log } = deps;
  const tracked = new Map<string, Tracked>();
  /** The last ones that ended here, so that a look at them needs no disk. */
  const recent = new Map<string, Look>();
  const asked = new Map<string, Question>();
  const unclaimed = new Map<string, { readonly sandbox: string; readonly exit: Exit }>();
  const acknowledge = new Map<string, LiveSandbox>();
  let acknowledging: NodeJS.Timeout | undefined;

  const report = (what: string) => (error: unknown) => log.error({ error: error instanceof Error ? error.message : String(error) }, what);

  const flushAcknowledgements = async (): Promise<void> => {
    acknowledging = undefined;
    const batch = [...acknowledge];
    acknowledge.clear();
    try {
      await store.flush();
    } catch (error) {
      // What is not durable stays with the sandbox, and is acknowledged with the next that is: never given up, since it takes room there.
      for (const [id, live] of batch) acknowledgeLater(id, live);
      throw error;
    }
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
    // What it left behind ends with the sandbox.
    const whole = { ...change, status: 'finished', ...(one.ephemeral && { background: 0 }) } as const;
    one.record = { ...one.record, ...whole };
    one.exit = exit;
    one.stdoutBytes = exit?.stdout.bytes ?? one.stdoutBytes;
    one.stderrBytes = exit?.stderr.bytes ?? one.stderrBytes;
    store.finishExecution(id, whole, unfiledOutput(exit));
    remember({ record: one.record, exit, stdoutBytes: one.stdoutBytes, stderrBytes: one.stderrBytes });
    deps.watch?.exited(one.record, exit);
    one.finish();
    announce(one);
    if (one.scratch !== undefined && exit !== undefined && !one.ephemeral)
      one.live.sandbox.files.remove(one.scratch, true).catch(report('a scratch folder was not removed'));
    // One that is lost has no sandbox any more.
    if (one.ephemeral && one.record.outcome?.kind !== 'lost')
      deps.sandboxes().end(one.live.record.id, 0, 'its execution ended').catch(report('an ephemeral sandbox did not end'));
  };

  /**
   * Started by another server that shares the sandbox: whoever hears of its end records it. One that has no record yet is left to its
   * server, or to whoever finds it in the sandbox.
   */
  const recordStranger = async (live: LiveSandbox, exit: Exit): Promise<void> => {
    const record = await store.execution(exit.execution);
    if (record?.sandbox !== live.record.id) return;
    if (record.status === 'running') store.finishExecution(record.id, ending(exit, record.receipt), unfiledOutput(exit));
    acknowledgeLater(record.id, live);
  };

  /** A sandbox speaks for its own executions alone: what runs in it may have taken over its supervisor. */
  const foreign = (live: LiveSandbox, execution: string): void =>
    log.error({ sandbox: live.record.id, execution }, 'a sandbox spoke of an execution that is not its own');

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
      unclaimed.set(id, { sandbox: live.record.id, exit });
      if (unclaimed.size > UNCLAIMED) unclaimed.delete(unclaimed.keys().next().value ?? '');
      recordStranger(live, exit).catch(report('the end of an execution was not recorded'));
    } else if (one.live.record.id === live.record.id) {
      close(one, ending(exit, one.record.receipt), exit);
      acknowledgeLater(id, live);
    } else foreign(live, id);
  };

  /** What it printed, where nobody is left to say: the log files outlive the sandbox. */
  const measure = async (one: Tracked): Promise<void> => {
    const ref = { sandbox: one.record.sandbox, execution: one.record.id };
    try {
      [one.stdoutBytes, one.stderrBytes] = await Promise.all([logs.size(ref, 'stdout'), logs.size(ref, 'stderr')]);
    } catch (error) {
      report('the output of a lost execution was not measured')(error);
    }
  };

  const onLost = async (sandbox: string, reason: string, recalled: readonly SandboxExecution[]): Promise<void> => {
    const exits = new Map(recalled.map((one) => [one.execution, one]));
    for (const [id, question] of asked) {
      if (question.sandbox !== sandbox) continue;
      asked.delete(id);
      question.answer(new CorralError('lost', `The sandbox ended: ${reason.replace(/\.$/, '')}.`));
    }
    for (const one of [...tracked.values()].filter(({ live }) => live.record.id === sandbox)) {
      const exit = exits.get(one.record.id)?.exit;
      if (exit === undefined) await measure(one);
      const ranMs = Math.max(0, Date.now() - one.record.startedMs);
      close(one, exit === undefined ? { ...lostChange(reason), durationMs: ranMs } : ending(exit, one.record.receipt), exit);
    }
    for (const found of recalled)
      if ((await store.execution(found.execution)) === undefined) store.insertExecution(recordFromMeta(sandbox, found));
    for (;;) {
      const left = await store.executions({ status: 'running', sandbox, limit: 100 });
      if (left.length === 0) break;
      for (const record of left) {
        const exit = exits.get(record.id)?.exit;
        store.finishExecution(
          record.id,
          exit === undefined ? { ...lostChange(reason), status: 'finished' } : ending(exit, record.receipt),
          unfiledOutput(exit),
        );
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
      } else if (record.sandbox !== live.record.id) {
        foreign(live, record.id);
        continue;
      }
      if (found.exit !== undefined) {
        if (record.status === 'running') store.finishExecution(record.id, ending(found.exit, record.receipt), unfiledOutput(found.exit));
        acknowledgeLater(record.id, live);
      } else if (!tracked.has(record.id)) {
        const one = track(record, live, false, found);
        // Whatever it asked its terminal before, its last server answered, or nobody did.
        if (sizesOf(record.meta) !== undefined) deps.followTerminal?.(one, found.stdoutBytes);
      }
    }
  };

  const track = (record: ExecutionRecord, live: LiveSandbox, ephemeral: boolean, found?: SandboxExecution): Tracked => {
    const one = createTracked(record, live, ephemeral);
    one.stdoutBytes = found?.stdoutBytes ?? 0;
    one.stderrBytes = found?.stderrBytes ?? 0;
    tracked.set(record.id, one);
    if (found === undefined) deps.watch?.spawned(record);
    // Its end may have arrived right behind the list in which it still ran.
    const told = unclaimed.get(record.id);
    if (told?.sandbox === live.record.id) {
      unclaimed.delete(record.id);
      close(one, ending(told.exit, one.record.receipt), told.exit);
      acknowledgeLater(record.id, live);
    }
    return one;
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
    input: (id, wait) => {
      const one = tracked.get(id);
      if (one === undefined) return;
      one.inputWait = wait;
      announce(one);
    },
    closed: (id: string, stdout: StreamSize, stderr: StreamSize) => {
      store.finishExecution(id, { stdout, stderr, background: 0 });
      const seen = recent.get(id);
      if (seen !== undefined)
        recent.set(id, {
          record: { ...seen.record, stdout, stderr, background: 0 },
          exit: undefined,
          stdoutBytes: stdout.bytes,
          stderrBytes: stderr.bytes,
        });
    },
    lost: onLost,
    adopted: onAdopted,
  };

  return {
    tracked,
    recent,
    asked,
    news,
    track,
    close,
    settle: async () => {
      clearTimeout(acknowledging);
      await flushAcknowledgements();
    },
  };
};
