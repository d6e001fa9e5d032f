import { CorralError } from '../../ports/errors.ts';
import type { Sandbox } from '../../ports/sandbox.ts';
import type { Matching } from '../output/watch.ts';
import { absolutePath, isClose, lineOfScreen, type Met, silentMs, waysOf, type Wanted, type WaitServices } from './conditions.ts';
import { type Tell, telling } from './telling.ts';
import { type Tracked, unlessOver, watchClosely } from './tracked.ts';
import type { Executions, Look } from './types.ts';
import type { Until } from './until.ts';
import type { WaitState } from './wait-cursor.ts';

export interface WaitTarget {
  readonly execution: string;
  readonly until: Until;
  readonly from: WaitState;
}

export interface WaitRequest {
  readonly targets: readonly WaitTarget[];
  /** Every execution must meet a condition, instead of the first. */
  readonly all: boolean;
  readonly waitMs: number;
  /** Told now and then while it waits, in words of `describe`: how many have met a condition, after how long. */
  readonly tell?: Tell | undefined;
  readonly describe?: ((met: number, ms: number) => Promise<string>) | undefined;
}

export interface WaitResult {
  /** In the order in which they came; those that an earlier wait had seen first. */
  readonly met: readonly Met[];
  /** Where a later wait goes on, in the order of the targets. */
  readonly states: readonly WaitState[];
}

/** What holds of one that has ended. Better than "it ended": what it printed last may hold the line, its daemon the port. */
const atTheEnd = async (
  services: WaitServices,
  look: Look,
  sandbox: Sandbox | undefined,
  { until, from }: WaitTarget,
): Promise<{ readonly met: Met; readonly scanned: WaitState['scanned'] }> => {
  const { record, stdoutBytes, stderrBytes } = look;
  const execution = record.id;
  let { scanned } = from;
  const ended = (met: Omit<Met, 'execution'>) => ({ met: { execution, ...met }, scanned });
  if (until.output !== undefined) {
    const ref = { sandbox: record.sandbox, execution };
    const found = await services.watch.search({ ref, pattern: until.output, stream: until.stream, from: scanned });
    ({ scanned } = found);
    if (found.match !== undefined) return ended({ condition: 'output', line: found.match.line });
  }
  const line = until.screen === undefined ? undefined : await lineOfScreen(services, look, until.screen);
  if (line !== undefined) return ended({ condition: 'screen', line });
  if (until.bytes !== undefined && stdoutBytes + stderrBytes >= until.bytes) return ended({ condition: 'bytes' });
  const { port, file } = until;
  if (port !== undefined && (await sandbox?.waitPort(port, 1).catch(unlessOver)) === true) return ended({ condition: 'port', port });
  if (file !== undefined && (await sandbox?.waitFile(absolutePath(record, file), 1).catch(unlessOver)) === true)
    return ended({ condition: 'file', file });
  return ended({ condition: 'exit' });
};

/** One target while it is waited for. */
interface Waiting {
  readonly met: Promise<Met>;
  state(): WaitState;
}

const begin = (
  services: WaitServices,
  executions: Executions,
  target: WaitTarget,
  one: Tracked | undefined,
  signal: AbortSignal,
): Waiting => {
  const { execution, until, from } = target;
  const asked = performance.now();
  let scanned = from.scanned;
  let matching: Matching | undefined;
  let met: Met | undefined;

  const end = async (sandbox: Sandbox | undefined): Promise<Met> => {
    const after = { ...target, from: { ...from, scanned: matching?.scanned() ?? scanned } };
    const found = await atTheEnd(services, await executions.look(execution), sandbox, after);
    ({ scanned } = found);
    matching = undefined;
    return found.met;
  };
  const run = async (): Promise<Met> => {
    if (from.met !== undefined) return { execution, condition: from.met };
    if (one === undefined) return end(undefined);
    using _ = isClose(until) ? await watchClosely(one) : undefined;
    // What was printed before it was watched.
    if (isClose(until)) await executions.look(execution);
    const wanted: Wanted = { one, until, from };
    const found = waysOf(wanted, services, signal);
    ({ matching } = found);
    const over = one.done.then(() => end(one.live.sandbox));
    const aborted = new Promise<never>((_, reject) => {
      const stop = (): void => reject(new CorralError('cancelled', 'The wait is over.'));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    return await Promise.race([...found.ways, over, aborted]);
  };

  return {
    met: run().then((result) => (met = result)),
    state: () => ({
      scanned: matching?.scanned() ?? scanned,
      ...(one !== undefined &&
        until.silenceSeconds !== undefined &&
        met === undefined && { silent: { bytes: one.stdoutBytes + one.stderrBytes, ms: silentMs(one, asked, from) } }),
      ...(met !== undefined && { met: met.condition }),
    }),
  };
};

/** Each of them, so that a list with a wrong name in it says which. */
const followAll = async (
  executions: Executions,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly (Tracked | undefined)[]> => {
  const followed = await Promise.allSettled(ids.map((id) => executions.follow(id, signal)));
  const missing = ids.filter((_, index) => {
    const one = followed[index];
    return one?.status === 'rejected' && one.reason instanceof CorralError && one.reason.code === 'not_found';
  });
  if (missing.length > 0 && ids.length > 1)
    throw new CorralError(
      'not_found',
      `There is no execution ${missing.map((id) => `"${id}"`).join(', ')}; the others were not waited for.`,
      {
        hint: 'list_executions shows those that are kept; leave out the others and call again.',
      },
    );
  return followed.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
};

/** Waits for the first (or all) of some executions to meet a condition; `met` is empty when the time was up first. */
export const waitForExecutions = async (
  services: WaitServices,
  executions: Executions,
  { targets, all, waitMs, tell, describe = async () => '' }: WaitRequest,
  signal: AbortSignal,
): Promise<WaitResult> => {
  const started = performance.now();
  const followed = await followAll(
    executions,
    targets.map(({ execution }) => execution),
    signal,
  );
  const stop = new AbortController();
  const met: Met[] = [];
  using _ = telling(tell, () => describe(met.length, performance.now() - started));
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs);
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const waiting = targets.map((target, index) =>
    begin(services, executions, target, followed[index], AbortSignal.any([signal, stop.signal])),
  );
  const ends = waiting.map(async (one) => void met.push(await one.met));
  try {
    await Promise.race([all ? Promise.all(ends) : Promise.race(ends), time]);
    // One that ended just as the time was up is shown as ended: then the answer says so, too. That takes as long as a look at its output.
    const ending = ends.filter((_end, index) => followed[index]?.record.status === 'finished');
    if (!signal.aborted && ending.length > 0 && (all || met.length === 0)) await (all ? Promise.all(ending) : Promise.race(ending));
    const states = waiting.map((one) => one.state());
    // What one of several has met counts until each has; the first that any meets is asked for anew.
    const isHalfway = all && met.length < targets.length;
    return { met: [...met], states: isHalfway ? states : states.map(({ met: _met, ...state }) => state) };
  } finally {
    clearTimeout(timer);
    stop.abort();
    // The losers of the race end with the abort; what they say then is of no interest.
    for (const end of ends) end.catch(() => undefined);
  }
};
