import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import { isJSONRPCNotification, isJSONRPCRequest, parseJSONRPCMessage, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Readable, Writable } from 'node:stream';
import { parseBoundedJson } from './bounded-json.ts';
import type { MessageLine } from './message-lines.ts';
import { LineSplitter, salvageId } from './message-lines.ts';

/** Largest message accepted; what is larger is refused by an answer, and the connection goes on. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** Unread output at which no further request is taken until the client has read it. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** After the end of input, for requests that are about to be answered, in ms: what a shell pipe sends gets its replies. */
const DRAIN_MS = 100;

export interface StdioStreams {
  readonly input: Readable;
  /** Watched for its end and its backlog; written through `write` only. */
  readonly output: Pick<Writable, 'on' | 'once' | 'off' | 'writableLength'>;
  write(text: string, done: (error?: Error | null) => void): boolean;
}

/**
 * Newline-delimited JSON-RPC over two streams, for the SDK to serve. Compared with the SDK's own transport it answers what it cannot read
 * (instead of dropping it or the connection), bounds depth and size, and stops reading while the client does not read.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: (<T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void) | undefined;
  /** Resolves with the reason, in words, when the connection is over. */
  readonly closed: Promise<string>;
  readonly #streams: StdioStreams;
  readonly #lines = new LineSplitter(MAX_MESSAGE_BYTES);
  readonly #unanswered = new Set<RequestId>();
  #resolveClosed: (reason: string) => void = () => undefined;
  #drain: NodeJS.Timeout | undefined;
  #over = false;
  #ending = false;

  constructor(streams: StdioStreams) {
    this.#streams = streams;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  start(): Promise<void> {
    const { input, output } = this.#streams;
    // Never taken off again: an error event without a listener would end the process in the middle of its shutdown.
    input.on('error', (error) => this.#end(`stdin failed: ${error.message}`));
    output.on('error', (error: Error) => this.#end(`stdout failed: ${error.message}`));
    input.on('data', this.#onData);
    input.on('end', this.#onEnd);
    input.on('close', this.#onEnd);
    if (input.readableEnded || input.destroyed) this.#onEnd();
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#over) return Promise.reject(new Error('The stdio connection is closed.'));
    const settled = 'method' in message ? undefined : message.id;
    return new Promise((resolve, reject) => {
      const ready = this.#streams.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
      if (!ready && this.#streams.output.writableLength > MAX_UNREAD_BYTES) this.#pauseUntilRead();
      if (settled !== undefined) this.#settle(settled);
    });
  }

  close(): Promise<void> {
    this.#end('closed by the server');
    return Promise.resolve();
  }

  /** Ends the connection now, for the given reason; requests in flight are aborted. */
  end(reason: string): void {
    this.#end(reason);
  }

  readonly #onData = (chunk: Buffer): void => {
    for (const line of this.#lines.push(chunk)) this.#receive(line);
  };

  readonly #onEnd = (): void => {
    if (this.#over || this.#ending) return;
    this.#ending = true;
    const rest = this.#lines.rest();
    if (rest !== undefined) this.#receive(rest);
    if (this.#unanswered.size === 0) this.#end('end of input');
    else this.#drain = setTimeout(() => this.#end('end of input'), DRAIN_MS);
  };

  #receive(line: MessageLine): void {
    if (this.#over) return;
    if (line.kind === 'too_long') {
      const message = `The message has ${String(line.length)} bytes; at most ${String(MAX_MESSAGE_BYTES)} are accepted. Send it in parts.`;
      this.#refuse(salvageId(line.head, line.tail), ProtocolErrorCode.InvalidRequest, message);
      return;
    }
    if (isBlank(line.bytes)) return;
    const parsed = parseBoundedJson(line.bytes);
    if (!parsed.ok) {
      const id = parsed.fault === 'limit' ? salvageId(line.bytes.subarray(0, 512), line.bytes.subarray(-512)) : null;
      const code = parsed.fault === 'limit' ? ProtocolErrorCode.InvalidRequest : ProtocolErrorCode.ParseError;
      this.#refuse(id, code, `The message was refused: ${parsed.message}.`);
      return;
    }
    this.#dispatch(parsed.value);
  }

  #dispatch(value: unknown): void {
    if (Array.isArray(value)) {
      this.#refuse(null, ProtocolErrorCode.InvalidRequest, 'Batches are not accepted. Send one message a line.');
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      this.#refuse(idOf(value), ProtocolErrorCode.InvalidRequest, 'The message is not a JSON-RPC 2.0 request, notification or response.');
      return;
    }
    if (isJSONRPCRequest(message)) this.#unanswered.add(message.id);
    else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      const cancelled = message.params?.['requestId'];
      if (typeof cancelled === 'string' || typeof cancelled === 'number') this.#settle(cancelled);
    }
    this.onmessage?.(message);
  }

  #refuse(id: RequestId | null, code: number, message: string): void {
    this.onerror?.(new Error(message));
    this.#streams.write(`${JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })}\n`, (error) => {
      if (error) this.onerror?.(error);
    });
  }

  #settle(id: RequestId): void {
    this.#unanswered.delete(id);
    if (this.#ending && this.#unanswered.size === 0) this.#end('end of input');
  }

  #pauseUntilRead(): void {
    const { input, output } = this.#streams;
    if (input.isPaused()) return;
    input.pause();
    output.once('drain', () => {
      if (!this.#over) input.resume();
    });
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#drain);
    const { input } = this.#streams;
    input.off('data', this.#onData);
    input.off('end', this.#onEnd);
    input.off('close', this.#onEnd);
    input.pause();
    this.onclose?.();
    this.#resolveClosed(reason);
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);

const idOf = (value: unknown): RequestId | null => {
  const id: unknown = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
};
