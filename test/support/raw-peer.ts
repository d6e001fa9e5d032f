import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { FrameDecoder, FrameReader, FrameWriter } from '../../src/drivers/sandbox/supervisor/frames.ts';

export interface RawFrame {
  readonly type: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** A connection that speaks frames and nothing else: what it sends and what it hears is up to the test. */
export const createRawPeer = (socket: Socket) => {
  const frames: RawFrame[] = [];
  let closed = false;
  const waiting = new Set<() => void>();
  const notify = (): void => waiting.forEach((check) => check());
  const decoder = new FrameDecoder((type, id, payload) => {
    frames.push({ type, id, payload: Buffer.from(payload.bytes(payload.left)) });
    notify();
  });
  socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
    notify();
  });
  const until = <T>(look: () => T | undefined, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        waiting.delete(check);
      };
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${what}: not within 8 s; heard ${JSON.stringify(frames.map(({ type, id }) => [type, id]))}`));
      }, 8000);
      waiting.add(check);
      check();
    });
  return {
    frames,
    send: (bytes: Uint8Array) => void socket.write(bytes),
    request: (type: number, id: number, write: (to: FrameWriter) => unknown = () => {}) => {
      const frame = new FrameWriter().head(type, id);
      write(frame);
      socket.write(frame.finish());
    },
    /** The next frame of this type that has not been taken. */
    next: async (type: number): Promise<RawFrame> => {
      const found = await until(
        () => {
          const index = frames.findIndex((frame) => frame.type === type);
          return index < 0 ? undefined : index;
        },
        `frame 0x${type.toString(16)}`,
      );
      return frames.splice(found, 1)[0]!;
    },
    closed: () => until(() => (closed ? true : undefined), 'the end of the connection'),
    isClosed: () => closed,
    end: () => void socket.destroy(),
  };
};

export type RawPeer = ReturnType<typeof createRawPeer>;

export const connectRaw = (path: string): Promise<RawPeer> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(createRawPeer(socket)));
  });

export const reader = ({ payload }: RawFrame): FrameReader => new FrameReader(payload, 0, payload.length, true);
