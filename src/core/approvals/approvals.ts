import { setTimeout as sleep } from 'node:timers/promises';
import { newApprovalId } from '../../lib/ids.ts';
import { quote } from '../../lib/quote.ts';
import type { ApprovalAnswer, ApprovalRecord, ApprovalState, GrantScope } from '../../ports/approvals.ts';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { Call, Subject } from '../operation.ts';
import { createClasses } from '../policy/programs/table.ts';
import type { Decision } from '../policy/types.ts';
import { type Binding, bindingOf } from './binding.ts';
import { markFiles } from './file-marks.ts';
import { namedFiles } from './named-files.ts';
import { prefixWords } from './prefix.ts';
import { questionOf, readAnswer } from './question.ts';
import { callText } from './text.ts';
import type { Approvals, ApprovalsDeps, PersonsAnswer } from './types.ts';

/** Between two looks whether somebody answered, perhaps in another process. */
const LOOK_MS = 150;
/** Questions of one caller that wait at once: more would bury whoever has to answer. */
const MAX_PENDING = 64;
const MAX_LISTED = 200;
/** Times that one call asks anew because what it is bound to changed, or its grant was taken by the same call elsewhere. */
const MAX_ROUNDS = 8;

interface Bound extends Binding {
  readonly subject: Subject;
  /** Where grants by prefix may be used. */
  readonly words: readonly string[] | undefined;
  /** What may change without voiding the approval. */
  readonly unbound: readonly string[];
}

const sandboxOf = (input: unknown): string | undefined => {
  const name = (input as Readonly<Record<string, unknown>> | undefined)?.['sandbox'];
  return typeof name === 'string' ? name : undefined;
};

