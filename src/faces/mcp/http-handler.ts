import type { NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import { toNodeHandler } from '@modelcontextprotocol/node';
import type { AuthInfo, ServerNotifier } from '@modelcontextprotocol/server';
import { classifyInboundRequest, createMcpHandler, isInitializeRequest, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { IncomingMessage } from 'node:http';
import type { Exchange, Mount } from '../http/mount.ts';
import { checkJsonHeaders, readBody } from '../http/read-body.ts';
import type { ErrorBody } from '../http/refusal.ts';
import { refusal, sendJson, sendRefusal } from '../http/refusal.ts';
import type { Principal } from '../http/tokens.ts';
import { parseBoundedJson } from './bounded-json.ts';
import type { Session, SessionLimits } from './legacy-sessions.ts';
import { createLegacySessions, SESSION_LIMITS } from './legacy-sessions.ts';
import { createLegacyStateless } from './legacy-stateless.ts';
import type { CorralMcpFactory } from './server-factory.ts';

const METHODS = ['GET', 'POST', 'DELETE'];

/** For errors of the transport, which no method of the protocol has caused. */
const TRANSPORT_ERROR = -32_000;
const SESSION_NOT_FOUND = -32_001;

export interface McpHttpOptions {
  readonly factory: CorralMcpFactory;
  /** For the log: what clients got wrong, and what failed. */
  readonly onError: (error: Error) => void;
  /** Default /mcp. "*" = every path that nothing else answers at. */
  readonly paths?: readonly string[];
  readonly sessions?: SessionLimits;
  /** Clients of eras before 2026 are served request by request, without sessions. */
  readonly stateless?: boolean;
}

export interface McpMount extends Mount {
  /** Tells clients since 2026 that listen: a list has changed. */
  readonly notify: ServerNotifier;
}

const errorBody: ErrorBody = ({ code, message, hint }) => rpcError(TRANSPORT_ERROR, `${message} ${hint}`, { code });

const rpcError = (code: number, message: string, data?: unknown): unknown => ({
  jsonrpc: '2.0',
  id: null,
  error: { code, message, ...(data !== undefined && { data }) },
});

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
};

/** Decided by the body and the headers alone, the same way as in the SDK's own entry. */
const isLegacy = (request: IncomingMessage, body: unknown): boolean => {
  const version = header(request, 'mcp-protocol-version');
  const method = header(request, 'mcp-method');
  const name = header(request, 'mcp-name');
  return (
    classifyInboundRequest({
      httpMethod: 'POST',
      body,
      ...(version !== undefined && { protocolVersionHeader: version }),
      ...(method !== undefined && { mcpMethodHeader: method }),
      ...(name !== undefined && { mcpNameHeader: name }),
    }).kind === 'legacy'
  );
};

/** What handlers learn of the caller. The token stays at the door. */
const authInfoOf = ({ id, scopes }: Principal): AuthInfo => ({ token: '', clientId: id, scopes: [...scopes] });

type Authenticated = IncomingMessage & { auth: AuthInfo };

/** The SDK looks for the caller on the request. */
const authenticated = (request: IncomingMessage, principal: Principal): Authenticated =>
  Object.assign(request, { auth: authInfoOf(principal) });

/** MCP over Streamable HTTP, both eras at one path: stateless requests since 2026-07-28, sessions before. */
export const createMcpHttpHandler = (options: McpHttpOptions): McpMount => {
  const { factory, onError, paths = ['/mcp'] } = options;
  const handler = createMcpHandler(factory, { legacy: 'reject', onerror: onError });
  const modern = toNodeHandler(handler, { onerror: onError });
  const sessions = createLegacySessions(factory, options.sessions ?? SESSION_LIMITS, onError);

  const lone = createLegacyStateless(factory, onError);

  const serveSession = async (session: Session, { request, response, principal }: Exchange, body: unknown): Promise<void> => {
    sessions.track(session, response);
    await session.transport.handleRequest(authenticated(request, principal), response, body);
  };

  const serveLegacy = async (exchange: Exchange, body: unknown): Promise<void> => {
    const { request, response, principal } = exchange;
    if (options.stateless === true) {
      if (request.method === 'POST') return lone.serve(authenticated(request, principal), response, body);
      return sendRefusal(response, refusal(405, 'unsupported', 'There are no sessions here.', 'Use POST.', { Allow: 'POST' }), errorBody);
    }
    const id = header(request, 'mcp-session-id');
    if (id !== undefined) {
      const session = sessions.find(id, principal.id);
      if (session === undefined)
        sendJson(response, 404, rpcError(SESSION_NOT_FOUND, 'Session not found. Start a new one with initialize.'));
      else await serveSession(session, exchange, body);
      return;
    }
    if (!isInitializeRequest(body)) {
      sendJson(
        response,
        400,
        rpcError(TRANSPORT_ERROR, 'The header Mcp-Session-Id is required. Start with initialize, or speak 2026-07-28.'),
      );
      return;
    }
    const session = await sessions.open(principal.id);
    if (session !== undefined) return serveSession(session, exchange, body);
    const full = refusal(503, 'limit_exceeded', 'All sessions are taken.', 'End one with DELETE, or try again later.', {
      'Retry-After': '30',
    });
    return sendRefusal(response, full, errorBody);
  };

  const post = async (exchange: Exchange): Promise<void> => {
    const { request, response, principal } = exchange;
    const unsuitable = checkJsonHeaders(request);
    if (unsuitable !== undefined) return sendRefusal(response, unsuitable, errorBody);
    const body = await readBody(request);
    if ('refusal' in body) return sendRefusal(response, body.refusal, errorBody);
    const parsed = parseBoundedJson(body.bytes);
    if (!parsed.ok) {
      const code = parsed.fault === 'syntax' ? ProtocolErrorCode.ParseError : ProtocolErrorCode.InvalidRequest;
      return sendJson(response, 400, rpcError(code, `The message was refused: ${parsed.message}.`));
    }
    const message = parsed.value;
    if (typeof message !== 'object' || message === null || Array.isArray(message))
      return sendJson(
        response,
        400,
        rpcError(ProtocolErrorCode.InvalidRequest, 'Send one JSON-RPC message a request; batches are not accepted.'),
      );
    if (isLegacy(request, message)) return serveLegacy(exchange, message);
    // The same object by another name: the SDK's type leaves out that Node's fields may be undefined.
    return modern(authenticated(request, principal) as NodeIncomingMessageLike, response, message);
  };

  return {
    name: 'mcp',
    notify: handler.notify,
    auth: 'token',
    errorBody,
    matches: (path) => paths.includes(path) || paths.includes('*'),
    handle: (exchange) => {
      const { method = '' } = exchange.request;
      if (method === 'POST') return post(exchange);
      if (METHODS.includes(method)) return serveLegacy(exchange, undefined);
      const wrong = refusal(405, 'unsupported', 'MCP does not use this method.', 'Use POST.', { Allow: METHODS.join(', ') });
      sendRefusal(exchange.response, wrong, errorBody);
      return Promise.resolve();
    },
    close: async () => {
      await Promise.all([handler.close(), sessions.close(), lone.close()]);
    },
  };
};
