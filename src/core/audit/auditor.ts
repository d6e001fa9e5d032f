import type { AuditEvent, AuditSink } from '../../ports/audit.ts';
import { CorralError } from '../../ports/errors.ts';
import type { Exit, Outcome } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { ApprovalWatch } from '../approvals/types.ts';
import type { ExecutionWatch } from '../executions/types.ts';
import type { Call, CallAudit, Caller } from '../operation.ts';
import { learnSecrets, recordableInput } from './input.ts';
import type { Redactor } from './redact/redactor.ts';
import { OVERLAP } from './redact/redactor.ts';

export interface AuditorDeps {
  readonly sink: AuditSink;
  readonly redactor: Redactor;
  /** Nothing happens that is not recorded. */
  readonly required: boolean;
}

const EXCERPT = 400;
const MAX_MESSAGE = 1000;
const MAX_STEPS = 8;

const outcomeText = ({ kind, code, signal }: Outcome): string => [kind, code ?? signal].filter((part) => part !== undefined).join(' ');

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const asText = (value: unknown): string | undefined => (typeof value === 'string' && value.length <= 256 ? value : undefined);
const asNumber = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** A person at this machine who looks: whoever may start Corral may read its state anyway, and each look would be a file. */
const isOwnLook = (effect: string, caller: Caller): boolean => effect === 'read' && caller.via === 'cli';

/** What of an answer belongs in the log: which program it is about and how that ended. */
const answerFields = (result: unknown): Partial<AuditEvent> => {
  const answer = asObject(result);
  const outcome = asObject(answer['outcome']);
  const kind = asText(outcome['kind']);
  const status = asText(answer['status']);
  return {
    execution: asText(answer['execution_id']),
    sandbox: asText(answer['sandbox_id']),
    outcome: kind === undefined ? status : outcomeText(outcome as unknown as Outcome),
    stdoutBytes: asNumber(asObject(answer['stdout'])['bytes']),
    stderrBytes: asNumber(asObject(answer['stderr'])['bytes']),
  };
};

/** Turns what the door and the executions see into events without secrets. */
export const createAuditor = ({ sink, redactor, required }: AuditorDeps): CallAudit & ExecutionWatch & ApprovalWatch => {
  const head = (kind: AuditEvent['kind'], call: Pick<Call, 'id' | 'operation' | 'context'>): AuditEvent => ({
    kind,
    call: call.id,
    caller: call.context.caller.id,
    via: call.context.caller.via,
    operation: call.operation.name,
  });

  const message = (text: string): string => redactor.text(text, MAX_MESSAGE);

  const argvOf = (record: ExecutionRecord): AuditEvent['argv'] => {
    const steps: unknown = JSON.parse(record.steps);
    return Array.isArray(steps) ? steps.slice(0, MAX_STEPS).map((step: string[]) => redactor.argv(step, 1024)) : [];
  };

  const excerptOf = (exit: Exit): string | undefined => {
    const bytes = exit.inline?.stderr;
    if (bytes === undefined || bytes.length === 0 || (exit.outcome.kind === 'exited' && exit.outcome.code === 0)) return undefined;
    // A secret that the cut goes through would not be known again: more is looked at than is kept.
    const text = Buffer.from(bytes)
      .subarray(-(EXCERPT + OVERLAP))
      .toString('utf8');
    return redactor.text(text, text.length).slice(-EXCERPT);
  };

  /** Throws when it must be recorded, and is not. A look, and a stop, are recorded as soon as they can be: a full disk must not keep anybody from them. */
  const insist = async ({ limited }: Call): Promise<void> => {
    if (!required || !limited) return;
    try {
      await sink.flush();
    } catch (error) {
      throw new CorralError(
        'unavailable',
        'The operator wants everything recorded, and the audit log cannot be written; nothing was done.',
        {
          hint: 'Tell the operator; `corral doctor` and the log on stderr say what is wrong with the audit log.',
          cause: error,
        },
      );
    }
  };

  return {
    async decided(call) {
      learnSecrets(redactor, call.input, call.operation.isSecret);
      const { operation, decision } = call;
      if (operation.effect === 'read' && decision?.verdict !== 'deny') return;
      sink.record({
        ...head('decided', call),
        verdict: decision?.verdict ?? 'allow',
        rule: decision?.rule,
        reason: decision === undefined ? undefined : message(decision.reason),
        input: recordableInput(redactor, call.input, call.operation.isSecret),
      });
      await insist(call);
    },

    asked(call, { id, rule, reason }) {
      sink.record({ ...head('asked', call), approval: id, rule, reason: message(reason) });
    },

    answered({ id, state, operation, caller, rule, scope, prefix, answeredBy, note }) {
      const how = scope === 'prefix' ? `prefix of ${prefix ?? 0} words` : scope;
      const said = [`by ${answeredBy ?? 'nobody'}`, ...(how === undefined ? [] : [how]), ...(note === undefined ? [] : [note])].join(': ');
      sink.record({ kind: state === 'granted' ? 'granted' : 'denied', approval: id, caller, operation, rule, message: message(said) });
    },

    started(call) {
      if (call.operation.effect !== 'read') sink.record(head('started', call));
    },

    ended(call, durationMs, result, error) {
      if (isOwnLook(call.operation.effect, call.context.caller)) return;
      sink.record({
        ...head('ended', call),
        durationMs: Math.round(durationMs * 10) / 10,
        ...answerFields(result),
        ...(error !== undefined && { code: error.code, message: message(error.message) }),
        // A look has no other event that says what was looked at.
        ...(call.operation.effect === 'read' &&
          call.input !== undefined && { input: recordableInput(redactor, call.input, call.operation.isSecret) }),
      });
    },

    spawned(record) {
      sink.record({
        kind: 'spawned',
        caller: record.caller,
        execution: record.id,
        sandbox: record.sandbox,
        cwd: redactor.text(record.cwd, 1024),
        argv: argvOf(record),
      });
    },

    exited(record, exit) {
      sink.record({
        kind: 'exited',
        caller: record.caller,
        execution: record.id,
        sandbox: record.sandbox,
        outcome: record.outcome === undefined ? undefined : outcomeText(record.outcome),
        durationMs: record.durationMs,
        stdoutBytes: record.stdout?.bytes,
        stderrBytes: record.stderr?.bytes,
        excerpt: exit === undefined ? undefined : excerptOf(exit),
        message: record.message === undefined ? undefined : message(record.message),
      });
    },
  };
};