/** Never resolves: for a race that somebody else has to win. */
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** The one inbox for what the rules leave to a person. */
export const createApprovals = (deps: ApprovalsDeps): Approvals => {
  const { store, log, watch, now = Date.now } = deps;
  const classOf = createClasses();

  const bind = async (call: Call, decision: Decision): Promise<Bound> => {
    const { operation, input, context } = call;
    const subject = operation.subject?.(input as never) ?? {};
    const touchesFiles = subject.argv !== undefined || subject.shell !== undefined || subject.paths !== undefined;
    const place = touchesFiles ? await deps.placeOf(sandboxOf(input), subject.cwd, context.signal) : undefined;
    const named = place === undefined ? { paths: [], unknown: [] } : namedFiles(subject, decision, place.cwd, place.home);
    const { marks, unread } = place === undefined ? { marks: [], unread: [] } : await markFiles(place.files, named.paths, context.signal);
    const roots = deps.at.workspaces.length > 0 ? deps.at.workspaces : place === undefined ? [] : [place.cwd];
    return {
      ...bindingOf(call, decision, deps.at, marks),
      subject,
      words: operation.name === 'command.execute' ? prefixWords(classOf, subject, decision, roots) : undefined,
      unbound: [...unread, ...named.unknown],
    };
  };

  const recordOf = (call: Call, decision: Decision, bound: Bound): ApprovalRecord => {
    const { operation, context } = call;
    const createdMs = now();
    const scopes: readonly GrantScope[] = [
      'once',
      ...(bound.unbound.length === 0 ? (['session'] as const) : []),
      ...(bound.words === undefined ? [] : (['prefix'] as const)),
    ];
    return {
      id: newApprovalId(),
      state: 'pending',
      binding: bound.binding,
      frame: bound.frame,
      caller: context.caller.id,
      via: context.caller.via,
      server: deps.server,
      operation: operation.name,
      tool: operation.tool,
      text: callText(call, bound.subject),
      cwd: bound.subject.cwd,
      rule: decision.rule,
      reason: decision.reason,
      scopes,
      words: bound.words,
      createdMs,
      expiresMs: createdMs + deps.pendingMs,
    };
  };

  const write = async (record: ApprovalRecord, answer: PersonsAnswer, from: readonly ApprovalState[]): Promise<boolean> => {
    const answeredMs = now();
    const common = { answeredMs, answeredBy: answer.by };
    const told: ApprovalAnswer =
      answer.verdict === 'deny'
        ? { ...common, state: 'denied', note: answer.note, expiresMs: answeredMs + deps.pendingMs }
        : { ...common, state: 'granted', scope: answer.scope, prefix: answer.prefix, expiresMs: answeredMs + deps.grantMs };
    const written = await store.answer(record.id, told, from);
    if (written) watch?.answered({ ...record, ...told });
    return written;
  };

  /** Looks until the question is answered or gone. */
  const answeredElsewhere = async (id: string, signal: AbortSignal): Promise<void> => {
    for (;;) {
      await sleep(LOOK_MS, undefined, { signal });
      if ((await store.find(id))?.state !== 'pending') return;
    }
  };

  /** Asks whoever sits at the caller. Resolves when the question is answered, by whomever. */
  const answeredByCaller = async (
    { context }: Call,
    record: ApprovalRecord,
    unbound: readonly string[],
    signal: AbortSignal,
  ): Promise<void> => {
    if (context.elicit === undefined) return never();
    let given;
    try {
      given = await context.elicit(questionOf(record, unbound), signal);
    } catch (error) {
      // The caller's own way of answering ends the call here.
      if (error instanceof CorralError && error.code === 'approval_required') throw error;
      if (!signal.aborted) log.warn({ approval: record.id, error: toCorralError(error).message }, 'the client could not be asked');
      return never();
    }
    if (given === undefined) return never();
    const answer = readAnswer(given, record, `${context.caller.id} (${context.caller.via})`);
    if (answer === undefined) {
      log.warn({ approval: record.id }, 'the client answered with what was not offered');
      return never();
    }
    await write(record, answer, ['pending']);
  };

  const untilAnswered = async (call: Call, record: ApprovalRecord, unbound: readonly string[], waitMs: number): Promise<void> => {
    const { signal } = call.context;
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const timer = setTimeout(() => over.abort(), waitMs);
    try {
      call.context.progress(`waiting for approval: ${deps.grantLine(record.id)}`);
      await Promise.race([answeredByCaller(call, record, unbound, stop), answeredElsewhere(record.id, stop)]);
    } catch (error) {
      if (signal.aborted) throw new CorralError('cancelled', 'The call was cancelled while it waited for approval.', { cause: error });
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  };

  const refusal = (call: Call, record: ApprovalRecord): CorralError => {
    const line = deps.grantLine(record.id);
    const details = { approval: record.id, rule: record.rule, grant: line, expires: new Date(record.expiresMs).toISOString() };
    const what = `${call.operation.tool}: ${record.reason} (rule ${record.rule})`;
    if (record.state === 'denied')
      return new CorralError(
        'denied',
        `${what}, and ${record.answeredBy ?? 'somebody'} said no${record.note === undefined ? '' : `: ${record.note}`}.`,
        {
          hint: 'Choose another way. The same call is not asked again until the denial expires; only the person in charge can change it.',
          details: { approval: record.id, rule: record.rule, expires: details.expires },
        },
      );
    return new CorralError('approval_required', `${what}, and nobody has approved it yet.`, {
      hint: `Ask the person in charge to run: ${line}   Then make exactly the same call again, before ${details.expires}.`,
      details,
    });
  };

  const find = async (id: string): Promise<ApprovalRecord> => {
    const exact = await store.find(id);
    if (exact !== undefined) return exact;
    const some = (await store.list({ live: false, nowMs: now(), limit: MAX_LISTED })).filter(
      (record) => record.id.startsWith(id) && id.length >= 3,
    );
    const [only] = some;
    if (only !== undefined && some.length === 1) return only;
    throw new CorralError(
      'not_found',
      some.length === 0 ? `There is no question ${JSON.stringify(id)}.` : `${some.length} questions begin with ${JSON.stringify(id)}.`,
      {
        hint: '`corral approvals` lists them.',
      },
    );
  };

  const check = (record: ApprovalRecord, answer: PersonsAnswer): void => {
    if (answer.verdict === 'deny') return;
    if (!record.scopes.includes(answer.scope))
      throw new CorralError(
        'invalid_input',
        answer.scope === 'prefix'
          ? 'A prefix is granted only for argv of one program whose options are known to start and write nothing.'
          : 'This call names files whose content the grant could not be bound to, so it is granted once only.',
        { hint: `Use: ${deps.grantLine(record.id)}` },
      );
    const words = record.words ?? [];
    if (
      answer.scope === 'prefix' &&
      !(answer.prefix !== undefined && Number.isInteger(answer.prefix) && answer.prefix >= 1 && answer.prefix <= words.length)
    )
      throw new CorralError('invalid_input', `A prefix has 1 to ${words.length} of the words: ${words.map(quote).join(' ')}`, {
        hint: 'Name how many words of it: --prefix 2.',
      });
  };

  return {
    async approve(call, decision) {
      const deadline = performance.now() + deps.waitMs;
      let asked: ApprovalRecord | undefined;
      for (let round = 0; ; round += 1) {
        const bound = await bind(call, decision);
        const { binding, frame, words } = bound;
        const query = { binding, frame, words, server: deps.server, nowMs: now() };
        if ((await store.take(query)) !== undefined) return;
        const wanted = recordOf(call, decision, bound);
        const record = await store.ask(wanted, MAX_PENDING);
        if (record.state === 'denied') throw refusal(call, record);
        if (record.id === wanted.id) watch?.asked(call, record);
        const left = deadline - performance.now();
        if (asked?.id === record.id || round >= MAX_ROUNDS || (round > 0 && left <= 0)) throw refusal(call, record);
        await untilAnswered(call, record, bound.unbound, Math.max(0, left));
        asked = record;
      }
    },

    list: (all) => store.list({ live: !all, nowMs: now(), limit: MAX_LISTED }),

    async answer(id, answer) {
      const record = await find(id);
      check(record, answer);
      if (await write(record, answer, ['pending', 'granted', 'denied'])) return find(record.id);
      const { state } = await find(record.id);
      throw new CorralError(
        'conflict',
        state === 'used' ? `The question ${record.id} was answered, and the call has been made.` : `The question ${record.id} has expired.`,
        {
          hint: 'The same call, made again, asks again.',
        },
      );
    },
  };
};
