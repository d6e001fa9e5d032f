import { CorralError } from '../../ports/errors.ts';
import { isLoopback, parseAuthority } from './host-guard.ts';

export interface Bind {
  /** Without brackets. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/** `127.0.0.1:3344`, `[::1]:3344`, `localhost:0`. */
export const parseBind = (text: string): Bind => {
  const authority = parseAuthority(text);
  const port = Number(authority?.port ?? Number.NaN);
  if (authority === undefined || !(port <= 65_535))
    throw new CorralError('invalid_input', `"${text}" is not an address to listen on.`, {
      hint: 'Write HOST:PORT, for example 127.0.0.1:3344.',
    });
  return { host: authority.name, port };
};

/** Everybody in the network could run commands through an open door: refused before the port is opened. */
export const assertGuarded = ({ host }: Bind, hasToken: boolean): void => {
  if (hasToken || isLoopback(host)) return;
  throw new CorralError('denied', `Listening on ${host} without a token would let anybody who reaches it run commands here.`, {
    hint: 'Set CORRAL_AUTH_TOKEN (for example to the output of: openssl rand -hex 32), or listen on 127.0.0.1.',
  });
};
