import type { LogRef } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';

/** Something whose output grows; listeners are called on growth and at the end. */
export interface Growth {
  readonly listeners: Set<() => void>;
}

export interface MatchRequest {
  readonly ref: LogRef;
  readonly pattern: string;
  /** undefined = either. */
  readonly stream?: StreamName | undefined;
}

/** Looks for a pattern in output, from its beginning, off the event loop and under a time limit. */
export interface OutputWatch {
  /** The first matching line, as soon as it is there; undefined when the signal aborted first. Rejects with `invalid_input` for a bad pattern. */
  match(request: MatchRequest & { readonly growth: Growth }, signal: AbortSignal): Promise<string | undefined>;
  /** The first matching line of what is there now. */
  search(request: MatchRequest): Promise<string | undefined>;
}
