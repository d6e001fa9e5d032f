/** What a person may allow, at most: one call; the same call again on this server; calls of the same caller that begin with the same words. */
export const GRANT_SCOPES = ['once', 'session', 'prefix'] as const;
export type GrantScope = (typeof GRANT_SCOPES)[number];

/** `used`: a grant for one call that has been taken. */
export type ApprovalState = 'pending' | 'granted' | 'denied' | 'used';

/** A question that the rules put to a person, and what became of it. Times in ms since 1970. */
export interface ApprovalRecord {
  readonly id: string;
  readonly state: ApprovalState;
  /** Hash of all that the call is: see core/approvals/binding.ts. */
  readonly binding: string;
  /** The same without its words and the files they name: what calls under one prefix have in common. */
  readonly frame: string;
  readonly caller: string;
  readonly via: string;
  /** The server that asked; a grant for the session is its alone. */
  readonly server: string;
  readonly operation: string;
  readonly tool: string;
  /** What is asked for, to be shown whole. */
  readonly text: string;
  readonly cwd?: string | undefined;
  readonly rule: string;
  readonly reason: string;
  /** What may be granted. */
  readonly scopes: readonly GrantScope[];
  /** argv, where a prefix of it may be granted. */
  readonly words?: readonly string[] | undefined;
  readonly createdMs: number;
  /** Pending: it can be answered until then. Granted: the grant holds until then. Denied: the same call is not asked again until then. */
  readonly expiresMs: number;
  readonly scope?: GrantScope | undefined;
  /** How many of `words` a prefix has. */
  readonly prefix?: number | undefined;
  readonly answeredMs?: number | undefined;
  readonly answeredBy?: string | undefined;
  /** Why it was denied, in the words of whoever did. */
  readonly note?: string | undefined;
}

export type ApprovalAnswer = Pick<ApprovalRecord, 'scope' | 'prefix' | 'note'> & {
  readonly state: 'granted' | 'denied';
  readonly answeredMs: number;
  readonly answeredBy: string;
  readonly expiresMs: number;
};

/** The call that looks for a grant. */
export interface GrantQuery {
  readonly binding: string;
  readonly frame: string;
  readonly server: string;
  /** Where grants by prefix may be used. */
  readonly words?: readonly string[] | undefined;
  readonly nowMs: number;
}

/** The inbox. Several servers share it; every method is atomic. */
export interface ApprovalStore {
  /**
   * Records a question, unless the same one waits or was denied and that still holds: then gives that one. Throws `limit_exceeded` when
   * `most` questions of this caller wait.
   */
  ask(record: ApprovalRecord, most: number): Promise<ApprovalRecord>;
  find(id: string): Promise<ApprovalRecord | undefined>;
  /** Newest first. `live` = what can still be answered or used. */
  list(query: { readonly live: boolean; readonly nowMs: number; readonly limit: number }): Promise<readonly ApprovalRecord[]>;
  /** False when it is in none of these states any more, or expired: somebody else was first. */
  answer(id: string, answer: ApprovalAnswer, from: readonly ApprovalState[]): Promise<boolean>;
  /** The grant that covers the call; one for a single call is used up by this. A grant that can be used again goes before one that cannot. */
  take(query: GrantQuery): Promise<ApprovalRecord | undefined>;
  /** Removes what expired before then; returns how many. */
  forget(expiredBeforeMs: number): Promise<number>;
}

/** Do the words begin with the prefix that was granted? */
export const coversWords = ({ words, prefix }: Pick<ApprovalRecord, 'words' | 'prefix'>, asked: readonly string[]): boolean =>
  words !== undefined &&
  prefix !== undefined &&
  prefix > 0 &&
  prefix <= asked.length &&
  words.slice(0, prefix).every((word, index) => word === asked[index]);
