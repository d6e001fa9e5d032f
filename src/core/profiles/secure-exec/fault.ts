import { CorralError, type ErrorCode } from '../../../ports/errors.ts';

/** What the JSON-RPC error of a refused call says. */
export interface RpcFault {
  readonly code: number;
  readonly message: string;
}

export const INVALID_PARAMS = -32_602;
export const INTERNAL_ERROR = -32_603;

/** Written down when a call is refused; see `audit.ts`. */
export type SecurityEvent =
  | 'circuit_open'
  | 'overloaded'
  | 'rate_limit'
  | 'blacklist_violation'
  | 'blacklist_runtime'
  | 'injection_attempt'
  | 'dangerous_pattern'
  | 'encoded_traversal_attempt'
  | 'traversal_attempt'
  | 'unbalanced_regex'
  | 'security_warning'
  | 'security_notice';

export interface FaultOptions {
  readonly event?: SecurityEvent;
  readonly hint?: string;
  readonly cause?: unknown;
  /** Tells the caller when to come back. */
  readonly retryAfterMs?: number;
}

const fault = (rpcCode: number, code: ErrorCode, message: string, { event, retryAfterMs, ...options }: FaultOptions): CorralError =>
  new CorralError(code, message, {
    ...options,
    details: {
      rpcCode,
      ...(event !== undefined && { event }),
      ...(retryAfterMs !== undefined && { retry_after_ms: Math.ceil(retryAfterMs) }),
    },
  });

/** -32602: the call is wrong, or what it asked for did not run. */
export const refused = (message: string, options: FaultOptions = {}): CorralError =>
  fault(INVALID_PARAMS, 'invalid_input', message, options);

/** -32602 of a program that was not run to its end. */
export const failed = (message: string, options: FaultOptions = {}): CorralError =>
  fault(INVALID_PARAMS, 'failed_to_start', message, options);

/** -32603: not now. */
export const busy = (message: string, options: FaultOptions = {}): CorralError => fault(INTERNAL_ERROR, 'limit_exceeded', message, options);

export const invalidArgument = (name: string, what: string, event?: SecurityEvent): CorralError =>
  refused(`Invalid argument '${name}': ${what}`, event === undefined ? {} : { event });

export const traversal = (what: string): CorralError => refused(`Path traversal detected: ${what}`, { event: 'traversal_attempt' });

export const securityEventOf = (error: CorralError): SecurityEvent | undefined => error.details['event'] as SecurityEvent | undefined;

export const RATE_LIMITED = 'Rate limit';
export const OVERLOADED = 'Server overloaded - too many concurrent requests';
export const CIRCUIT_OPEN = 'Service temporarily unavailable (circuit breaker open)';

/** As the client expects it. Limits of Corral's own say what those of the profile say; services that cannot be opened could not execute. */
export const rpcFaultOf = (error: CorralError): RpcFault => {
  const { code, details, message } = error;
  if (typeof details['rpcCode'] === 'number') return { code: details['rpcCode'], message };
  if (details['limit'] === 'breaker') return { code: INTERNAL_ERROR, message: CIRCUIT_OPEN };
  if (code === 'limit_exceeded') return { code: INTERNAL_ERROR, message: details['limit'] === 'rate' ? RATE_LIMITED : OVERLOADED };
  if (code === 'internal')
    return { code: INTERNAL_ERROR, message: 'Execution failed: Corral failed inside; its log on the server has the cause.' };
  return { code: INVALID_PARAMS, message: `Execution failed: ${message}` };
};
