/**
 * The audit port: what happened, by whom, under which rule, in a form that shows whether somebody changed it afterwards.
 *
 * A process that records has a *chain* of its own: lines that are each bound to the line before with a keyed hash, in one segment file after
 * the other. Events carry no secrets: they are redacted before they reach the port.
 */

/** Of a call: decided, asked, started, ended. Of a question to a person: granted, denied. Of a program: spawned, exited. Of the log itself: the others. */
export const AUDIT_KINDS = [
  'decided',
  'asked',
  'granted',
  'denied',
  'started',
  'ended',
  'spawned',
  'exited',
  'opened',
  'closed',
  'anchored',
  'lost',
  'retired',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** JSON. Absent fields say nothing. */
export interface AuditEvent {
  readonly kind: AuditKind;
  /** Joins the events of one call. */
  readonly call?: string | undefined;
  readonly caller?: string | undefined;
  readonly via?: string | undefined;
  /** `noun.verb` */
  readonly operation?: string | undefined;
  readonly verdict?: 'allow' | 'ask' | 'deny' | undefined;
  /** Id of the rule that decided. */
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  /** The question that was put to a person. */
  readonly approval?: string | undefined;
  /** Arguments of the call, bounded and redacted. */
  readonly input?: unknown;
  /** Steps of an execution, argv each, bounded and redacted. */
  readonly argv?: readonly (readonly string[])[] | undefined;
  readonly cwd?: string | undefined;
  readonly sandbox?: string | undefined;
  readonly execution?: string | undefined;
  /** `exited 0`, `signalled SIGKILL`, `timed_out`, `running`. */
  readonly outcome?: string | undefined;
  readonly durationMs?: number | undefined;
  /** Printed by the program. */
  readonly stdoutBytes?: number | undefined;
  readonly stderrBytes?: number | undefined;
  /** End of what a program that failed wrote to stderr. */
  readonly excerpt?: string | undefined;
  /** A code of `ERROR_CODES`. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** What the log says of itself. */
  readonly log?: Readonly<Record<string, unknown>> | undefined;
}

export interface AuditHealth {
  readonly ok: boolean;
  /** Lines that wait to be written. */
  readonly queued: number;
  /** Events given up for want of room since the start. */
  readonly lost: number;
  /** Why events cannot be written; absent while all is well. */
  readonly problem?: Error | undefined;
}

/** Where events go. */
export interface AuditSink extends AsyncDisposable {
  /** Finds key and folder. Throws `unavailable` when events could not be written. */
  open(): Promise<void>;
  /** Queues; written within 10 ms. Never throws, never waits. */
  record(event: AuditEvent): void;
  /** Resolves when all that was recorded is in the file, so that it survives the end of this process; throws when it cannot be. */
  flush(): Promise<void>;
  health(): AuditHealth;
  /** Removes old segments; returns how many. `alive` says whether the writer of a chain still runs. */
  retain(alive: (chain: string) => boolean): Promise<number>;
}

/** One line of the log, as it was read back. */
export interface AuditRecord {
  readonly chain: string;
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: AuditEvent;
  /** False when the line does not bear the mark of the key. */
  readonly genuine: boolean;
}

export interface AuditQuery {
  readonly caller?: string | undefined;
  readonly operation?: string | undefined;
  /** In ms since 1970; inclusive. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Beginning of an outcome, or an error code. */
  readonly outcome?: string | undefined;
  /** Somewhere in the line; ASCII letters in either case. */
  readonly text?: string | undefined;
  /** Newest first. */
  readonly limit: number;
}

export const AUDIT_PROBLEMS = [
  'edited',
  'reordered',
  'missing_records',
  'truncated',
  'missing_segment',
  'missing_chain',
  'wrong_key',
  'unreadable',
] as const;

export interface AuditProblem {
  readonly kind: (typeof AUDIT_PROBLEMS)[number];
  readonly chain: string;
  readonly segment?: number | undefined;
  /** Line of the segment file, from 1. */
  readonly line?: number | undefined;
  readonly seq?: number | undefined;
  readonly message: string;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly chains: number;
  readonly segments: number;
  readonly records: number;
  readonly problems: readonly AuditProblem[];
  /** What is unusual and no sign of tampering: a last line that a crash cut off, an end without a closing line. */
  readonly notes: readonly string[];
  /** The last record of each chain: kept elsewhere, it proves later that nothing behind it was cut off. */
  readonly heads: readonly { readonly chain: string; readonly seq: number; readonly mac: string }[];
}

/** Reads what any process recorded in this state folder. */
export interface AuditTrail {
  /** The newest, oldest of them first. With `follow`, goes on until the signal. */
  tail(options: { readonly count: number; readonly follow: boolean }, signal: AbortSignal): AsyncIterable<AuditRecord>;
  search(query: AuditQuery, signal: AbortSignal): Promise<readonly AuditRecord[]>;
  verify(signal: AbortSignal): Promise<AuditReport>;
}
