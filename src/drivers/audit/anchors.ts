import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { headPath, listFolder, readSmall } from './folder.ts';
import { type Head, unsealHead } from './seal.ts';

/** The most recent ones; older chains were anchored by those before. */
const MAX_ANCHORS = 64;

export interface Anchor {
  readonly chain: string;
  readonly seq: number;
  readonly at: string;
}

export const readHead = async (folder: string, chain: string, key: KeyObject): Promise<Head | null | undefined> => {
  const text = await readSmall(headPath(folder, chain));
  return text === undefined ? undefined : unsealHead(key, text);
};

/** How far the other chains have come. Written into one's own, it makes them vouch for one another. */
export const anchorsOf = async (folder: string, key: KeyObject, own: string): Promise<readonly Anchor[]> => {
  const { heads } = await listFolder(folder);
  const found: { chain: string; ms: number }[] = [];
  for (const chain of heads) {
    if (chain === own) continue;
    const { mtimeMs } = await stat(headPath(folder, chain)).catch(() => ({ mtimeMs: 0 }));
    found.push({ chain, ms: mtimeMs });
  }
  const anchors: Anchor[] = [];
  for (const { chain } of found.toSorted((a, b) => b.ms - a.ms).slice(0, MAX_ANCHORS)) {
    const head = await readHead(folder, chain, key);
    if (head !== undefined && head !== null) anchors.push({ chain, seq: head.seq, at: head.at });
  }
  return anchors;
};
