import { CorralError } from '../../ports/errors.ts';

export interface TurnsOptions {
  /** Calls at work at once. */
  readonly concurrent: number;
  /** Calls that wait, of all callers together. */
  readonly waiting: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

export interface Turns {
  /** Resolves with what gives the turn back, when there is a place. `tell` hears of the place in the queue. Throws `limit_exceeded` or `cancelled`. */
  take(caller: string, tell: (message: string) => void, signal: AbortSignal): Promise<() => void>;
  counts(): { readonly running: number; readonly waiting: number };
}

interface Waiter {
  readonly caller: string;
  readonly tell: (message: string) => void;
  readonly grant: () => void;
  readonly refuse: (error: CorralError) => void;
}

/** What a call takes, before any has ended. */
const FIRST_GUESS_MS = 1000;
/** Weight of the newest duration in the average. */
const NEWEST = 0.2;
const TELL_EVERY_MS = 1000;

/**
 * So many at once; the others wait in turn: one of each caller, then the next of each. When too many wait, the caller with the most gives up
 * its last place to one who has fewer, so that nobody can fill the queue for the others.
 */
export const createTurns = ({ concurrent, waiting: maxWaiting, now = () => performance.now() }: TurnsOptions): Turns => {
  /** By caller; the caller whose turn it is first. */
  const queues = new Map<string, Waiter[]>();
  let running = 0;
  let waiting = 0;
  let averageMs = FIRST_GUESS_MS;
  let telling: NodeJS.Timeout | undefined;

  /** How many turns are given until it is this one's: 1 = the next. */
  const positionOf = (waiter: Waiter): number => {
    const ahead = queues.get(waiter.caller)?.indexOf(waiter) ?? 0;
    let position = ahead + 1;
    let before = true;
    for (const [caller, queue] of queues) {
      if (caller === waiter.caller) before = false;
      else position += Math.min(queue.length, ahead + (before ? 1 : 0));
    }
    return position;
  };

  const estimateMs = (position: number): number => Math.ceil((position / concurrent) * averageMs);

  const tell = (waiter: Waiter): void => {
    const position = positionOf(waiter);
    waiter.tell(`Waiting for a turn: ${position} of ${waiting}, about ${(estimateMs(position) / 1000).toFixed(1)} s.`);
  };

  const tellAll = (): void => {
    for (const queue of queues.values()) for (const waiter of queue) tell(waiter);
  };

  const remove = (waiter: Waiter): boolean => {
    const queue = queues.get(waiter.caller);
    const index = queue?.indexOf(waiter) ?? -1;
    if (queue === undefined || index < 0) return false;
    queue.splice(index, 1);
    if (queue.length === 0) queues.delete(waiter.caller);
    waiting -= 1;
    if (waiting === 0) {
      clearInterval(telling);
      telling = undefined;
    }
    return true;
  };

  /** The next in turn; its caller goes behind the others. */
  const next = (): Waiter | undefined => {
    const [first] = queues;
    if (first === undefined) return undefined;
    const [caller, queue] = first;
    const [waiter] = queue;
    if (waiter === undefined) return undefined;
    remove(waiter);
    if (queue.length > 0) {
      queues.delete(caller);
      queues.set(caller, queue);
    }
    return waiter;
  };

  const begin = (): (() => void) => {
    const started = now();
    let given = false;
    return () => {
      if (given) return;
      given = true;
      averageMs += (now() - started - averageMs) * NEWEST;
      const waiter = next();
      // The place goes from hand to hand: a newcomer cannot slip in between.
      if (waiter === undefined) running -= 1;
      else waiter.grant();
    };
  };

  const full = (position: number): CorralError =>
    new CorralError('limit_exceeded', `${running} calls are at work and ${waiting} wait, the most this server allows.`, {
      hint: `Call again in about ${(estimateMs(position) / 1000).toFixed(1)} s, or end something; reading, waiting and terminating are never held back.`,
      details: { retry_after_ms: estimateMs(position), limit: 'concurrency', running, waiting },
    });

  /** Makes room for a caller who has fewer waiting than another. */
  const displace = (caller: string): boolean => {
    const mine = queues.get(caller)?.length ?? 0;
    let longest: Waiter[] = [];
    for (const queue of queues.values()) if (queue.length > longest.length) longest = queue;
    const victim = longest.at(-1);
    if (victim === undefined || longest.length <= mine + 1) return false;
    remove(victim);
    victim.refuse(full(maxWaiting));
    return true;
  };

  return {
    async take(caller, tellCaller, signal) {
      if (running < concurrent && waiting === 0) {
        running += 1;
        return begin();
      }
      if (waiting >= maxWaiting && !displace(caller)) throw full(maxWaiting);
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          if (remove(waiter)) reject(new CorralError('cancelled', 'The call was cancelled while it waited for its turn.'));
        };
        const settle = (end: () => void): void => {
          signal.removeEventListener('abort', onAbort);
          end();
        };
        const waiter: Waiter = { caller, tell: tellCaller, grant: () => settle(resolve), refuse: (error) => settle(() => reject(error)) };
        signal.addEventListener('abort', onAbort, { once: true });
        const queue = queues.get(caller);
        if (queue === undefined) queues.set(caller, [waiter]);
        else queue.push(waiter);
        waiting += 1;
        telling ??= setInterval(tellAll, TELL_EVERY_MS).unref();
        tell(waiter);
        if (signal.aborted) onAbort();
      });
      return begin();
    },
    counts: () => ({ running, waiting }),
  };
};
