import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Refusal } from './refusal.ts';
import { refusal } from './refusal.ts';

export interface Authority {
  /** Lower case; an IPv6 address without its brackets. */
  readonly name: string;
  /** As written, without a leading zero; undefined when absent. */
  readonly port: string | undefined;
}

const AUTHORITY = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_](?:[a-z0-9._-]{0,252})))(?::(\d{1,5}))?$/i;

/** `name[:port]` as in a Host header; undefined for anything else, such as user information, a path or a list. */
export const parseAuthority = (text: string): Authority | undefined => {
  const [whole, address, name, port] = AUTHORITY.exec(text) ?? [];
  if (whole === undefined || (address !== undefined && isIP(address) !== 6)) return undefined;
  return { name: (address ?? name ?? '').toLowerCase(), port: port === undefined ? undefined : String(Number(port)) };
};

/** Names and addresses that never leave this machine. */
export const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.')) || name.toLowerCase().startsWith('::ffff:127.');

export interface HostRule {
  /** The address that is listened on. */
  readonly bind: string;
  /** Further names that clients use, such as that of a proxy. */
  readonly allowedHosts: readonly string[];
}

/**
 * May a client call this server by that name? A web page can make a browser call any name whose DNS it controls, so a name has to be
 * loopback or listed. An address cannot be rebound: it passes unless the server only listens on loopback.
 */
export const isHostAllowed = (name: string, { bind, allowedHosts }: HostRule): boolean =>
  isLoopback(name) || allowedHosts.some((allowed) => allowed.toLowerCase() === name) || (!isLoopback(bind) && isIP(name) !== 0);

const count = (request: IncomingMessage, header: string): number =>
  request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === header).length;

/** The Host header against DNS rebinding. `X-Forwarded-Host` is never looked at. */
export const checkHost = (request: IncomingMessage, rule: HostRule): Refusal | undefined => {
  if (!request.url?.startsWith('/'))
    return refusal(400, 'invalid_input', 'The request target must be a path.', 'Send the path only, as in "POST /mcp".');
  if (count(request, 'host') !== 1) return refusal(400, 'invalid_input', 'There must be exactly one Host header.', 'Send one Host header.');
  const authority = parseAuthority(request.headers.host ?? '');
  if (authority !== undefined && isHostAllowed(authority.name, rule)) return undefined;
  return refusal(
    403,
    'denied',
    'This server does not go by the name in the Host header.',
    'Use its address, or start it with --allowed-host NAME.',
  );
};
