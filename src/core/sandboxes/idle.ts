import type { Log } from '../log.ts';
import type { LiveSandbox } from './types.ts';

export interface IdleOptions {
  /** 0 = never. */
  readonly idleMs: number;
  /** Those of this server that may end for want of work. */
  candidates(): Iterable<LiveSandbox>;
  end(id: string): Promise<void>;
  readonly log: Log;
  readonly now?: () => number;
}

/** Ends sandboxes in which nothing runs for a while: no execution, no program that one left behind, no call that took it up. */
export interface IdleWatch extends Disposable {
  /** Somebody takes it up. */
  touch(id: string): void;
  look(): Promise<void>;
}

const LONGEST_PAUSE_MS = 15_000;
const SHORTEST_PAUSE_MS = 250;

export const createIdleWatch = ({ idleMs, candidates, end, log, now = () => performance.now() }: IdleOptions): IdleWatch => {
  const touched = new Map<string, number>();

  const isIdle = (id: string): boolean => now() - (touched.get(id) ?? now()) >= idleMs;

  const lookAt = async ({ record: { id }, sandbox }: LiveSandbox): Promise<void> => {
    if (!touched.has(id)) touched.set(id, now());
    if (!isIdle(id)) return;
    const { running, processes } = await sandbox.stats();
    if (running > 0 || processes > 0) touched.set(id, now());
    // Whoever took it up while we asked keeps it.
    else if (isIdle(id)) {
      touched.delete(id);
      await end(id);
    }
  };

  const look = async (): Promise<void> => {
    for (const found of candidates())
      await lookAt(found).catch((error: unknown) =>
        log.warn(
          { sandbox: found.record.id, error: error instanceof Error ? error.message : String(error) },
          'an idle sandbox did not end',
        ),
      );
  };

  let looking = false;
  const timer =
    idleMs === 0
      ? undefined
      : setInterval(
          () => {
            if (looking) return;
            looking = true;
            void look().finally(() => {
              looking = false;
            });
          },
          Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, idleMs / 4)),
        ).unref();

  return {
    touch: (id) => {
      if (idleMs > 0) touched.set(id, now());
    },
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  };
};
