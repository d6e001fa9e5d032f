import type { IncomingMessage } from 'node:http';

const SECRET = /cookie|key|secret|token|auth|credential|pass/i;
const REDACTED = '[REDACTED]';

/** The headers of a request for the log: what could let somebody in is left out. */
export const loggableHeaders = ({ headers }: IncomingMessage): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) ? REDACTED : value]));
