import type {
  AuthInfo,
  CallToolResult,
  InputRequiredResult,
  McpRequestContext,
  ServerContext,
  ServerOptions,
} from '@modelcontextprotocol/server';
import { McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Caller, Invoke, Operation, OperationOutcome, Presented } from '../../core/operation.ts';
import { CorralError } from '../../ports/errors.ts';
import { failureResult, presentedResult, shownError, successResult } from './call-result.ts';
import type { Elicitation, Peer } from './elicitation.ts';
import { elicitationOf } from './elicitation.ts';
import type { Progress } from './progress.ts';
import { createProgress, SILENT } from './progress.ts';
import { createRequestStates } from './request-state.ts';
import type { PreparedTool } from './tools.ts';
import { prepareTools } from './tools.ts';

/** Calls at work at once, over all connections of one factory. More are refused rather than queued without bound. */
const MAX_CALLS = 256;

/** The list changes with the configuration, so at most once per start of the server. Same for every caller. */
const CACHE_HINTS: NonNullable<ServerOptions['cacheHints']> = {
  'tools/list': { ttlMs: 300_000, cacheScope: 'public' },
  'server/discover': { ttlMs: 300_000, cacheScope: 'public' },
};

export interface McpFaceOptions {
  readonly operations: readonly Operation[];
  readonly invoke: Invoke;
  readonly info: { readonly name: string; readonly version: string; readonly title: string };
  /** For the model: what this server is and how its tools play together. */
  readonly instructions: string;
  /** Answer to the call of a tool that is not there; absent = the protocol's own error. */
  readonly unknownTool?: ((name: string) => Presented) | undefined;
  /** Who asks, decided anew for every call; `undefined` over stdio. */
  readonly callerOf: (auth: AuthInfo | undefined) => Caller;
  /** Default 256. */
  readonly maxCalls?: number;
  /** Lets clients that can do so put the questions of the rules to their user; absent = they are not asked. */
  readonly elicitation?: ElicitationOptions | undefined;
  /** Checks the state that a client brings back in a multi-round call, where no questions are put; see `createRequestStateCodec` of the SDK. */
  readonly requestState?: NonNullable<ServerOptions['requestState']>;
}

export interface ElicitationOptions {
  /** Signs what clients carry from a question to its answer: at least 32 bytes, the same for all servers of a state folder. */
  readonly key: () => Promise<Uint8Array>;
  readonly ttlSeconds: number;
  /** A question that could not be sent, for the log. */
  readonly onError: (error: unknown) => void;
}

/** One server instance for one stdio connection, one HTTP session, or one modern HTTP request. */
export type CorralMcpFactory = (context?: McpRequestContext) => McpServer;

const progressOf = ({ mcpReq }: ServerContext): Progress => {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return SILENT;
  return createProgress((notice) => mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...notice } }));
};

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

/**
 * Projects operations onto MCP. Schemas are converted here, once; the factory itself opens nothing, starts nothing and is cheap, because
 * it runs for every HTTP request and in processes that a client starts only to ask for the protocol version.
 */
export const createMcpServerFactory = (options: McpFaceOptions): CorralMcpFactory => {
  const { invoke, callerOf, maxCalls = MAX_CALLS } = options;
  const tools = prepareTools(options.operations);
  const { elicitation } = options;
  const states = elicitation && createRequestStates({ ...elicitation, principal: (context) => callerOf(context.http?.authInfo).id });
  const requestState = states ?? options.requestState;
  const serverOptions: ServerOptions = {
    instructions: options.instructions,
    capabilities: { tools: { listChanged: false } },
    cacheHints: CACHE_HINTS,
    ...(requestState?.verify && { requestState: { verify: requestState.verify } }),
  };
  let active = 0;

  const call = async (
    { operation }: PreparedTool,
    args: unknown,
    context: ServerContext,
    peer: Peer,
  ): Promise<CallToolResult | InputRequiredResult> => {
    const answer = (outcome: OperationOutcome): CallToolResult => {
      if (operation.present !== undefined) return presentedResult(operation.present(outcome));
      return 'error' in outcome ? failureResult(outcome.error) : successResult(outcome.output);
    };
    if (active >= maxCalls)
      return answer({
        error: new CorralError('limit_exceeded', `${String(maxCalls)} calls are at work already.`, {
          hint: 'Wait for one of them to end, then call again.',
        }),
      });
    active += 1;
    const progress = progressOf(context);
    const asking = states && elicitationOf(peer, context, states, operation.tool, args);
    try {
      const caller = callerOf(context.http?.authInfo);
      const { signal } = context.mcpReq;
      return answer({
        output: await invoke(operation, args, { caller, signal, progress: progress.tell, ...(asking && { elicit: asking.elicit }) }),
      });
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      return (await toAsk(asking, elicitation?.onError)) ?? answer({ error: shownError(error) });
    } finally {
      progress.stop();
      active -= 1;
    }
  };

  const byName = new Map(tools.map((tool) => [tool.listing.name, tool]));
  /** The SDK turns what a tool throws into a result; an error of the protocol has to pass it by. */
  const answersItself = options.unknownTool !== undefined || tools.some(({ operation }) => operation.present !== undefined);
  const callByName = async (
    name: string,
    args: unknown,
    context: ServerContext,
    peer: Peer,
  ): Promise<CallToolResult | InputRequiredResult> => {
    const tool = byName.get(name);
    if (tool !== undefined) return call(tool, args ?? {}, context, peer);
    if (options.unknownTool !== undefined) return presentedResult(options.unknownTool(name));
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Tool ${name} not found`);
  };

  return (request) => {
    const server = new McpServer(options.info, serverOptions);
    const peer: Peer = { isModern: request?.era === 'modern', capabilities: () => server.server.getClientCapabilities() };
    for (const tool of tools) {
      const { name, title, description, annotations } = tool.listing;
      server.registerTool(
        name,
        { title, description, annotations, inputSchema: tool.input, ...(tool.output !== undefined && { outputSchema: tool.output }) },
        (args: unknown, context) => call(tool, args, context, peer),
      );
    }
    if (answersItself)
      server.server.setRequestHandler('tools/call', ({ params }, context) => callByName(params.name, params.arguments, context, peer));
    return server;
  };
};
