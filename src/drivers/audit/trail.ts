import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRecord, AuditTrail } from '../../ports/audit.ts';
import { auditFolder, defaultKeyPath, listFolder, openForReading, type SegmentFile } from './folder.ts';
import { loadKey } from './key.ts';
import { isGenuine, parseLine } from './line.ts';
import { readLines } from './lines.ts';
import { verifyFolder } from './verify.ts';

export interface TrailOptions {
  readonly stateDir: string;
  readonly keyFile?: string | undefined;
}

/** Between two looks for new lines. */
const FOLLOW_MS = 200;
/** A line takes about so much: where to begin to look for the last ones. */
const GUESS = 1024;

const byTime = (a: AuditRecord, b: AuditRecord): number =>
  a.at === b.at ? (a.chain === b.chain ? a.seq - b.seq : a.chain < b.chain ? -1 : 1) : a.at < b.at ? -1 : 1;

const toRecord = (key: KeyObject, chain: string, text: string): AuditRecord | undefined => {
  const line = parseLine(text);
  return line === undefined ? undefined : { chain, seq: line.seq, at: line.at, event: line.event, genuine: isGenuine(key, text, line.mac) };
};

/** The last records of a segment, in order, and where its last whole line ends. */
const lastRecords = async (
  key: KeyObject,
  { path, chain }: SegmentFile,
  size: number,
  count: number,
): Promise<{ readonly records: readonly AuditRecord[]; readonly end: number }> => {
  for (let reach = Math.max(65_536, count * GUESS); ; reach *= 4) {
    const from = Math.max(0, size - reach);
    const records: AuditRecord[] = [];
    let end = from;
    for await (const raw of readLines(path, from)) {
      if (!raw.whole) break;
      end = raw.offset + raw.bytes;
      // From somewhere within the file, the first line is only the rest of one.
      const record = raw.offset === from && from > 0 ? undefined : toRecord(key, chain, raw.text);
      if (record !== undefined) records.push(record);
    }
    if (from === 0 || records.length >= count) return { records: count === 0 ? [] : records.slice(-count), end };
  }
};

/** What all processes recorded in a state folder. */
export const createAuditTrail = ({ stateDir, keyFile }: TrailOptions): AuditTrail => {
  const folder = auditFolder(stateDir);
  /** Where nothing was recorded yet there need not be a key; what is there cannot be judged without it. */
  const key = async (): Promise<KeyObject> => {
    const { segments, heads } = await listFolder(folder);
    return loadKey({ path: keyFile ?? defaultKeyPath(stateDir), make: keyFile === undefined && segments.length === 0 && heads.size === 0 });
  };

  /** The newest of all chains, and up to where each file was read. */
  const newest = async (secret: KeyObject, count: number): Promise<{ records: AuditRecord[]; ends: Map<string, number> }> => {
    const found: { segment: SegmentFile; size: number; ms: number }[] = [];
    for (const segment of (await listFolder(folder)).segments) {
      const { size, mtimeMs } = await stat(segment.path);
      found.push({ segment, size, ms: mtimeMs });
    }
    const ends = new Map<string, number>();
    let records: AuditRecord[] = [];
    for (const { segment, size, ms } of found.toSorted((a, b) => b.ms - a.ms)) {
      const oldest = records.length < count ? undefined : records[0];
      if (oldest !== undefined && ms < Date.parse(oldest.at)) {
        ends.set(segment.path, size);
        continue;
      }
      const last = await lastRecords(secret, segment, size, count);
      ends.set(segment.path, last.end);
      records = [...records, ...last.records].toSorted(byTime).slice(count === 0 ? records.length : -count);
    }
    return { records: count === 0 ? [] : records, ends };
  };

  const fresh = async (secret: KeyObject, ends: Map<string, number>): Promise<readonly AuditRecord[]> => {
    const records: AuditRecord[] = [];
    for (const { path, chain } of (await listFolder(folder)).segments) {
      const from = ends.get(path) ?? 0;
      const { size } = await stat(path);
      if (size <= from) continue;
      for await (const raw of readLines(path, from)) {
        if (!raw.whole) break;
        ends.set(path, raw.offset + raw.bytes);
        const record = toRecord(secret, chain, raw.text);
        if (record !== undefined) records.push(record);
      }
    }
    return records.toSorted(byTime);
  };

  return {
    async *tail({ count, follow }, signal) {
      const secret = await key();
      const { records, ends } = await newest(secret, count);
      yield* records;
      while (follow && !signal.aborted) {
        await delay(FOLLOW_MS, undefined, { signal }).catch(() => 'aborted: the loop ends');
        if (!signal.aborted) yield* await fresh(secret, ends);
      }
    },

    async search(query, signal) {
      const secret = await key();
      if ((await listFolder(folder)).segments.length === 0) return [];
      const { openIndexFile } = await import('./index-file.ts');
      using index = openIndexFile(folder);
      await index.update(signal);
      const records: AuditRecord[] = [];
      for (const { file, offset, bytes } of index.find(query)) {
        const opened = await openForReading(file);
        if (opened === undefined) continue;
        try {
          const { buffer, bytesRead } = await opened.read(Buffer.alloc(bytes), 0, bytes, offset);
          const chain = /([a-z0-9]+)-[0-9]+\.jsonl$/.exec(file)?.[1] ?? '';
          const record = toRecord(secret, chain, buffer.toString('utf8', 0, bytesRead - 1));
          if (record !== undefined) records.push(record);
        } finally {
          await opened.close();
        }
      }
      return records;
    },

    verify: async (signal) => verifyFolder(folder, await key(), signal),
  };
};
