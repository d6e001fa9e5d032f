import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback, parseAuthority } from './host-guard.ts';
import type { Refusal } from './refusal.ts';
import { refusal } from './refusal.ts';

const ORIGIN = /^(https?):\/\/(.+)$/i;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * Does the page come from this very server? Same name and port as the (already checked) Host header; all loopback names are one. Loopback
 * speaks plain HTTP; elsewhere a proxy may have taken TLS off.
 */
const isSameOrigin = (origin: string, host: string): boolean => {
  const [, scheme, rest] = ORIGIN.exec(origin) ?? [];
  const page = rest === undefined ? undefined : parseAuthority(rest);
  const server = parseAuthority(host);
  if (scheme === undefined || page === undefined || server === undefined) return false;
  const defaultPort = DEFAULT_PORTS[scheme.toLowerCase()];
  if ((page.port ?? defaultPort) !== (server.port ?? defaultPort)) return false;
  if (isLoopback(server.name)) return scheme.toLowerCase() === 'http' && isLoopback(page.name);
  return page.name === server.name;
};

/**
 * Requests that a browser makes for a page of somebody else. Programs send none of these headers and pass.
 */
export const checkOrigin = (request: IncomingMessage): Refusal | undefined => {
  const { origin, host = '' } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (!foreignSite && (origin === undefined || isSameOrigin(origin, host))) return undefined;
  return refusal(
    403,
    'denied',
    'Web pages of another origin may not use this server.',
    'Call it from a program, or from a page that it serves itself.',
  );
};

const METHODS = 'GET, POST, DELETE, OPTIONS';
/** `*` would not cover Authorization. */
const REQUEST_HEADERS = 'Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name';
const PREFLIGHT_SECONDS = 600;

/** Lets pages of every origin read the answer, and these headers of it. No credentials: a page has to bring the token itself. */
export const allowOrigins = (response: ServerResponse, exposed: readonly string[]): void => {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', exposed.join(', '));
};

export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

export const sendPreflight = (response: ServerResponse): void => {
  response
    .writeHead(204, {
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': REQUEST_HEADERS,
      'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
    })
    .end();
};
