import type * as z from 'zod/v4';
import { newCallId } from '../lib/ids.ts';
import { CorralError, toCorralError } from '../ports/errors.ts';
import type { Effect } from './effect.ts';
import type { Decision, PolicyRequest } from './policy/types.ts';

/** Who asks. `id` is stable within a state folder: it names the rules that hold and the executions that are theirs. */
export interface Caller {
  readonly id: string;
  readonly via: 'mcp' | 'rest' | 'cli' | 'web';
  readonly scopes: readonly string[];
}

export interface OperationContext {
  readonly caller: Caller;
  /** Aborted when the caller gave up or went away. */
  readonly signal: AbortSignal;
  /** Tells the caller, if it listens, how far the work is. Never throws, may be dropped. */
  progress(message: string): void;
  /** True when it listens: only then is it worth finding out. */
  readonly wantsProgress?: boolean | undefined;
  /** What the rules said of this call; absent where there are none. */
  readonly decision?: Decision | undefined;
  /** How long the caller stays on for a program that it starts, in ms, where its arguments do not say; absent = as configured. */
  readonly patienceMs?: number | undefined;
  /**
   * Puts a question to whoever sits at the caller; absent where nobody can be asked that way. Undefined: there was no answer. Rejects with
   * `approval_required` where the caller is to make the call again with the answer: that error then has to end this call.
   */
  elicit?(question: Question, signal: AbortSignal): Promise<Answer | undefined>;
}

/** `message` is plain text of several lines. */
export interface Question {
  readonly id: string;
  readonly message: string;
  readonly choices: readonly string[];
}

/** One of the choices; absent = declined altogether. Comes from outside: it may be none of them. */
export interface Answer {
  readonly choice?: string | undefined;
}

/** What rules may look at, beside the operation's own name and effect. */
export type Subject = Pick<PolicyRequest, 'argv' | 'shell' | 'cwd' | 'env' | 'paths' | 'packages' | 'sandbox' | 'effect'>;

/** A verb, said once: MCP tools, CLI commands, REST routes and the reference are projections of it. */
export interface Operation<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** `noun.verb` */
  readonly name: string;
  /** Its name as a tool: snake_case, stable. */
  readonly tool: string;
  /** Not offered to models, who pay for every tool they see and get there by another one. Programs and people have it all the same. */
  readonly unlisted?: true;
  readonly title: string;
  /** Written for a model: when to use it, what comes back; every word pays its way. */
  readonly description: string;
  readonly effect: Effect;
  /** Does it destroy or overwrite; does calling it twice do no more than once; does it reach beyond this machine? */
  readonly hints: { readonly destructive: boolean; readonly idempotent: boolean; readonly openWorld: boolean };
  readonly input: I;
  readonly output: O;
  /** JSON Schema of the arguments as it is shown, where clients depend on it; absent = made of `input`. Arguments are held against `input` alone. */
  readonly advertised?: Readonly<Record<string, unknown>>;
  /** What a call would touch, for the rules. Absent = they know it by its name and effect. */
  subject?(input: z.output<I>): Subject;
  /** May limits hold this call back? Not when it only looks or stops something. Default: whatever is no read. */
  limited?(input: z.output<I>): boolean;
  /** Is the value of this argument a secret, beside those whose name says so anyway? It is kept out of the audit log. */
  isSecret?(name: string): boolean;
  run(input: z.output<I>, context: OperationContext): Promise<z.input<O>>;
  /** Of an operation that starts an execution and may answer while that runs. */
  readonly starts?: Starts<I, O>;
  /** For tools whose clients depend on exact text: the blocks to show instead of JSON, and no structured content. Absent = JSON in both forms. */
  present?(outcome: OperationOutcome): Presented;
}

/** How to go on with a call whose program outlived it. */
export interface Starts<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** Is the handle what the caller wants, to talk to the program or to leave it running, rather than the end of the program? */
  wantsHandle(input: z.output<I>): boolean;
  /** What `run` would answer of that execution now. */
  answer(execution: string, signal: AbortSignal): Promise<z.input<O>>;
}

/** What an operation came to. */
export type OperationOutcome = { readonly output: Record<string, unknown> } | { readonly error: CorralError };

export interface Presented {
  readonly blocks: readonly string[];
  readonly isError: boolean;
  /** An error of the protocol itself, where the client expects one. */
  readonly protocolError?: { readonly code: number; readonly message: string };
}

/** Keeps the schema types while the catalogue holds operations of every shape. */
export const defineOperation = <I extends z.ZodObject, O extends z.ZodObject>(operation: Operation<I, O>): Operation =>
  operation as unknown as Operation;

