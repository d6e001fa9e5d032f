import { timingSafeEqual } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { CorralError } from '../../../ports/errors.ts';
import { createChannel } from './channel.ts';
import type { Channel, Decode, Request } from './channel.ts';
import type { ErrorContext } from './errors.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader } from './frames.ts';
import { HELLO_EVENTS, REPLY, REQUEST, SECRET_BYTES } from './protocol.ts';
import type { Secrets } from './secrets.ts';
import { openShortPath } from './short-path.ts';

const READ_BUFFER_BYTES = 64 * 1024;
/** Bytes that may wait for a supervisor that does not read. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
const DEADLINE_CHECK_MS = 5000;
export const SOCKET_NAME = 'sock';

/** Why a connection is over. `violated`: the peer broke the protocol or could not prove who it is. */
export interface Disconnection {
  readonly violated: boolean;
  /** One sentence. */
  readonly reason: string;
}

export interface ConnectOptions {
  readonly folder: string;
  readonly secrets: Secrets;
  /** Of the protocol. */
  readonly version: number;
  /** How long the supervisor may take to say who it is. */
  readonly helloMs: number;
  onEvent(type: number, payload: FrameReader): void;
  /** Called once, when the connection ended without `close`. Every pending request has been rejected by then. */
  onDisconnect(disconnection: Disconnection): void;
}

export interface Hello {
  /** As seen inside. */
  readonly pid: number;
  readonly startedMs: number;
  readonly isPid1: boolean;
}

/** An authenticated connection to one supervisor. */
export interface Connection {
  readonly hello: Hello;
  readonly begin: Channel['begin'];
  readonly call: Channel['call'];
  readonly tell: Channel['tell'];
  close(): void;
}

/** Somebody answers at the socket, but it is not the supervisor of this sandbox. */
export class ImpostorError extends Error {
  override readonly name = 'ImpostorError';
}

const lost = (reason: string): CorralError =>
  new CorralError('lost', `The connection to the sandbox ended: ${reason}`, {
    hint: 'Whether the last request took effect is not known; list the executions of the sandbox, or start again in a new one.',
  });

const decodeHello =
  (secrets: Secrets, expected: number): Decode<Hello> =>
  (payload) => {
    const version = payload.u16();
    const secret = payload.bytes(SECRET_BYTES);
    const hello = { pid: payload.u32(), startedMs: payload.u64(), isPid1: payload.u8() === 1 };
    if (version !== expected) throw new ProtocolViolation(`it speaks version ${version}, where ${expected} was expected`);
    if (!timingSafeEqual(secret, secrets.supervisor)) throw new ImpostorError('it does not know the secret of the supervisor');
    return hello;
  };

const hello = (channel: Channel, secrets: Secrets, version: number): Promise<Hello> => {
  const request: Request = channel.begin(REQUEST.hello);
  request.payload.u16(version).bytes(secrets.client).u8(HELLO_EVENTS);
  return channel.call(request, REPLY.hello, { action: 'say hello' }, decodeHello(secrets, version));
};

/**
 * Connects and proves both sides. Rejects with the socket's own error (ENOENT, ECONNREFUSED: nobody is there), with ImpostorError, with
 * ProtocolViolation, or with `unavailable` when the supervisor does not answer in time.
 */
export const openConnection = async (options: ConnectOptions, signal?: AbortSignal): Promise<Connection> => {
  signal?.throwIfAborted();
  await using socketPath = await openShortPath(options.folder, SOCKET_NAME);
  return await new Promise<Connection>((resolve, reject) => {
    let open = false;
    let closed = false;
    let watchdog: NodeJS.Timeout | undefined;

    const stop = (error: CorralError): void => {
      closed = true;
      clearTimeout(helloTimer);
      clearInterval(watchdog);
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      channel.fail(error);
    };
    const disconnect = (cause: Error): void => {
      if (closed) return;
      stop(lost(cause.message));
      if (!open) return reject(cause);
      options.onDisconnect({ violated: cause instanceof ProtocolViolation, reason: cause.message });
    };
    const abort = (): void => disconnect(new CorralError('cancelled', 'The call was cancelled.'));
    const helloTimer = setTimeout(
      () =>
        disconnect(
          new CorralError('unavailable', `The supervisor did not answer within ${options.helloMs} ms.`, {
            hint: 'The machine may be overloaded; try again.',
          }),
        ),
      options.helloMs,
    );

    let corked = false;
    const uncork = (): void => {
      corked = false;
      socket.uncork();
    };
    const channel = createChannel({
      write: (frame) => {
        if (socket.writableLength > MAX_QUEUED_BYTES) return disconnect(new ProtocolViolation('it does not read what it is sent'));
        // Frames of one turn leave in one system call.
        if (!corked) {
          corked = true;
          socket.cork();
          process.nextTick(uncork);
        }
        socket.write(frame);
      },
      onEvent: options.onEvent,
    });
    const socket: Socket = connect({
      path: socketPath.path,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (bytes, buffer) => {
          if (closed) return false;
          try {
            channel.feed(buffer as Buffer, bytes);
          } catch (error) {
            disconnect(error as Error);
            return false;
          }
          return true;
        },
      },
    });
    socket.once('error', disconnect);
    socket.once('close', () => disconnect(new Error('the supervisor closed it')));
    signal?.addEventListener('abort', abort, { once: true });

    hello(channel, options.secrets, options.version).then(
      (said) => {
        if (closed) return;
        open = true;
        clearTimeout(helloTimer);
        signal?.removeEventListener('abort', abort);
        watchdog = setInterval(() => {
          const action = channel.overdue();
          if (action !== undefined) disconnect(new Error(`it did not answer the request to ${action} in time`));
        }, DEADLINE_CHECK_MS).unref();
        resolve({
          hello: said,
          begin: channel.begin,
          call: <T>(request: Request, reply: number, context: ErrorContext, decode: Decode<T>, mayTakeMs?: number) =>
            channel.call(request, reply, context, decode, mayTakeMs),
          tell: channel.tell,
          close: () => {
            if (!closed)
              stop(
                new CorralError('unavailable', 'The connection to the sandbox was closed by this server.', {
                  hint: 'Open the sandbox again.',
                }),
              );
          },
        });
      },
      (error: CorralError) => disconnect(error),
    );
  });
};
