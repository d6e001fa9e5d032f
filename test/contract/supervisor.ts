import { join } from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameDecoder, FrameWriter } from '../../src/drivers/sandbox/supervisor/frames.ts';
import { EVENT, JOURNAL_START, MAX_FRAME_BYTES, PROTOCOL_VERSION, REPLY, REQUEST } from '../../src/drivers/sandbox/supervisor/protocol.ts';
import { decodeExit } from '../../src/drivers/sandbox/supervisor/exit.ts';
import type { Secrets } from '../../src/drivers/sandbox/supervisor/secrets.ts';
import { connectRaw, reader } from '../support/raw-peer.ts';
import type { RawPeer } from '../support/raw-peer.ts';

export interface ServedSupervisor extends AsyncDisposable {
  readonly socketPath: string;
  readonly folder: string;
  readonly secrets: Secrets;
}

/** The supervisor may have to be built first. */
const SETUP_MS = 60_000;

/** docs/reference/supervisor-protocol.md, as seen by a client that is free to misbehave. */
export const describeSupervisorContract = (name: string, serve: () => Promise<ServedSupervisor>): void => {
  describe(`supervisor contract: ${name}`, () => {
    let served: ServedSupervisor;

    beforeAll(async () => {
      served = await serve();
    }, SETUP_MS);
    afterAll(async () => served[Symbol.asyncDispose]());

    const hello = async (events = false): Promise<RawPeer> => {
      const peer = await connectRaw(served.socketPath);
      peer.request(REQUEST.hello, 1, (to) =>
        to
          .u16(PROTOCOL_VERSION)
          .bytes(served.secrets.client)
          .u8(events ? 1 : 0),
      );
      await peer.next(REPLY.hello);
      return peer;
    };

    const spawn = (peer: RawPeer, id: number, execution: string, argv: readonly string[], stdin = ''): void =>
      peer.request(REQUEST.spawn, id, (to) =>
        to
          .str(execution)
          .u8(0)
          .u16(0)
          .u16(0)
          .u32(0)
          .u32(0)
          .u64(0)
          .u8(0)
          .str('/')
          .list(['PATH=/usr/bin:/bin'])
          .u8(1)
          .list(argv)
          .str(stdin)
          .str('meta'),
      );

    /** Others are not harmed by what one connection did. */
    const stillServes = async (): Promise<void> => {
      const peer = await hello();
      peer.request(REQUEST.stats, 77);
      expect((await peer.next(REPLY.stats)).id).toBe(77);
      peer.end();
    };

    describe('greeting', () => {
      test('answers the right secret with its own', async () => {
        const peer = await connectRaw(served.socketPath);
        peer.request(REQUEST.hello, 9, (to) => to.u16(PROTOCOL_VERSION).bytes(served.secrets.client).u8(0));
        const answer = await peer.next(REPLY.hello);
        const said = reader(answer);
        expect(answer.id).toBe(9);
        expect(said.u16()).toBe(PROTOCOL_VERSION);
        expect(Buffer.from(said.bytes(32)).equals(served.secrets.supervisor)).toBe(true);
        expect(said.u32()).toBeGreaterThan(0);
        expect(Math.abs(said.u64() - Date.now())).toBeLessThan(60_000);
        expect([0, 1]).toContain(said.u8());
        said.finish();
        peer.end();
      });

      test.each([
        ['a wrong secret', (to: FrameWriter) => to.u16(PROTOCOL_VERSION).bytes(new Uint8Array(32)).u8(0)],
        [
          'a secret that is off by one bit',
          (to: FrameWriter) =>
            to
              .u16(PROTOCOL_VERSION)
              .bytes(served.secrets.client.map((byte, index) => (index === 31 ? byte ^ 1 : byte)))
              .u8(0),
        ],
        [
          'another version',
          (to: FrameWriter) =>
            to
              .u16(PROTOCOL_VERSION - 1)
              .bytes(served.secrets.client)
              .u8(0),
        ],
        ['no secret', (to: FrameWriter) => to.u16(PROTOCOL_VERSION).u8(0)],
        ['more than a greeting', (to: FrameWriter) => to.u16(PROTOCOL_VERSION).bytes(served.secrets.client).u8(0).u8(0)],
      ])('closes on %s and tells nothing', async (_what, write) => {
        const peer = await connectRaw(served.socketPath);
        peer.request(REQUEST.hello, 1, write);
        await peer.closed();
        expect(peer.frames.filter(({ type }) => type !== REPLY.error)).toEqual([]);
        await stillServes();
      });

      test('closes on any request before it', async () => {
        const peer = await connectRaw(served.socketPath);
        peer.request(REQUEST.list, 1);
        await peer.closed();
        expect(peer.frames.filter(({ type }) => type === REPLY.list)).toEqual([]);
      });

      test('closes what stays silent for 5 s, and takes at most 16 connections', async () => {
        const silent = await Promise.all(Array.from({ length: 16 }, () => connectRaw(served.socketPath)));
        const extra = await connectRaw(served.socketPath);
        await extra.closed();
        const began = performance.now();
        await Promise.all(silent.map((peer) => peer.closed()));
        expect(performance.now() - began).toBeGreaterThan(3000);
        await stillServes();
      });
    });

    describe('frames that are not the protocol', () => {
      const bad: readonly [string, () => Uint8Array][] = [
        ['of unknown type', () => new FrameWriter().head(0x66, 5).finish()],
        ['with bytes left over', () => new FrameWriter().head(REQUEST.stats, 5).u8(0).finish()],
        ['with a string that passes the end', () => new FrameWriter().head(REQUEST.watch, 5).u32(1000).u8(1).finish()],
        ['with a list that passes the end', () => new FrameWriter().head(REQUEST.fsRename, 5).u32(0xffff_ffff).finish()],
        ['too long', () => new FrameWriter().u32(MAX_FRAME_BYTES + 1).payload()],
        ['too short', () => new FrameWriter().u32(4).u32(0).payload()],
      ];
      test.each(bad)('%s close the connection and harm no other', async (_what, bytes) => {
        const peer = await hello();
        peer.send(bytes());
        await peer.closed();
        await stillServes();
      });

      test('cut into single bytes are frames all the same', async () => {
        const peer = await hello();
        for (const byte of new FrameWriter().head(REQUEST.stats, 6).finish()) peer.send(Uint8Array.of(byte));
        expect((await peer.next(REPLY.stats)).id).toBe(6);
        peer.end();
      });
    });

    test('errors carry a code, an errno and the id of their request', async () => {
      const peer = await hello();
      peer.request(REQUEST.watch, 4711, (to) => to.str('nobody').u8(1));
      const error = await peer.next(REPLY.error);
      const said = reader(error);
      expect([error.id, said.u16()]).toEqual([4711, 2]);
      said.i32();
      said.str();
      said.finish();
      peer.end();
    });

    test('an exit is told with id 0 to those who asked for events, and to them only', async () => {
      const [asks, other] = [await hello(true), await hello(false)];
      spawn(other, 5, 'told', ['sh', '-c', 'cat; exit 3'], 'given');
      expect((await other.next(REPLY.spawn)).id).toBe(5);
      const event = await asks.next(EVENT.exit);
      const exit = decodeExit(reader(event));
      expect(event.id).toBe(0);
      expect(exit).toMatchObject({ execution: 'told', outcome: { kind: 'exited', code: 3 }, stdout: { bytes: 5, newlines: 0 } });
      expect(other.frames).toEqual([]);
      asks.end();
      other.end();
    });

    test('the journal holds start and exit, without output that has files', async () => {
      const peer = await hello(true);
      spawn(peer, 5, 'noted', ['sh', '-c', 'echo secret output; echo more >&2']);
      await peer.next(EVENT.exit);
      const noted: number[] = [];
      let exit: ReturnType<typeof decodeExit> | undefined;
      const bytes = readFileSync(join(served.folder, 'journal'));
      new FrameDecoder((type, _id, payload) => {
        if (type === JOURNAL_START && payload.str() === 'noted') noted.push(type);
        if (type !== EVENT.exit) return;
        const found = decodeExit(payload);
        payload.finish();
        if (found.execution !== 'noted') return;
        noted.push(type);
        exit = found;
      }).push(bytes);
      expect(noted).toEqual([JOURNAL_START, EVENT.exit]);
      expect(exit).toMatchObject({ outcome: { kind: 'exited', code: 0 }, stdout: { bytes: 14 } });
      expect(bytes.includes('secret output\n')).toBe(false);
      peer.end();
    });

    test('the journal holds whole what has no files, before the client is told', async () => {
      const peer = await hello(true);
      // What was delayed beyond its 25 ms by a busy machine has files: once in a few is enough.
      for (let attempt = 0; attempt < 20; attempt += 1) {
        spawn(peer, 5, `small${String(attempt)}`, ['sh', '-c', 'echo little']);
        const told = decodeExit(reader(await peer.next(EVENT.exit)));
        const files = readdirSync(join(served.folder, 'log')).filter((name) => name.startsWith(`small${String(attempt)}.`));
        expect(files.length > 0).toBe(told.unfiled !== true);
        if (told.unfiled !== true) continue;
        const kept = new Map<string, ReturnType<typeof decodeExit>>();
        new FrameDecoder((type, _id, payload) => {
          if (type !== EVENT.exit) return;
          const exit = decodeExit(payload);
          kept.set(exit.execution, exit);
        }).push(readFileSync(join(served.folder, 'journal')));
        expect(kept.get(told.execution)).toEqual(told);
        expect(Buffer.from(told.inline?.stdout ?? []).toString()).toBe('little\n');
        peer.end();
        return;
      }
      throw new Error('twenty short programs had files');
    });

    test('a wait for a port is answered when it is cancelled', async () => {
      const peer = await hello();
      peer.request(REQUEST.waitPort, 31, (to) => to.u16(9).u32(60_000));
      peer.request(REQUEST.cancel, 32, (to) => to.u32(31));
      const answer = await peer.next(REPLY.waitPort);
      expect([answer.id, answer.payload[0]]).toEqual([31, 0]);
      peer.end();
    });

    test('a listed execution holds its exit until it is acknowledged', async () => {
      const peer = await hello(true);
      spawn(peer, 5, 'kept', ['true']);
      await peer.next(EVENT.exit);
      const count = async (): Promise<boolean> => {
        peer.request(REQUEST.list, 6);
        return (await peer.next(REPLY.list)).payload.includes('kept');
      };
      expect(await count()).toBe(true);
      peer.request(REQUEST.acknowledge, 7, (to) => to.str('kept'));
      await expect.poll(count, { timeout: 3000 }).toBe(false);
      peer.end();
    });

    test('shutting down is answered, then everything ends', async () => {
      await using own = await serve();
      const peer = await connectRaw(own.socketPath);
      peer.request(REQUEST.hello, 1, (to) => to.u16(PROTOCOL_VERSION).bytes(own.secrets.client).u8(1));
      await peer.next(REPLY.hello);
      peer.request(REQUEST.shutdown, 2, (to) => to.u32(100));
      expect((await peer.next(REPLY.ok)).id).toBe(2);
      await peer.closed();
      const refused = (): Promise<boolean> =>
        connectRaw(own.socketPath).then(
          (again) => (again.end(), false),
          (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
        );
      await expect.poll(refused, { timeout: 3000 }).toBe(true);
    });
  });
};
