import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorBody } from './refusal.ts';
import type { Principal } from './tokens.ts';

/** One request that has passed the door. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query; not decoded. */
  readonly path: string;
  readonly principal: Principal;
}

/** What stands behind the door at some paths: MCP, REST, the console. */
export interface Mount {
  /** Shows in errors of the log. */
  readonly name: string;
  matches(path: string): boolean;
  /** `none`: readable by anybody who reaches the port. Host and Origin are checked all the same. */
  readonly auth: 'token' | 'none';
  /** How refusals look on these paths. */
  readonly errorBody: ErrorBody;
  /** Answers. A rejection becomes a 500 without details. */
  handle(exchange: Exchange): Promise<void>;
  /** Ends what is open: streams, sessions, calls at work. */
  close(): Promise<void>;
}
