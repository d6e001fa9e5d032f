import { createHash, timingSafeEqual } from 'node:crypto';
import { CorralError } from '../../ports/errors.ts';

/** Who a request is from, for the door; the core's `Caller` is made from it. */
export interface Principal {
  readonly id: string;
  readonly scopes: readonly string[];
}

export interface TokenGrant {
  readonly token: string;
  readonly principal: Principal;
}

export type VerifyToken = (token: string) => Principal | undefined;

const SENDABLE = /^[\x21-\x7e]{1,4096}$/;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Compares digests in constant time, all of them on every call: neither length, prefix nor position of the right token shows in the time
 * taken. The tokens themselves are not kept.
 */
export const createVerifyToken = (grants: readonly TokenGrant[]): VerifyToken => {
  const known = grants.map(({ token, principal }) => {
    if (!SENDABLE.test(token))
      throw new CorralError('invalid_input', 'The token is empty or has characters that a header cannot carry.', {
        hint: 'Use visible ASCII without spaces, for example the output of: openssl rand -hex 32',
      });
    return { digest: digest(token), principal };
  });
  return (token) => {
    const given = digest(token);
    let found: Principal | undefined;
    for (const grant of known) if (timingSafeEqual(grant.digest, given)) found = grant.principal;
    return found;
  };
};
