import { CorralError } from '../../../ports/errors.ts';
import { supervisorError } from './errors.ts';
import type { ErrorContext } from './errors.ts';
import { FrameDecoder, FrameWriter, ProtocolViolation } from './frames.ts';
import type { FrameReader } from './frames.ts';
import { REPLY } from './protocol.ts';

/** More unanswered requests than this are refused: the peer does not keep up. */
const MAX_PENDING = 4096;
const MAX_ID = 0xffff_ffff;
/** An answer that takes longer means that the peer hangs. Requests that may take longer say by how much. */
const ANSWER_MS = 30_000;

/** Reads a reply's payload. It runs while the frame is in memory and must not keep the reader. */
export type Decode<T> = (payload: FrameReader) => T;

interface Pending {
  readonly reply: number;
  readonly context: ErrorContext;
  readonly deadline: number;
  readonly decode: Decode<unknown>;
  resolve(value: unknown): void;
  reject(error: CorralError): void;
}

export interface ChannelOptions {
  /** Hands a whole frame to the transport. */
  write(frame: Buffer): void;
  /** A frame with id 0. The reader is valid during the call only. Throws ProtocolViolation for what it does not know. */
  onEvent(type: number, payload: FrameReader): void;
  /** Default 30 s. */
  readonly answerMs?: number;
}

/** Requests and replies over any stream of bytes: ids, the table of pending requests, the way back of errors. */
export interface Channel {
  /** Begins a request frame; its id is the writer's, and `call` sends it. */
  begin(type: number, capacity?: number): Request;
  /** Sends a request. `decode` reads the payload of the expected reply; `mayTakeMs` extends the time allowed for it. */
  call<T>(request: Request, reply: number, context: ErrorContext, decode: Decode<T>, mayTakeMs?: number): Promise<T>;
  /** Sends a request that has no reply. */
  tell(request: Request): void;
  /** Feeds received bytes. Throws ProtocolViolation; the caller then closes the transport and fails the channel. */
  feed(chunk: Buffer, length: number): void;
  /** Rejects everything that is pending, and everything to come, with this error. */
  fail(error: CorralError): void;
  /** What the peer has not answered in time; undefined when all is well. */
  overdue(): string | undefined;
}

export interface Request {
  readonly id: number;
  readonly payload: FrameWriter;
}

export const createChannel = ({ write, onEvent, answerMs = ANSWER_MS }: ChannelOptions): Channel => {
  const pending = new Map<number, Pending>();
  let failure: CorralError | undefined;
  let lastId = 0;

  const nextId = (): number => {
    do lastId = lastId === MAX_ID ? 1 : lastId + 1;
    while (pending.has(lastId));
    return lastId;
  };

  const answer = (type: number, id: number, payload: FrameReader): void => {
    const request = pending.get(id);
    if (request === undefined) throw new ProtocolViolation(`a reply to request ${id}, which is not pending`);
    if (type === REPLY.error) {
      const error = supervisorError(payload.u16(), payload.i32(), payload.str(), request.context);
      payload.finish();
      pending.delete(id);
      request.reject(error);
      return;
    }
    if (type !== request.reply) throw new ProtocolViolation(`reply type ${type} where ${request.reply} was expected`);
    const value = request.decode(payload);
    payload.finish();
    pending.delete(id);
    request.resolve(value);
  };

  const decoder = new FrameDecoder((type, id, payload) => {
    if (id !== 0) return answer(type, id, payload);
    onEvent(type, payload);
    payload.finish();
  });

  return {
    begin: (type, capacity) => {
      const id = nextId();
      return { id, payload: new FrameWriter(capacity).head(type, id) };
    },
    call: <T>(request: Request, reply: number, context: ErrorContext, decode: Decode<T>, mayTakeMs = 0): Promise<T> => {
      if (failure !== undefined) return Promise.reject(failure);
      if (pending.size >= MAX_PENDING)
        return Promise.reject(
          new CorralError('limit_exceeded', `${MAX_PENDING} requests to the sandbox are unanswered.`, {
            hint: 'Call again when some of them have ended.',
          }),
        );
      return new Promise<T>((resolve, reject) => {
        const frame = finish(request.payload, context);
        pending.set(request.id, {
          reply,
          context,
          decode,
          deadline: performance.now() + answerMs + mayTakeMs,
          resolve: resolve as (value: unknown) => void,
          reject,
        });
        write(frame);
      });
    },
    tell: (request) => {
      if (failure === undefined) write(request.payload.finish());
    },
    feed: (chunk, length) => decoder.push(chunk, length),
    fail: (error) => {
      failure ??= error;
      const waiting = [...pending.values()];
      pending.clear();
      for (const request of waiting) request.reject(failure);
    },
    overdue: () => {
      const now = performance.now();
      for (const { deadline, context } of pending.values()) if (deadline < now) return context.action;
      return undefined;
    },
  };
};

const finish = (payload: FrameWriter, context: ErrorContext): Buffer => {
  try {
    return payload.finish();
  } catch (cause) {
    throw new CorralError('limit_exceeded', `The request to ${context.action} is ${payload.size} bytes; at most 4 MiB go in one.`, {
      hint: 'Write large data to a file first and name the file.',
      cause,
    });
  }
};
