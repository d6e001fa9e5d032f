import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../../ports/errors.ts';
import { CorralError } from '../../ports/errors.ts';

/** An HTTP answer that says no, why, and what to do. */
export interface Refusal {
  readonly status: number;
  readonly error: CorralError;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without a body: the status says it all. */
  readonly bare?: boolean;
}

export const refusal = (
  status: number,
  code: ErrorCode,
  message: string,
  hint?: string,
  headers?: Readonly<Record<string, string>>,
): Refusal => ({
  status,
  error: new CorralError(code, message, hint === undefined ? {} : { hint }),
  ...(headers && { headers }),
});

/** How a face writes an error into a body. */
export type ErrorBody = (error: CorralError) => unknown;

export const plainErrorBody: ErrorBody = ({ code, message, hint }) => ({ error: { code, message, hint } });

/** Never cached, never guessed at, never framed. */
const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

export const sendText = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(text);
};

export const sendJson = (response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
  response.writeHead(status, { ...HEADERS, ...headers });
  response.end(JSON.stringify(body));
};

/** Answers and closes the connection: what the client still sends of a refused request is not worth reading. */
export const sendRefusal = (
  response: ServerResponse,
  { status, error, headers, bare = false }: Refusal,
  body: ErrorBody = plainErrorBody,
): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const unread = !response.req.complete;
  const all = { ...headers, ...(unread && { Connection: 'close' }) };
  if (bare) response.writeHead(status, { 'Cache-Control': 'no-store', 'Content-Length': '0', ...all }).end();
  else sendJson(response, status, body(error), all);
};
