/** Something the operator should know; the store goes on. */
export interface StoreNotice {
  readonly kind:
    | 'folder_open'
    /** A damaged file was moved aside and a fresh one begun, by this server or by another. */
    | 'replaced'
    /** Queued records cannot be written for now; they are kept and tried again. */
    | 'writing_failed'
    | 'writing_resumed'
    /** One record cannot be written and never will be. */
    | 'record_rejected';
  readonly message: string;
  /** What to do, one sentence. */
  readonly hint?: string;
}

export type OnNotice = (notice: StoreNotice) => void;
