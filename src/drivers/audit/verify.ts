import type { KeyObject } from 'node:crypto';
import type { AuditProblem, AuditReport } from '../../ports/audit.ts';
import { listFolder, type SegmentFile } from './folder.ts';
import { readWatermark } from './retention.ts';
import { type ChainReport, verifyChain } from './verify-chain.ts';

/** What the chains say of one another: that each was at least so long. */
const checkAnchors = (chains: ReadonlyMap<string, ChainReport>, watermarkMs: number): readonly AuditProblem[] => {
  const furthest = new Map<string, { seq: number; at: string; by: string }>();
  for (const [by, { anchors }] of chains)
    for (const { chain, seq, at } of anchors) if (seq > (furthest.get(chain)?.seq ?? 0)) furthest.set(chain, { seq, at, by });
  const problems: AuditProblem[] = [];
  for (const [chain, { seq, at, by }] of furthest) {
    const there = chains.get(chain)?.last?.seq ?? 0;
    if (there >= seq || Date.parse(at) <= watermarkMs) continue;
    const message =
      there === 0
        ? `The chain ${chain} is missing: ${by} saw ${seq} records of it, and retention did not remove them.`
        : `The chain ${chain} ends at record ${there}, but ${by} saw ${seq}: its end was cut off.`;
    problems.push({ kind: there === 0 ? 'missing_chain' : 'truncated', chain, seq: there, message });
  }
  return problems;
};

/** Reads everything that is kept and says whether somebody changed it. */
export const verifyFolder = async (folder: string, key: KeyObject, signal: AbortSignal): Promise<AuditReport> => {
  const { segments, heads } = await listFolder(folder);
  const watermarkMs = await readWatermark(folder, key);
  const files = new Map<string, SegmentFile[]>([...heads].map((chain) => [chain, []]));
  for (const segment of segments) files.set(segment.chain, [...(files.get(segment.chain) ?? []), segment]);
  const chains = new Map<string, ChainReport>();
  for (const [chain, own] of files) chains.set(chain, await verifyChain({ folder, key, chain, segments: own, watermarkMs }, signal));
  // A chain that grew since it was read may have been seen longer by another that was read later: look again.
  for (const { chain } of checkAnchors(chains, watermarkMs)) {
    const own = (await listFolder(folder)).segments.filter((one) => one.chain === chain);
    chains.set(chain, await verifyChain({ folder, key, chain, segments: own, watermarkMs }, signal));
  }
  const reports = [...chains.values()];
  const told = reports.flatMap((report) => report.problems);
  // What a chain says of its own end need not be said again by the others.
  const known = new Set(told.filter(({ kind }) => kind === 'truncated').map(({ chain }) => chain));
  const problems = [...told, ...checkAnchors(chains, watermarkMs).filter(({ chain }) => !known.has(chain))];
  return {
    ok: problems.length === 0,
    chains: chains.size,
    segments: segments.length,
    records: reports.reduce((sum, { records }) => sum + records, 0),
    problems,
    notes: reports.flatMap(({ notes }) => notes),
    heads: [...chains].flatMap(([chain, { last }]) => (last === undefined ? [] : [{ chain, seq: last.seq, mac: last.mac }])),
  };
};
