import { createServer } from 'node:net';
import { join } from 'node:path';
import { FrameWriter } from '../../src/drivers/sandbox/supervisor/frames.ts';
import { PROTOCOL_VERSION, REPLY, REQUEST } from '../../src/drivers/sandbox/supervisor/protocol.ts';
import type { Secrets } from '../../src/drivers/sandbox/supervisor/secrets.ts';
import { createRawPeer } from './raw-peer.ts';
import type { RawPeer } from './raw-peer.ts';

export interface FakeSupervisor extends AsyncDisposable {
  /** Connections so far, in order. */
  readonly peers: readonly RawPeer[];
  /** The next one that has said hello and was answered. */
  next(): Promise<RawPeer>;
}

export interface FakeOptions {
  readonly version?: number;
  /** What it answers with instead of the right secret. */
  readonly secret?: Uint8Array;
  /** Never answers a hello. */
  readonly silent?: boolean;
  /** Closes instead of answering. */
  readonly rude?: boolean;
}

/** Listens where a supervisor would and greets as one; everything else is up to the test. */
export const serveFakeSupervisor = async (folder: string, secrets: Secrets, options: FakeOptions = {}): Promise<FakeSupervisor> => {
  const peers: RawPeer[] = [];
  const greeted: RawPeer[] = [];
  const waiting: ((peer: RawPeer) => void)[] = [];
  const server = createServer((socket) => {
    const peer = createRawPeer(socket);
    peers.push(peer);
    void peer
      .next(REQUEST.hello)
      .then(({ id }) => {
        if (options.rude === true) return peer.end();
        if (options.silent === true) return;
        peer.send(
          new FrameWriter()
            .head(REPLY.hello, id)
            .u16(options.version ?? PROTOCOL_VERSION)
            .bytes(options.secret ?? secrets.supervisor)
            .u32(1)
            .u64(Date.now())
            .u8(1)
            .finish(),
        );
        const taker = waiting.shift();
        if (taker === undefined) greeted.push(peer);
        else taker(peer);
      })
      .catch(() => {}); // the client left without a greeting
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'sock'), resolve));
  return {
    peers,
    next: () => {
      const ready = greeted.shift();
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
    },
    [Symbol.asyncDispose]: async () => {
      for (const peer of peers) peer.end();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
};
