import type { IncomingMessage } from 'node:http';
import type { FailureLimiter } from './failure-limiter.ts';
import type { Refusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import type { Principal, VerifyToken } from './tokens.ts';

const BEARER = /^bearer ([\x21-\x7e]+)$/i;
const EXACT_BEARER = /^Bearer ([\x21-\x7e]+)$/;

export type Authentication = { readonly principal: Principal } | { readonly refusal: Refusal };

export interface Authenticator {
  /** Undefined: the door is open, and everybody is `anonymous`. Only on loopback. */
  readonly verify: VerifyToken | undefined;
  readonly anonymous: Principal;
  readonly limiter: FailureLimiter;
  /** The scheme has to be written `Bearer`, and a 401 has no body. */
  readonly bare: boolean;
}

const unauthorized = (bare: boolean, message: string, challenge: string): Authentication => ({
  refusal: {
    ...refusal(401, 'denied', message, 'Send the header "Authorization: Bearer TOKEN" with the token of this server.', {
      'WWW-Authenticate': `Bearer realm="corral"${challenge}`,
    }),
    bare,
  },
});

/** On every request, never on a connection or session. A token counts in the Authorization header only: addresses end up in logs. */
export const authenticate = (request: IncomingMessage, { verify, anonymous, limiter, bare }: Authenticator): Authentication => {
  if (verify === undefined) return { principal: anonymous };
  const source = request.socket.remoteAddress ?? 'unknown';
  const wait = limiter.blockedFor(source);
  if (wait > 0)
    return {
      refusal: refusal(429, 'limit_exceeded', 'Too many wrong tokens from this address.', `Try again in ${String(wait)} s.`, {
        'Retry-After': String(wait),
      }),
    };
  const headers = request.headersDistinct['authorization'] ?? [];
  if (headers.length === 0) return unauthorized(bare, 'A token is required.', '');
  const token = headers.length === 1 ? (bare ? EXACT_BEARER : BEARER).exec(headers[0] ?? '')?.[1] : undefined;
  const principal = token === undefined ? undefined : verify(token);
  if (principal !== undefined) return { principal };
  limiter.failed(source);
  return unauthorized(bare, 'The token is wrong.', ', error="invalid_token"');
};
