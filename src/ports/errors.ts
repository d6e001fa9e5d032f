/** Every way in which Corral itself can fail. A program that ran and failed is a result, never one of these. */
export const ERROR_CODES = [
  'invalid_input',
  'denied',
  'approval_required',
  'not_found',
  'conflict',
  'unsupported',
  'unavailable',
  'failed_to_start',
  'limit_exceeded',
  'cancelled',
  'lost',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What to do when the thrower knows nothing better. Written for the person or the model who must act on it. */
const DEFAULT_HINTS: Record<ErrorCode, string> = {
  invalid_input: 'Correct the named argument and call again.',
  denied: 'The operator of this server does not allow it; choose another way or ask the operator.',
  approval_required: 'Ask the person in charge to approve, then call again.',
  not_found: 'List what exists (list_executions, sandbox action "list") and use one of those names.',
  conflict: 'Somebody changed it meanwhile; read its state again and decide anew.',
  unsupported: 'This machine or driver cannot do it; `corral doctor` says what holds here.',
  unavailable: 'Run `corral doctor` on the server; it says what is missing and how to mend it.',
  failed_to_start: 'Check the program name, its permissions and the working directory.',
  limit_exceeded: 'Make the request smaller, or end something that is no longer needed, and call again.',
  cancelled: 'Call again if it is still wanted.',
  lost: 'The sandbox is gone; start again in a new one.',
  internal: 'This is a defect of Corral: report it with the log lines from stderr.',
};

export interface CorralErrorOptions {
  /** How to recover, one sentence. */
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The only error class that crosses a floor of the house. */
export class CorralError extends Error {
  override readonly name = 'CorralError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: CorralErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? DEFAULT_HINTS[code];
    this.details = options.details ?? {};
  }
}

/** Anything thrown, as a CorralError: unknown errors become `internal` and keep their cause. */
export const toCorralError = (error: unknown): CorralError => {
  if (error instanceof CorralError) return error;
  if (error instanceof Error && error.name === 'AbortError')
    return new CorralError('cancelled', 'The call was cancelled.', { cause: error });
  return new CorralError('internal', error instanceof Error ? error.message : String(error), { cause: error });
};
