import type { ApprovalRecord, ApprovalStore, GrantScope } from '../../ports/approvals.ts';
import type { Log } from '../log.ts';
import type { Call } from '../operation.ts';
import type { Decision } from '../policy/types.ts';
import type { RunsAt } from './binding.ts';
import type { FilesToRead } from './file-marks.ts';

/** What a sandbox shows of its files. */
export interface Place {
  readonly files: FilesToRead;
  /** Where the call would begin, and what `~` is; absolute, as seen inside. */
  readonly cwd: string;
  readonly home: string;
}

/** Hears of every question and of every answer given by this process. */
export interface ApprovalWatch {
  asked(call: Call, record: ApprovalRecord): void;
  answered(record: ApprovalRecord): void;
}

export interface ApprovalsDeps {
  readonly store: ApprovalStore;
  /** Of this server. */
  readonly server: string;
  readonly at: RunsAt;
  /** The place in which a call would run; undefined when nothing is in it before. */
  readonly placeOf: (sandbox: string | undefined, cwd: string | undefined, signal: AbortSignal) => Promise<Place | undefined>;
  /** How long a call waits for an answer, how long a question stays open, how long a grant holds; in ms. */
  readonly waitMs: number;
  readonly pendingMs: number;
  readonly grantMs: number;
  /** The command line that grants it. */
  readonly grantLine: (id: string) => string;
  readonly log: Log;
  readonly watch?: ApprovalWatch | undefined;
  readonly now?: () => number;
}

/** What a person decides. */
export type PersonsAnswer =
  | { readonly verdict: 'grant'; readonly scope: GrantScope; readonly prefix?: number | undefined; readonly by: string }
  | { readonly verdict: 'deny'; readonly note?: string | undefined; readonly by: string };

export interface Approvals {
  /** Resolves when somebody allowed this very call. Throws `approval_required`, `denied` or `cancelled`, in bounded time. */
  approve(call: Call, decision: Decision): Promise<void>;
  /** Newest first, at most 200; all = also what was denied, used or has expired. */
  list(all: boolean): Promise<readonly ApprovalRecord[]>;
  /** By id or the beginning of it. Replaces an earlier answer that still holds. Throws `not_found`, `conflict` or `invalid_input`. */
  answer(id: string, answer: PersonsAnswer): Promise<ApprovalRecord>;
}
