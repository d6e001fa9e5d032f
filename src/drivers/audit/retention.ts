import type { KeyObject } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { headPath, listFolder, readSmall, replaceFile, retentionPath, type SegmentFile } from './folder.ts';
import { parseLine } from './line.ts';
import { lastLine } from './lines.ts';
import { sealWatermark, unsealWatermark } from './seal.ts';

export interface RetentionOptions {
  readonly folder: string;
  readonly key: KeyObject;
  readonly retentionMs: number;
  /** Of all segments together. */
  readonly bytes: number;
  readonly now: () => number;
  /** Runs the process that writes this chain? Its newest segment stays. */
  readonly alive: (chain: string) => boolean;
}

interface Aged extends SegmentFile {
  readonly bytes: number;
  /** Of its last line. */
  readonly lastMs: number;
}

/** A last line is short enough for this in most segments; a longer one is looked for once more. */
const REACH = 8192;

const age = async (segment: SegmentFile): Promise<Aged> => {
  const { size, mtimeMs } = await stat(segment.path);
  const text = (await lastLine(segment.path, REACH)) ?? '';
  const at = Date.parse((parseLine(text) ?? parseLine((await lastLine(segment.path)) ?? ''))?.at ?? '');
  return { ...segment, bytes: size, lastMs: Number.isNaN(at) ? mtimeMs : at };
};

export const readWatermark = async (folder: string, key: KeyObject): Promise<number> => {
  const text = await readSmall(retentionPath(folder));
  const at = text === undefined ? Number.NaN : Date.parse(unsealWatermark(key, text)?.before ?? '');
  return Number.isNaN(at) ? 0 : at;
};

/**
 * Removes segments whose last line is too old, and the oldest while all are too large. Says first, under the mark of the key, up to when
 * segments may be missing; so what somebody else removed is told apart.
 */
export const retain = async (options: RetentionOptions): Promise<readonly string[]> => {
  const { folder, key, retentionMs, bytes, now, alive } = options;
  const { segments } = await listFolder(folder);
  const newest = new Map(segments.map(({ chain, segment }) => [chain, segment]));
  const found: Aged[] = [];
  for (const one of segments) if (newest.get(one.chain) !== one.segment || !alive(one.chain)) found.push(await age(one));
  const aged = found.toSorted((a, b) => a.lastMs - b.lastMs);
  let total = aged.reduce((sum, one) => sum + one.bytes, 0);
  const chosen: Aged[] = [];
  for (const one of aged) {
    if (one.lastMs >= now() - retentionMs && total <= bytes) break;
    chosen.push(one);
    total -= one.bytes;
  }
  const last = chosen.at(-1);
  if (last === undefined) return [];
  const before = Math.max(last.lastMs, await readWatermark(folder, key));
  await replaceFile(retentionPath(folder), sealWatermark(key, { before: new Date(before).toISOString() }));
  for (const { path } of chosen) await rm(path, { force: true });
  const left = new Set((await listFolder(folder)).segments.map(({ chain }) => chain));
  for (const chain of new Set(chosen.map((one) => one.chain)))
    if (!left.has(chain) && !alive(chain)) await rm(headPath(folder, chain), { force: true });
  return chosen.map(({ chain, segment }) => `${chain}-${segment}`);
};
