import type { CorralError } from '../../../ports/errors.ts';
import type { ExecutionRecord } from '../../../ports/store.ts';
import { createRedactor } from '../../audit/redact/redactor.ts';
import type { Log } from '../../log.ts';
import { securityEventOf } from './fault.ts';

const REDACTED = '[REDACTED]';
const MAX_VALUE = 1024;

export interface AuditCall {
  readonly tool: string;
  readonly caller: string;
  /** By name. */
  readonly values: ReadonlyMap<string, string>;
}

/** Lines on stderr about every call, with secrets taken out. The audit log of Corral, which cannot be changed unseen, has the calls as well. */
export interface ProfileAudit {
  invoked(call: AuditCall): void;
  /** A program ran to its end, with whatever code. */
  completed(call: AuditCall, record: ExecutionRecord): void;
  failed(call: AuditCall, error: CorralError, durationMs: number): void;
}

/** Does the name contain one of the keys, in either case? */
export const isSensitive = (name: string, keys: readonly string[]): boolean => {
  const lower = name.toLowerCase();
  return keys.some((key) => lower.includes(key));
};

export const createProfileAudit = (log: Log, sensitiveKeys: readonly string[]): ProfileAudit => {
  const redactor = createRedactor();

  const shown = (values: AuditCall['values']): Record<string, string> =>
    Object.fromEntries(
      [...values].map(([name, value]) => [name, isSensitive(name, sensitiveKeys) ? REDACTED : redactor.text(value, MAX_VALUE)]),
    );

  /** Messages name what was refused. */
  const masked = (text: string, values: AuditCall['values']): string => {
    let result = text;
    for (const [name, value] of values) if (value !== '' && isSensitive(name, sensitiveKeys)) result = result.replaceAll(value, REDACTED);
    return redactor.text(result, MAX_VALUE);
  };

  return {
    invoked({ tool, caller, values }) {
      log.info({ event: 'invoked', tool, caller, args: shown(values) }, 'audit');
    },
    completed({ tool, caller }, { id, outcome, durationMs, stdout, stderr }) {
      log.info(
        {
          event: 'completed',
          tool,
          caller,
          execution: id,
          outcome: outcome?.kind,
          exit_code: outcome?.code,
          signal: outcome?.signal,
          duration_ms: durationMs === undefined ? undefined : Math.round(durationMs),
          stdout_bytes: stdout?.bytes,
          stderr_bytes: stderr?.bytes,
        },
        'audit',
      );
    },
    failed({ tool, caller, values }, error, durationMs) {
      const event = securityEventOf(error);
      const fields = { tool, caller, code: error.code, error: masked(error.message, values), duration_ms: Math.round(durationMs) };
      if (event !== undefined) log.warn({ event, ...fields }, 'security');
      log.warn({ event: 'failed', ...fields }, 'audit');
    },
  };
};
