import type { McpRequestContext, ServerOptions } from '@modelcontextprotocol/server';
import { McpServer } from '@modelcontextprotocol/server';
import { type CallOptions, createToolCaller } from './call-tool.ts';
import type { Peer } from './elicitation.ts';
import { TASKS } from './tasks.ts';
import { prepareTools } from './tools.ts';

/** The list changes with the configuration, so at most once per start of the server. Same for every caller. */
const CACHE_HINTS: NonNullable<ServerOptions['cacheHints']> = {
  'tools/list': { ttlMs: 300_000, cacheScope: 'public' },
  'server/discover': { ttlMs: 300_000, cacheScope: 'public' },
};

export interface McpFaceOptions extends CallOptions {
  readonly info: { readonly name: string; readonly version: string; readonly title: string };
  /** For the model: what this server is and how its tools play together. */
  readonly instructions: string;
  /** Checks the state that a client brings back in a multi-round call, where no questions are put; see `createRequestStateCodec` of the SDK. */
  readonly requestState?: NonNullable<ServerOptions['requestState']>;
}

/** One server instance for one stdio connection, one HTTP session, or one modern HTTP request. */
export type CorralMcpFactory = (context?: McpRequestContext) => McpServer;

/**
 * Projects operations onto MCP. Schemas are converted here, once; the factory itself opens nothing, starts nothing and is cheap, because
 * it runs for every HTTP request and in processes that a client starts only to ask for the protocol version.
 */
export const createMcpServerFactory = (options: McpFaceOptions): CorralMcpFactory => {
  const tools = prepareTools(options.operations);
  const caller = createToolCaller(options);
  const { tasks } = caller;
  const requestState = caller.requestState ?? options.requestState;
  const optionsFor = (isModern: boolean): ServerOptions => ({
    instructions: options.instructions,
    capabilities: {
      tools: { listChanged: false },
      ...(isModern && tasks !== undefined && { extensions: { [TASKS]: {} } }),
    },
    cacheHints: CACHE_HINTS,
    ...(requestState && { requestState }),
  });
  /** The SDK turns what a tool throws into a result, and wants structured content of each: what is neither has to pass it by. */
  const answersItself =
    tasks !== undefined || options.unknownTool !== undefined || tools.some(({ operation }) => operation.present !== undefined);

  return (request) => {
    const isModern = request?.era === 'modern';
    const server = new McpServer(options.info, optionsFor(isModern));
    const peer: Peer = { isModern, capabilities: () => server.server.getClientCapabilities() };
    for (const tool of tools) {
      const { name, title, description, annotations } = tool.listing;
      server.registerTool(
        name,
        { title, description, annotations, inputSchema: tool.input, ...(tool.output !== undefined && { outputSchema: tool.output }) },
        (args: unknown, context) => caller.call(name, args, context, peer),
      );
    }
    if (answersItself)
      server.server.setRequestHandler('tools/call', ({ params }, context) => caller.call(params.name, params.arguments, context, peer));
    if (isModern) tasks?.mount(server);
    return server;
  };
};
