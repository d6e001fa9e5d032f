import type { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { AuditEvent, AuditSink } from '../../ports/audit.ts';
import { CorralError } from '../../ports/errors.ts';
import { anchorsOf } from './anchors.ts';
import { type Chain, createChain, type QueuedLine } from './chain.ts';
import { auditFolder, defaultKeyPath, headPath, prepareFolder, replaceFile, segmentPath } from './folder.ts';
import { loadKey } from './key.ts';
import { retain } from './retention.ts';
import { type Head, sealHead } from './seal.ts';
import { createSegment, type Segment } from './segment.ts';

export interface AuditLogOptions {
  readonly stateDir: string;
  /** Names the chain: the id of this server. [a-z0-9]{1,32} */
  readonly chain: string;
  /** The operator's own key; undefined = one in the state folder, made at first use. */
  readonly keyFile?: string | undefined;
  readonly retentionMs: number;
  /** Of all segments together. */
  readonly bytes: number;
  /** Told of what the operator should know. Must not throw. */
  readonly onNotice: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Records how far other chains have come, so that cutting them is noticed later. */
  readonly anchor: boolean;
  readonly now?: () => number;
}

const GROUP_MS = 10;
const RETRY_MS = 1000;
/** How long a line may be known to the machine's memory only; also how often the head is written. */
const SYNC_MS = 1000;
const ANCHOR_AFTER_MS = 2000;
/** What waits is bounded; beyond it events are counted, not kept. */
const MAX_QUEUED = 8192;
const MAX_SEGMENT = 16 * 1024 * 1024;
const MIN_SEGMENT = 64 * 1024;
/** Bytes of one write. */
const BATCH = 256 * 1024;

const textOf = (lines: readonly QueuedLine[]): string => lines.map(({ line }) => line).join('');

/** The segments of one process. See `docs/guide/audit.md` for the format. */
export const createAuditLog = (options: AuditLogOptions): AuditSink => {
  const { stateDir, chain: name, keyFile, onNotice, now = Date.now } = options;
  const folder = auditFolder(stateDir);
  const segmentBytes = Math.min(MAX_SEGMENT, Math.max(MIN_SEGMENT, Math.floor(options.bytes / 8)));

  let key: KeyObject | undefined;
  let chain: Chain | undefined;
  /** Recorded before the key was there. */
  let early: AuditEvent[] = [];
  let queue: QueuedLine[] = [];
  let lost = 0;
  let untold = 0;
  let current: Segment | undefined;
  let problem: CorralError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let syncTimer: NodeJS.Timeout | undefined;
  let anchorTimer: NodeJS.Timeout | undefined;
  /** The file is used by one at a time. */
  let turn: Promise<void> = Promise.resolve();
  let finishing = false;
  let closed = false;
  /** Of the lines that the segment has, written or about to be. */
  let written: Head | undefined;

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  const failed = (error: unknown): CorralError => {
    const told = new CorralError('unavailable', `The audit log in ${folder} cannot be written: ${(error as Error).message}.`, {
      hint: 'Make room on its disk and let the user that runs Corral write to it; events wait in memory meanwhile.',
      cause: error,
    });
    if (problem === undefined) onNotice(told.message, { hint: told.hint });
    problem = told;
    return told;
  };

  /** On the disk, and the head behind it: never the other way round, or a loss of power would look like tampering. */
  const settle = async (): Promise<void> => {
    clearTimeout(syncTimer);
    syncTimer = undefined;
    if (current === undefined || chain === undefined || key === undefined || written === undefined) return;
    const head = sealHead(key, written);
    if (!(await current.sync())) {
      onNotice('The audit segment was removed or changed while it was written; the log goes on in a new one.', { segment: current.number });
      if (!finishing) queue.push(...chain.turn());
    }
    await replaceFile(headPath(folder, name), head);
  };

  const settleLater = (): void => {
    syncTimer ??= setTimeout(() => {
      syncTimer = undefined;
      inTurn(settle).catch((error: unknown) => {
        failed(error);
        settleLater();
      });
    }, SYNC_MS).unref();
  };

  const segmentFor = async (number: number): Promise<Segment> => {
    if (current?.number === number) return current;
    if (current !== undefined) {
      await settle();
      await current.close();
      current = undefined;
    }
    current = await createSegment(segmentPath(folder, name, number), number);
    return current;
  };

  /** The first lines of the queue that go into one segment, at most one batch. */
  const batch = (): readonly QueuedLine[] => {
    const number = queue[0]?.head.segment;
    let bytes = 0;
    let count = 0;
    for (const { line, head } of queue) {
      if (head.segment !== number || bytes > BATCH) break;
      bytes += line.length;
      count += 1;
    }
    return queue.slice(0, count);
  };

  const drain = async (): Promise<void> => {
    // What a write that failed left over goes first.
    await current?.write(Buffer.alloc(0));
    for (let lines = batch(); ; lines = batch()) {
      const last = lines.at(-1);
      if (last === undefined) break;
      const segment = await segmentFor(last.head.segment);
      queue = queue.slice(lines.length);
      written = last.head;
      await segment.write(Buffer.from(textOf(lines)));
      settleLater();
    }
    if (problem !== undefined) onNotice('The audit log is written again.', { lost });
    problem = undefined;
  };

  const enqueue = (event: AuditEvent): void => {
    if (chain === undefined || finishing || queue.length >= MAX_QUEUED) {
      if (chain === undefined && !finishing && early.length < MAX_QUEUED) early.push(event);
      else {
        lost += 1;
        untold += 1;
      }
      return;
    }
    if (untold > 0) {
      queue.push(...chain.add({ kind: 'lost', log: { events: untold } }));
      untold = 0;
    }
    queue.push(...chain.add(event));
  };

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (key === undefined) throw problem ?? new CorralError('unavailable', 'The audit log is not open yet.');
    try {
      await inTurn(drain);
    } catch (error) {
      const told = failed(error);
      schedule(RETRY_MS);
      throw told;
    }
  };

  const schedule = (ms: number): void => {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      flush().catch(() => 'told by failed()');
    }, ms);
    if (problem !== undefined) timer.unref();
  };

  /** What the timers had no time for. */
  const onExit = (): void => {
    const mine = queue.filter(({ head }) => head.segment === current?.number);
    const others = queue.slice(mine.length);
    queue = [];
    try {
      current?.writeNow(Buffer.from(textOf(mine)));
      for (const { line, head } of others) writeFileSync(segmentPath(folder, name, head.segment), line, { flag: 'a', mode: 0o600 });
    } catch {
      // The process is ending and the file cannot be written: there is nobody left to tell.
    }
  };

  const anchor = async (): Promise<void> => {
    if (key === undefined || closed) return;
    const anchors = await anchorsOf(folder, key, name);
    if (anchors.length > 0) record({ kind: 'anchored', log: { chains: anchors } });
  };

  const record = (event: AuditEvent): void => {
    enqueue(event);
    if (chain !== undefined) schedule(problem === undefined ? GROUP_MS : RETRY_MS);
  };

  return {
    async open() {
      if (key !== undefined) return;
      try {
        await prepareFolder(folder);
        key = await loadKey({ path: keyFile ?? defaultKeyPath(stateDir), make: keyFile === undefined });
      } catch (error) {
        problem = error instanceof CorralError ? error : failed(error);
        throw problem;
      }
      problem = undefined;
      chain = createChain({ name, key, segmentBytes, now });
      process.once('exit', onExit);
      const waiting = early;
      early = [];
      for (const event of waiting) record(event);
      if (options.anchor) {
        anchorTimer = setTimeout(() => {
          anchor().catch((error: unknown) => onNotice('The other audit chains were not looked at.', { error: String(error) }));
        }, ANCHOR_AFTER_MS).unref();
      }
    },
    record,
    flush,
    health: () => ({
      ok: problem === undefined && lost === 0,
      queued: queue.length + early.length,
      lost,
      ...(problem !== undefined && { problem }),
    }),
    async retain(alive) {
      if (key === undefined) return 0;
      const removed = await retain({
        folder,
        key,
        retentionMs: options.retentionMs,
        bytes: options.bytes,
        now,
        alive: (other) => other === name || alive(other),
      });
      if (removed.length > 0) record({ kind: 'retired', log: { segments: removed.slice(0, 64), count: removed.length } });
      return removed.length;
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      clearTimeout(anchorTimer);
      if (chain !== undefined && !finishing) queue.push(...chain.finish());
      finishing = true;
      try {
        if (key !== undefined) {
          await flush();
          await inTurn(settle);
        }
      } finally {
        closed = true;
        clearTimeout(timer);
        clearTimeout(syncTimer);
        process.off('exit', onExit);
        onExit();
        await current?.close();
        current = undefined;
      }
    },
  };
};
