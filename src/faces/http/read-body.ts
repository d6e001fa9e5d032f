import type { IncomingMessage } from 'node:http';
import type { Refusal } from './refusal.ts';
import { refusal } from './refusal.ts';

/** Default largest request body, in bytes. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;.*)?$/i;

/** Only plain JSON: a browser cannot send it across origins without asking first, and nothing has to be unpacked. */
export const checkJsonHeaders = (request: IncomingMessage): Refusal | undefined => {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return refusal(415, 'unsupported', 'Compressed request bodies are not accepted.', 'Send the body without Content-Encoding.');
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    return refusal(415, 'unsupported', 'The body must be JSON.', 'Send the header "Content-Type: application/json".');
  return undefined;
};

export type Body = { readonly bytes: Buffer } | { readonly refusal: Refusal };

const tooLarge = (limit: number): Body => ({
  refusal: refusal(413, 'limit_exceeded', `The request body is larger than ${String(limit)} bytes.`, 'Send it in parts.', {
    Connection: 'close',
  }),
});

/** The whole body, when it is small enough; otherwise reading stops at the limit. Rejects when the client goes away. */
export const readBody = async (request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Body> => {
  if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge(limit);
  const parts: Buffer[] = [];
  let length = 0;
  // Leaving the loop must not destroy the socket: the refusal still goes out on it.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) return tooLarge(limit);
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts) };
};
