import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { isJSONRPCNotification } from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { CorralMcpFactory } from './server-factory.ts';

export interface SessionLimits {
  /** Sessions at once. */
  readonly max: number;
  /** A session without a request or an open stream for this long is ended, in ms. */
  readonly idleMs: number;
  /** When all are taken, one that has been idle for this long makes room, in ms. */
  readonly evictableMs: number;
}

export const SESSION_LIMITS: SessionLimits = { max: 256, idleMs: 30 * 60_000, evictableMs: 60_000 };

/** One client of an era before 2026, from its `initialize` on. */
export interface Session {
  readonly transport: NodeStreamableHTTPServerTransport;
  readonly owner: string;
}

interface Entry extends Session {
  readonly close: () => Promise<void>;
  responses: number;
  lastUsedMs: number;
}

export interface LegacySessions {
  /** Undefined for an unknown id and for somebody else's: the two cannot be told apart. */
  find(id: string, owner: string): Session | undefined;
  /** Undefined when all are taken. The session counts at once; it gets its id when the client's `initialize` is handled. */
  open(owner: string): Promise<Session | undefined>;
  /** Counts a response as activity for as long as it is open. A session that got no id by its end is dropped. */
  track(session: Session, response: ServerResponse): void;
  close(): Promise<void>;
}

/** The SDK leaves the stream of a cancelled call open for ever, since no answer may come: it ends with the cancellation. */
const endStreamOfCancelled = (transport: NodeStreamableHTTPServerTransport): ((message: JSONRPCMessage) => void) => {
  return (message) => {
    if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return;
    const id = message.params?.['requestId'];
    if (typeof id === 'string' || typeof id === 'number') transport.closeSSEStream(id);
  };
};

/**
 * The sessions of clients before 2026-07-28. They are served with a session each, because without one a cancellation arrives at an
 * instance that knows nothing of the call. A session is no credential: every request proves itself anew, and the session must be its own.
 */
export const createLegacySessions = (
  factory: CorralMcpFactory,
  limits: SessionLimits,
  onError: (error: Error) => void,
  now: () => number = () => performance.now(),
): LegacySessions => {
  const entries = new Set<Entry>();
  const byId = new Map<string, Entry>();

  const end = async (entry: Entry): Promise<void> => {
    if (!entries.delete(entry)) return;
    const id = entry.transport.sessionId;
    if (id !== undefined) byId.delete(id);
    await entry.close();
  };
  const endQuietly = (entry: Entry): void => {
    end(entry).catch((error: unknown) => onError(error instanceof Error ? error : new Error(String(error))));
  };

  const isIdle = (entry: Entry, ms: number): boolean => entry.responses === 0 && now() - entry.lastUsedMs >= ms;
  const sweep = setInterval(
    () => {
      for (const entry of entries) if (isIdle(entry, limits.idleMs)) endQuietly(entry);
    },
    Math.max(10, Math.min(60_000, limits.idleMs / 4)),
  );
  sweep.unref();

  const makeRoom = (): boolean => {
    if (entries.size < limits.max) return true;
    const idle = [...entries].filter((entry) => isIdle(entry, limits.evictableMs));
    const [oldest] = idle.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    if (oldest === undefined) return false;
    endQuietly(oldest);
    return true;
  };

  return {
    find: (id, owner) => {
      const entry = byId.get(id);
      return entry?.owner === owner ? entry : undefined;
    },
    open: async (owner) => {
      if (!makeRoom()) return undefined;
      const server = factory({ era: 'legacy' });
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomBytes(24).toString('base64url'),
        onsessioninitialized: (id) => void byId.set(id, entry),
      });
      const entry: Entry = { transport, owner, close: () => server.close(), responses: 0, lastUsedMs: now() };
      entries.add(entry);
      transport.onclose = () => endQuietly(entry);
      transport.onerror = onError;
      transport.onmessage = endStreamOfCancelled(transport);
      await server.connect(transport);
      return entry;
    },
    track: (session, response) => {
      const entry = session as Entry;
      entry.responses += 1;
      entry.lastUsedMs = now();
      response.once('close', () => {
        entry.responses -= 1;
        entry.lastUsedMs = now();
        if (entry.transport.sessionId === undefined) endQuietly(entry);
      });
    },
    close: async () => {
      clearInterval(sweep);
      await Promise.all([...entries].map(end));
    },
  };
};
