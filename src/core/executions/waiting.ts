import { CorralError } from '../../ports/errors.ts';
import type { LogRef } from '../../ports/logs.ts';
import type { OutputWatch } from '../output/watch.ts';
import type { Executions } from './types.ts';
import type { Tracked } from './tracked.ts';
import type { Until } from './until.ts';

export type Condition = 'exit' | 'output' | 'port' | 'silence';

export interface Met {
  readonly execution: string;
  readonly condition: Condition;
  /** The line that matched. */
  readonly line?: string | undefined;
  readonly port?: number | undefined;
}

export interface WaitRequest {
  readonly executions: readonly string[];
  readonly until: Until;
  /** Every execution must meet a condition, instead of the first. */
  readonly all: boolean;
  readonly waitMs: number;
}

/** How often a watch is asked of the sandbox is its own affair; silence is looked at when it could have come. */
const onSilence = (one: Tracked, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const asked = performance.now();
    let timer: NodeJS.Timeout;
    const check = (): void => {
      const left = Math.max(asked, one.lastGrowth) + ms - performance.now();
      if (left <= 0) resolve();
      else timer = setTimeout(check, left);
    };
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    check();
  });

const hearsGrowth = (until: Until): boolean => until.output !== undefined || until.silenceSeconds !== undefined;

const unwatch = (one: Tracked): void => {
  one.watchers -= 1;
  // An execution, or a sandbox, that is gone tells nothing any more.
  if (one.watchers === 0 && one.record.status === 'running') one.live.sandbox.watch(one.record.id, false).catch(() => undefined);
};

const refOf = (one: Tracked): LogRef => ({ sandbox: one.record.sandbox, execution: one.record.id });

/** An answer that fails since its connection broke, or since the execution has just ended: whether it ended is told by `done`. */
const unlessOver = (error: unknown): undefined => {
  if (error instanceof CorralError && (error.code === 'lost' || error.code === 'not_found')) return undefined;
  throw error;
};

/** Resolves when something listens; never when the sandbox is gone. A connection that broke is used again once it was made anew. */
const onPort = async ({ live }: Tracked, port: number, timeoutMs: number, signal: AbortSignal): Promise<void> => {
  const ask = (): Promise<boolean> => live.sandbox.waitPort(port, timeoutMs, signal);
  const listening = (await ask().catch(unlessOver)) ?? (await ask().catch(unlessOver)) ?? false;
  if (!listening) await new Promise<never>(() => undefined);
};

/** Waits on one execution. Rejects only when a pattern cannot be used; never resolves after `signal` aborted. */
const waitOne = async (watch: OutputWatch, one: Tracked, request: WaitRequest, signal: AbortSignal): Promise<Met> => {
  const { until } = request;
  const execution = one.record.id;
  const ways: Promise<Met>[] = [];
  if (hearsGrowth(until)) {
    one.watchers += 1;
    await one.live.sandbox.watch(execution, true).catch(unlessOver);
  }
  if (until.output !== undefined)
    ways.push(
      watch
        .match({ ref: refOf(one), pattern: until.output, stream: until.stream, growth: one }, signal)
        .then((line) => (line === undefined ? new Promise<never>(() => undefined) : { execution, condition: 'output' as const, line })),
    );
  if (until.silenceSeconds !== undefined)
    ways.push(onSilence(one, until.silenceSeconds * 1000, signal).then(() => ({ execution, condition: 'silence' as const })));
  if (until.port !== undefined) {
    const port = until.port;
    ways.push(onPort(one, port, request.waitMs + 1000, signal).then(() => ({ execution, condition: 'port' as const, port })));
  }
  ways.push(
    one.done.then(async () => {
      // What it printed last may hold the line that was waited for: that answer is better than "it ended".
      if (until.output === undefined) return { execution, condition: 'exit' as const };
      const line = await watch.search({ ref: refOf(one), pattern: until.output, stream: until.stream });
      return line === undefined ? { execution, condition: 'exit' as const } : { execution, condition: 'output' as const, line };
    }),
  );
  return Promise.race(ways);
};

const endedMeanwhile = async (watch: OutputWatch, executions: Executions, id: string, until: Until): Promise<Met> => {
  const { record } = await executions.look(id);
  if (until.output === undefined) return { execution: id, condition: 'exit' };
  const line = await watch.search({ ref: { sandbox: record.sandbox, execution: id }, pattern: until.output, stream: until.stream });
  return line === undefined ? { execution: id, condition: 'exit' } : { execution: id, condition: 'output', line };
};

/** Waits for the first (or all) of some executions to meet a condition; empty when the time was up first. */
export const waitForExecutions = async (
  executions: Executions,
  watch: OutputWatch,
  request: WaitRequest,
  signal: AbortSignal,
): Promise<readonly Met[]> => {
  const followed = await Promise.all(request.executions.map(async (id) => ({ id, one: await executions.follow(id, signal) })));
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const met: Met[] = [];
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<'time'>((resolve) => {
    timer = setTimeout(() => resolve('time'), request.waitMs);
    signal.addEventListener('abort', () => resolve('time'), { once: true });
  });
  const waits = followed.map(async ({ id, one }) => {
    const result =
      one === undefined ? await endedMeanwhile(watch, executions, id, request.until) : await waitOne(watch, one, request, both);
    met.push(result);
  });
  try {
    await Promise.race([request.all ? Promise.all(waits) : Promise.race(waits), time]);
  } finally {
    clearTimeout(timer);
    stop.abort();
    // The losers of the race end with the abort; what they say then is of no interest.
    for (const wait of waits) wait.catch(() => undefined);
    for (const { one } of followed) if (one !== undefined && hearsGrowth(request.until)) unwatch(one);
  }
  return [...met];
};
