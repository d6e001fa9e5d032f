import { CorralError } from '../../../ports/errors.ts';
import type { Sandbox } from '../../../ports/sandbox.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Request } from './channel.ts';
import { checkPath } from './files.ts';
import type { Send } from './files.ts';
import { milliseconds } from './messages.ts';
import { REPLY, REQUEST } from './protocol.ts';

export interface WaitsOptions {
  readonly send: Send;
  readonly roots: readonly string[];
  /** Gives up a pending request; nothing where the connection is away. */
  cancel(request: number): void;
}

/** What the supervisor waits for in the server's place. A wait that is cancelled is told so to both sides. */
export const createWaits = ({ send, roots, cancel }: WaitsOptions): Pick<Sandbox, 'waitPort' | 'waitFile'> => {
  const wait = async (
    type: number,
    reply: number,
    what: string,
    context: { readonly path?: string },
    encode: (payload: Request['payload']) => unknown,
    timeoutMs: number,
    abort: AbortSignal | undefined,
  ): Promise<boolean> => {
    throwIfCancelled(abort);
    let asked: number | undefined;
    const giveUp = (): void => {
      if (asked !== undefined) cancel(asked);
    };
    abort?.addEventListener('abort', giveUp, { once: true });
    try {
      const there = await send(
        type,
        ({ id, payload }) => {
          asked = id;
          encode(payload);
        },
        reply,
        { action: `wait for ${what}`, roots, ...context },
        (answer) => answer.u8() === 1,
        { mayTakeMs: timeoutMs },
      );
      throwIfCancelled(abort, `Waiting for ${what} was cancelled.`);
      return there;
    } finally {
      abort?.removeEventListener('abort', giveUp);
    }
  };

  return {
    waitPort: async (port, timeoutMs, abort) => {
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        throw new CorralError('invalid_input', `${port} is not a port.`, { hint: 'Ports are whole numbers from 1 to 65535.' });
      return wait(
        REQUEST.waitPort,
        REPLY.waitPort,
        `port ${port}`,
        {},
        (payload) => payload.u16(port).u32(milliseconds(timeoutMs)),
        timeoutMs,
        abort,
      );
    },
    waitFile: async (path, timeoutMs, abort) =>
      wait(
        REQUEST.waitFile,
        REPLY.waitFile,
        JSON.stringify(path),
        { path },
        (payload) => payload.str(checkPath(path)).u32(milliseconds(timeoutMs)),
        timeoutMs,
        abort,
      ),
  };
};
