import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorralMcpFactory } from './server-factory.ts';

export interface LegacyStateless {
  /** Answers one request. A client that goes away before its answer ends what it asked for: it has no other way to call it off. */
  serve(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
  close(): Promise<void>;
}

/** Clients before 2026-07-28 without sessions: every request meets a server of its own, which lives as long as the answer. */
export const createLegacyStateless = (factory: CorralMcpFactory, onError: (error: Error) => void): LegacyStateless => {
  const open = new Set<() => Promise<void>>();
  return {
    async serve(request, response, body) {
      const server = factory({ era: 'legacy' });
      const close = async (): Promise<void> => {
        if (open.delete(close)) await server.close();
      };
      open.add(close);
      response.once('close', () => {
        close().catch((error: unknown) => onError(error instanceof Error ? error : new Error(String(error))));
      });
      const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
      transport.onerror = onError;
      await server.connect(transport);
      await transport.handleRequest(request, response, body);
    },
    close: async () => {
      await Promise.all([...open].map((close) => close()));
    },
  };
};
