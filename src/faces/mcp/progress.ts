import type { ServerContext } from '@modelcontextprotocol/server';

/** Between two notifications of one call, in ms: people cannot read faster, and a chatty operation must not flood the pipe. */
const INTERVAL_MS = 250;

export interface ProgressNotice {
  /** Seconds since the call began; strictly increasing. */
  readonly progress: number;
  readonly message: string;
}

export interface Progress {
  /** False when nobody asked for it. */
  readonly isHeard: boolean;
  tell(message: string): void;
  /** Nothing is sent afterwards, not even what waited for its turn. */
  stop(): void;
}

/**
 * Rate limited progress of one call: of several messages within an interval the last one is sent, when the interval is over. `send` may
 * reject (the peer has gone away): that is not the operation's concern.
 */
export const createProgress = (send: (notice: ProgressNotice) => Promise<void>): Progress => {
  const started = performance.now();
  let sentAt = -Infinity;
  let waiting: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const flush = (): void => {
    timer = undefined;
    if (waiting === undefined) return;
    const message = waiting;
    waiting = undefined;
    sentAt = performance.now();
    send({ progress: Math.max(1, Math.round(sentAt - started)) / 1000, message }).catch(() => {
      stopped = true;
    });
  };

  return {
    isHeard: true,
    tell: (message) => {
      if (stopped) return;
      waiting = message;
      if (timer !== undefined) return;
      const wait = sentAt + INTERVAL_MS - performance.now();
      if (wait <= 0) flush();
      else timer = setTimeout(flush, wait);
    },
    stop: () => {
      stopped = true;
      waiting = undefined;
      clearTimeout(timer);
    },
  };
};

/** For callers that did not ask for progress. */
const SILENT: Progress = { isHeard: false, tell: () => undefined, stop: () => undefined };

export const progressOf = ({ mcpReq }: ServerContext): Progress => {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return SILENT;
  return createProgress((notice) => mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...notice } }));
};
