import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CorralError } from '../../ports/errors.ts';
import type { Authenticator } from './authenticate.ts';
import { authenticate } from './authenticate.ts';
import type { Bind } from './bind.ts';
import { assertGuarded } from './bind.ts';
import { createFailureLimiter } from './failure-limiter.ts';
import { checkHost } from './host-guard.ts';
import type { Mount } from './mount.ts';
import { allowOrigins, checkOrigin, isPreflight, sendPreflight } from './origin-guard.ts';
import { refusal, sendJson, sendRefusal, sendText } from './refusal.ts';
import type { Principal, TokenGrant } from './tokens.ts';
import { createVerifyToken } from './tokens.ts';

export interface DoorTimeouts {
  /** For the head of a request to arrive, in ms. */
  readonly headersMs: number;
  /** For the whole of a request to arrive, in ms. */
  readonly requestMs: number;
  /** An idle connection is kept, in ms. */
  readonly keepAliveMs: number;
}

const TIMEOUTS: DoorTimeouts = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 30_000 };

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 1024;

/** Between the end of the mounts and the end of connections that are still writing, in ms. */
const CLOSE_GRACE_MS = 500;

export interface DoorOptions {
  readonly bind: Bind;
  /** Empty: open, which is possible on loopback only. */
  readonly grants: readonly TokenGrant[];
  /** Who everybody is when the door is open. */
  readonly anonymous: Principal;
  /** Names besides loopback by which clients may call this server. */
  readonly allowedHosts: readonly string[];
  readonly mounts: readonly Mount[];
  /** Shown by /health. */
  readonly version: string;
  /** How /health differs: a plain text of its own, the token asked for as everywhere else. */
  readonly health?: { readonly text?: string | undefined; readonly guarded?: boolean | undefined };
  /** Only `Bearer TOKEN` to the letter, and a 401 without a body. */
  readonly bareUnauthorized?: boolean | undefined;
  /** Pages of any origin may call when there is a token, and read these headers of the answers. */
  readonly cors?: readonly string[] | undefined;
  /** Every request, before anything else is done with it. */
  readonly onRequest?: ((request: IncomingMessage) => void) | undefined;
  /** Somebody came without the token, or with a wrong one. */
  readonly onUnauthorized?: ((from: string) => void) | undefined;
  readonly onError: (error: unknown, where: string) => void;
  readonly timeouts?: DoorTimeouts;
}

export interface HttpDoor extends AsyncDisposable {
  /** With the real port, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Accepts nothing more, ends streams and sessions, resolves when no connection is left. */
  close(): Promise<void>;
}

const checkHealth = (request: IncomingMessage, response: ServerResponse, { version, health }: DoorOptions): void => {
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (health?.text === undefined) sendJson(response, 200, { status: 'ok', version });
    else sendText(response, 200, health.text);
  } else sendRefusal(response, refusal(405, 'unsupported', 'Health is read with GET.', 'Use GET /health.', { Allow: 'GET, HEAD' }));
};

const createListener = (options: DoorOptions, authenticator: Authenticator, isClosing: () => boolean) => {
  // Without a token, a page would act for whoever opens it.
  const openToPages = options.cors !== undefined && authenticator.verify !== undefined;
  const hostRule = { bind: options.bind.host, allowedHosts: options.allowedHosts };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const mount = options.mounts.find((candidate) => candidate.matches(path));
    try {
      options.onRequest?.(request);
      const foreign = checkHost(request, hostRule) ?? (openToPages ? undefined : checkOrigin(request));
      if (foreign !== undefined) return sendRefusal(response, foreign, mount?.errorBody);
      if (options.cors !== undefined) allowOrigins(response, options.cors);
      // A browser sends no token with its question whether it may send one.
      if (openToPages && isPreflight(request)) return sendPreflight(response);
      if (isClosing()) {
        const closing = refusal(503, 'unavailable', 'The server is shutting down.', 'Try again shortly.', { Connection: 'close' });
        return sendRefusal(response, closing, mount?.errorBody);
      }
      const isHealth = path === '/health';
      if (isHealth && options.health?.guarded !== true) return checkHealth(request, response, options);
      const who = mount?.auth === 'none' ? { principal: authenticator.anonymous } : authenticate(request, authenticator);
      if ('refusal' in who) {
        options.onUnauthorized?.(request.socket.remoteAddress ?? 'unknown');
        return sendRefusal(response, who.refusal, mount?.errorBody);
      }
      if (isHealth) return checkHealth(request, response, options);
      if (mount === undefined) return sendRefusal(response, refusal(404, 'not_found', 'There is nothing at this path.', 'MCP is at /mcp.'));
      await mount.handle({ request, response, path, principal: who.principal });
    } catch (error) {
      // A client that went away in the middle of its request is nobody's fault, and nobody is left to tell.
      if (request.destroyed && !request.complete) return;
      options.onError(error, mount?.name ?? 'door');
      sendRefusal(
        response,
        { status: 500, error: new CorralError('internal', 'Corral failed inside; its log has the cause.') },
        mount?.errorBody,
      );
    }
  };
};

const whyNot = (error: NodeJS.ErrnoException): string => {
  if (error.code === 'EADDRINUSE') return 'another program already does.';
  if (error.code === 'EADDRNOTAVAIL') return 'this machine has no such address.';
  if (error.code === 'EACCES') return 'ports below 1024 are for privileged programs.';
  return error.message;
};

const listen = (server: Server, { host, port }: Bind): Promise<void> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void =>
      reject(
        new CorralError('unavailable', `Cannot listen on ${host}:${String(port)}: ${whyNot(error)}`, {
          hint: 'Choose another address with --bind HOST:PORT, or end the program that uses it.',
          cause: error,
        }),
      );
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve();
    });
  });

const closeServer = async (server: Server, mounts: readonly Mount[]): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const ended = await Promise.allSettled(mounts.map((mount) => mount.close()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(force);
  const failures = ended.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything behind the door closed cleanly.');
};

/**
 * The one port: everything that comes in over HTTP passes here first. In order: request target, Host, Origin, health, token, path. Bodies
 * are not touched before that.
 */
export const openHttpDoor = async (options: DoorOptions): Promise<HttpDoor> => {
  assertGuarded(options.bind, options.grants.length > 0);
  const authenticator: Authenticator = {
    verify: options.grants.length > 0 ? createVerifyToken(options.grants) : undefined,
    anonymous: options.anonymous,
    limiter: createFailureLimiter(),
    bare: options.bareUnauthorized ?? false,
  };
  const { headersMs, requestMs, keepAliveMs } = options.timeouts ?? TIMEOUTS;
  let closing: Promise<void> | undefined;
  const listener = createListener(options, authenticator, () => closing !== undefined);
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, headersMs),
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.bind);
  server.on('error', (error) => options.onError(error, 'listener'));

  const { port } = server.address() as AddressInfo;
  const host = options.bind.host.includes(':') ? `[${options.bind.host}]` : options.bind.host;
  const close = (): Promise<void> => (closing ??= closeServer(server, options.mounts));
  return { url: `http://${host}:${String(port)}`, port, close, [Symbol.asyncDispose]: close };
};
