/** A command that was started and whose end nobody has been told yet. */
export interface Session {
  readonly id: string;
  readonly execution: string;
  readonly command: string;
  readonly startedMs: number;
  /** When its output was last given to somebody. */
  readMs: number;
}

export interface Sessions {
  /** A new number for a command that starts now. */
  add(command: string, execution: string): Session;
  find(id: string): Session | undefined;
  remove(session: Session): void;
  list(): readonly Session[];
}

/** Ended commands that nobody asked for again; the oldest are let go, their output stays in the log. */
const MOST = 1000;

/** Numbers for the commands of this server. What they stand for, and all output, is with the executions. */
export const createSessions = (now: () => number = Date.now): Sessions => {
  const sessions = new Map<string, Session>();
  let last = 0;
  return {
    add: (command, execution) => {
      last += 1;
      const session = { id: String(last), execution, command, startedMs: now(), readMs: now() };
      sessions.set(session.id, session);
      if (sessions.size > MOST) sessions.delete(sessions.keys().next().value ?? '');
      return session;
    },
    find: (id) => sessions.get(id),
    remove: ({ id }) => void sessions.delete(id),
    list: () => [...sessions.values()],
  };
};
