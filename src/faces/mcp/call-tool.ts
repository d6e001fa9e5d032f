import type { AuthInfo, CallToolResult, InputRequiredResult, ServerContext, ServerOptions } from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Caller, Invoke, Operation, OperationOutcome, Presented } from '../../core/operation.ts';
import { CorralError } from '../../ports/errors.ts';
import { presentedResult, resultOfOutcome, shownError } from './call-result.ts';
import type { Elicitation, Peer } from './elicitation.ts';
import { elicitationOf } from './elicitation.ts';
import { progressOf } from './progress.ts';
import { createRequestStates } from './request-state.ts';
import { createTasks, type Tasks, type TasksOptions } from './tasks.ts';

/** Calls at work at once, over all connections of one factory. More are refused rather than queued without bound. */
const MAX_CALLS = 256;

export interface CallOptions {
  readonly operations: readonly Operation[];
  readonly invoke: Invoke;
  /** Answer to the call of a tool that is not there; absent = the protocol's own error. */
  readonly unknownTool?: ((name: string) => Presented) | undefined;
  /** Who asks, decided anew for every call; `undefined` over stdio. */
  readonly callerOf: (auth: AuthInfo | undefined) => Caller;
  /** Default 256. */
  readonly maxCalls?: number;
  /** Lets clients that can do so put the questions of the rules to their user; absent = they are not asked. */
  readonly elicitation?: ElicitationOptions | undefined;
  /** Lets clients since 2026 that understand tasks go on with a call whose program outlives it; absent = it answers with a handle. */
  readonly tasks?: TasksOptions | undefined;
}

export interface ElicitationOptions {
  /** Signs what clients carry from a question to its answer: at least 32 bytes, the same for all servers of a state folder. */
  readonly key: () => Promise<Uint8Array>;
  readonly ttlSeconds: number;
  /** A question that could not be sent, for the log. */
  readonly onError: (error: unknown) => void;
}

type ToolResult = CallToolResult | InputRequiredResult;

export interface ToolCaller {
  /** Throws errors of the protocol alone: everything else is a result. */
  call(name: string, args: unknown, context: ServerContext, peer: Peer): Promise<ToolResult>;
  readonly tasks: Tasks | undefined;
  readonly requestState: ServerOptions['requestState'];
}

/** What makes the client ask its user. Undefined when there is nothing to ask, or no state can be signed: then the error says what to do. */
const toAsk = async (
  asking: Elicitation | undefined,
  onError: ElicitationOptions['onError'] | undefined,
): Promise<InputRequiredResult | undefined> => {
  try {
    return await asking?.toAsk();
  } catch (error) {
    onError?.(error);
    return undefined;
  }
};

/** Calls of tools as uses of operations. */
export const createToolCaller = (options: CallOptions): ToolCaller => {
  const { operations, invoke, callerOf, elicitation, maxCalls = MAX_CALLS } = options;
  const caller = (context: ServerContext): Caller => callerOf(context.http?.authInfo);
  const states = elicitation && createRequestStates({ ...elicitation, principal: (context) => caller(context).id });
  const tasks = options.tasks && createTasks(options.tasks, { operations, invoke, caller });
  const byTool = new Map(operations.map((operation) => [operation.tool, operation]));
  let active = 0;

  const run = async (operation: Operation, args: unknown, context: ServerContext, peer: Peer): Promise<ToolResult> => {
    const answer = (outcome: OperationOutcome): CallToolResult => resultOfOutcome(operation, outcome);
    if (active >= maxCalls)
      return answer({
        error: new CorralError('limit_exceeded', `${String(maxCalls)} calls are at work already.`, {
          hint: 'Wait for one of them to end, then call again.',
        }),
      });
    active += 1;
    const progress = progressOf(context);
    const asking = states && elicitationOf(peer, context, states, operation.tool, args);
    const patienceMs = peer.isModern ? tasks?.patienceMs(operation, args, context) : undefined;
    try {
      const output = await invoke(operation, args, {
        caller: caller(context),
        signal: context.mcpReq.signal,
        progress: progress.tell,
        wantsProgress: progress.isHeard,
        ...(asking && { elicit: asking.elicit }),
        ...(patienceMs !== undefined && { patienceMs }),
      });
      const task = patienceMs === undefined ? undefined : await tasks?.created(operation, output, context);
      return task ?? answer({ output });
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      return (await toAsk(asking, elicitation?.onError)) ?? answer({ error: shownError(error) });
    } finally {
      progress.stop();
      active -= 1;
    }
  };

  return {
    call: async (name, args, context, peer) => {
      const operation = byTool.get(name);
      if (operation !== undefined) return run(operation, args ?? {}, context, peer);
      if (options.unknownTool !== undefined) return presentedResult(options.unknownTool(name));
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Tool ${name} not found`);
    },
    tasks,
    requestState: states && { verify: states.verify },
  };
};