/** One use of an operation, after its arguments were found valid. */
export interface Call {
  /** Joins what is recorded of it. */
  readonly id: string;
  readonly operation: Operation;
  /** Undefined when the arguments were not valid. */
  readonly input: unknown;
  readonly context: OperationContext;
  /** False when limits must never hold it back. */
  readonly limited: boolean;
  /** What the rules said; undefined where there are none. */
  readonly decision?: Decision | undefined;
}

/** Hears of every call, in this order; a call that was refused is never started. */
export interface CallAudit {
  /** Resolves when the call may go on. Throws to refuse it: when it must be recorded, and cannot be. */
  decided(call: Call): Promise<void>;
  started(call: Call): void;
  ended(call: Call, durationMs: number, result: unknown, error: CorralError | undefined): void;
}

/** Leave to run, given back in any case. */
export interface Admission extends Disposable {
  /** How the call ended, before it is disposed of: failures of the machinery are counted. */
  settle(error: CorralError | undefined): void;
}

export interface Door {
  /** Resolves when the services behind the operations are open; rejects with why they are not. */
  ready(): Promise<unknown>;
  /** What the rules say of a call; absent where there are none. Never throws. */
  readonly decide?: ((call: Call) => Promise<Decision>) | undefined;
  /** Asks whoever may approve. Resolves when somebody did; throws `approval_required` or `denied` otherwise, in bounded time. */
  readonly approve?: ((call: Call, decision: Decision) => Promise<void>) | undefined;
  readonly audit?: CallAudit | undefined;
  /** Waits for a turn; throws `limit_exceeded` or `unavailable` when there is none to be had. */
  readonly admit?: ((call: Call) => Promise<Admission>) | undefined;
  ended(operation: string, caller: Caller, durationMs: number, error: CorralError | undefined): void;
}

export type Invoke = (operation: Operation, raw: unknown, context: OperationContext) => Promise<Record<string, unknown>>;

/** `path: what is wrong` for each issue, at most five: a model corrects itself from this. */
const explain = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`))
    .join('; ');

/** Throws unless the rules let the call pass, or somebody who may did. */
const pass = async (door: Door, call: Call): Promise<void> => {
  const { decision } = call;
  if (decision === undefined || decision.verdict === 'allow') return;
  const details = { rule: decision.rule, ...(decision.at !== undefined && { at: decision.at }) };
  if (decision.verdict === 'deny')
    throw new CorralError('denied', `${call.operation.tool}: ${decision.reason} (rule ${decision.rule}).`, {
      hint: "The operator's rules do not allow it. Choose another way within them, or ask the operator; the same call will be refused again.",
      details,
    });
  if (door.approve === undefined)
    throw new CorralError(
      'approval_required',
      `${call.operation.tool}: ${decision.reason} (rule ${decision.rule}), and nobody can be asked here.`,
      { details },
    );
  await door.approve(call, decision);
};

/** Runs the call in its turn, and says how it ended. */
const inTurn = async (door: Door, call: Call, work: () => Promise<Record<string, unknown>>): Promise<Record<string, unknown>> => {
  using admission = call.limited ? await door.admit?.(call) : undefined;
  door.audit?.started(call);
  try {
    const result = await work();
    admission?.settle(undefined);
    return result;
  } catch (error) {
    const told = toCorralError(error);
    admission?.settle(told);
    throw told;
  }
};

/**
 * The one way from a face to an effect: validate, decide, record, ask, wait for a turn, run, record. Output is not validated again: operations are typed by
 * their schema. Throws CorralError only.
 */
export const createInvoke =
  (door: Door): Invoke =>
  async (operation, raw, context) => {
    const started = performance.now();
    let failure: CorralError | undefined;
    let result: Record<string, unknown> | undefined;
    let call: Call = { id: newCallId(), operation, input: undefined, context, limited: false };
    try {
      const parsed = operation.input.safeParse(raw ?? {});
      if (!parsed.success)
        throw new CorralError('invalid_input', `${operation.tool}: ${explain(parsed.error)}`, {
          hint: 'Correct the arguments named in the message and call again.',
        });
      const input = parsed.data;
      call = { ...call, input, limited: operation.limited?.(input) ?? operation.effect !== 'read' };
      await door.ready();
      if (context.signal.aborted) throw new CorralError('cancelled', 'The call was cancelled before it began.');
      if (door.decide !== undefined) call = { ...call, decision: await door.decide(call) };
      await door.audit?.decided(call);
      await pass(door, call);
      const decided: OperationContext =
        call.decision === undefined ? context : { ...context, progress: (message) => context.progress(message), decision: call.decision };
      result = await inTurn(door, call, () => operation.run(input, decided));
      return result;
    } catch (error) {
      failure = toCorralError(error);
      throw failure;
    } finally {
      const durationMs = performance.now() - started;
      door.audit?.ended(call, durationMs, result, failure);
      door.ended(operation.name, context.caller, durationMs, failure);
    }
  };
