import type { LogRef } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Offsets } from './cursor.ts';

/** Something whose output grows; listeners are called on growth and at the end. */
export interface Growth {
  readonly listeners: Set<() => void>;
  /** As told with the last growth; absent where nobody tells. */
  readonly stdoutBytes?: number;
  readonly stderrBytes?: number;
}

export interface MatchRequest {
  readonly ref: LogRef;
  readonly pattern: string;
  /** undefined = either. */
  readonly stream?: StreamName | undefined;
  /** Where the search begins; absent = at the beginning. */
  readonly from?: Offsets | undefined;
}

export interface Match {
  readonly line: string;
  readonly stream: StreamName;
}

/** A search that goes on as the output grows. */
export interface Matching {
  /** The first matching line, as soon as it is there; undefined when the signal aborted first. Rejects with `invalid_input` for a bad pattern. */
  readonly match: Promise<Match | undefined>;
  /** How far it has looked: behind the line that was found, else to the beginning of what is not a whole line yet. */
  scanned(): Offsets;
}

/** Looks for a pattern in output, off the event loop and under a time limit. */
export interface OutputWatch {
  /** Those who look for the same thing from the same place share one search. */
  match(request: MatchRequest & { readonly growth: Growth }, signal: AbortSignal): Matching;
  /** The first matching line of what is there now. */
  search(request: MatchRequest): Promise<{ readonly match: Match | undefined; readonly scanned: Offsets }>;
}
