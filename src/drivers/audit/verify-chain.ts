import type { KeyObject } from 'node:crypto';
import type { AuditEvent, AuditProblem } from '../../ports/audit.ts';
import { readHead } from './anchors.ts';
import type { SegmentFile } from './folder.ts';
import { chainStart, isGenuine, keyName, type Line, parseLine } from './line.ts';
import { readLines } from './lines.ts';

export interface ChainReport {
  readonly records: number;
  readonly problems: readonly AuditProblem[];
  readonly notes: readonly string[];
  readonly last: { readonly seq: number; readonly mac: string; readonly at: string } | undefined;
  /** What this chain knows of others. */
  readonly anchors: readonly { readonly chain: string; readonly seq: number; readonly at: string }[];
}

interface ChainToVerify {
  readonly folder: string;
  readonly key: KeyObject;
  readonly chain: string;
  /** In order of their numbers. */
  readonly segments: readonly SegmentFile[];
  /** Segments whose last line is not younger than this may be missing. */
  readonly watermarkMs: number;
}

/** One is enough to act; a file of another kind would give thousands. */
const MAX_PROBLEMS = 100;

const logOf = (event: AuditEvent): Readonly<Record<string, unknown>> =>
  event.kind === 'opened' || event.kind === 'closed' || event.kind === 'anchored' ? (event.log ?? {}) : {};

const anchorsIn = (event: AuditEvent): { chain: string; seq: number; at: string }[] => {
  const chains = event.kind === 'anchored' ? logOf(event)['chains'] : undefined;
  return Array.isArray(chains) ? (chains as { chain: string; seq: number; at: string }[]) : [];
};

/** Follows one chain from its first line that is kept to its last, and holds the end against its head. */
export const verifyChain = async (
  { folder, key, chain, segments, watermarkMs }: ChainToVerify,
  signal: AbortSignal,
): Promise<ChainReport> => {
  const problems: AuditProblem[] = [];
  const notes: string[] = [];
  const anchors: ChainReport['anchors'][number][] = [];
  const head = await readHead(folder, chain, key);
  let records = 0;
  let expected: { seq: number; mac: string } | undefined;
  let number = 0;
  let last: ChainReport['last'];
  let finished = false;
  let headMark: string | undefined;
  let foreignKey = false;

  const tell = (kind: AuditProblem['kind'], message: string, where: Partial<AuditProblem> = {}): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ kind, chain, message, ...where });
  };

  /** The first line of a segment says which one it is, with which key it is marked, and when the one before ended. */
  const opening = (line: Line, segment: number): void => {
    const log = logOf(line.event);
    if (line.event.kind !== 'opened' || log['chain'] !== chain || log['segment'] !== segment) {
      tell(
        'reordered',
        `${chain}-${segment}.jsonl does not begin with its own opening line: it was renamed, or its beginning is missing.`,
        { segment, line: 1, seq: line.seq },
      );
      return;
    }
    const before = Date.parse(typeof log['before'] === 'string' ? log['before'] : '');
    const missing = segment - number - 1;
    if (missing > 0 && !(before <= watermarkMs))
      tell(
        'missing_segment',
        `${missing === 1 ? `Segment ${segment - 1} is` : `Segments ${number + 1} to ${segment - 1} are`} missing, and retention did not remove ${missing === 1 ? 'it' : 'them'}.`,
        { segment: segment - 1 },
      );
    if (missing > 0) expected = { seq: line.seq, mac: line.prev };
  };

  const check = (line: Line, text: string, segment: number, index: number): void => {
    const where = { segment, line: index, seq: line.seq };
    if (index === 1) {
      foreignKey = line.event.kind === 'opened' && logOf(line.event)['key'] !== keyName(key);
      if (foreignKey)
        tell('wrong_key', `${chain}-${segment}.jsonl is marked with another key than the one given (or its first line was edited).`, where);
      if (!foreignKey) opening(line, segment);
    }
    if (!foreignKey && !isGenuine(key, text, line.mac))
      tell('edited', `Line ${index} of ${chain}-${segment}.jsonl was changed after it was written.`, where);
    expected ??= { seq: 1, mac: chainStart(key, chain) };
    if (line.seq < expected.seq)
      tell(
        'reordered',
        `Line ${index} of ${chain}-${segment}.jsonl stands in the wrong place: number ${line.seq} where ${expected.seq} belongs.`,
        where,
      );
    else if (line.seq > expected.seq)
      tell('missing_records', `${line.seq - expected.seq} records are missing before line ${index} of ${chain}-${segment}.jsonl.`, where);
    else if (line.prev !== expected.mac && !foreignKey)
      tell('reordered', `Line ${index} of ${chain}-${segment}.jsonl does not follow the line before it.`, where);
    if (line.seq >= expected.seq) expected = { seq: line.seq + 1, mac: line.mac };
    if (head !== undefined && head !== null && line.seq === head.seq) headMark = line.mac;
    anchors.push(...anchorsIn(line.event));
    finished = line.event.kind === 'closed';
    records += 1;
    last = { seq: line.seq, mac: line.mac, at: line.at };
  };

  for (const { path, segment } of segments) {
    let index = 0;
    for await (const raw of readLines(path)) {
      signal.throwIfAborted();
      index += 1;
      const isLast = segment === segments.at(-1)?.segment;
      // A loss of power may leave zeros where the last line was to be.
      if (!raw.whole || (isLast && /^\0+$/.test(raw.text))) {
        if (isLast)
          notes.push(
            `${chain}-${segment}.jsonl: the last line is incomplete (${raw.bytes} bytes): its writer was interrupted, or is writing.`,
          );
        else tell('truncated', `${chain}-${segment}.jsonl ends within a line although the log went on.`, { segment, line: index });
        continue;
      }
      const line = parseLine(raw.text);
      if (line === undefined) tell('edited', `Line ${index} of ${chain}-${segment}.jsonl is no line of the log.`, { segment, line: index });
      else check(line, raw.text, segment, index);
    }
    if (index === 0 && segment !== segments.at(-1)?.segment)
      tell('truncated', `${chain}-${segment}.jsonl is empty although the log went on.`, { segment });
    number = segment;
  }

  const lastSeq = last?.seq ?? 0;
  if (head === null && !foreignKey) tell('edited', `${chain}.head was changed, or is marked with another key.`);
  if (head === undefined && records > 0) {
    if (finished) tell('missing_records', `${chain}.head, which says how far the chain had come, is missing.`);
    else notes.push(`${chain}.head is missing: the chain is less than a second old, or its writer ended in its first second.`);
  }
  if (head !== undefined && head !== null) {
    const removed = Date.parse(head.at) <= watermarkMs && head.segment > number;
    if (head.seq > lastSeq && !removed)
      tell('truncated', `The chain had come to record ${head.seq}, and ends at ${lastSeq}: its end was cut off.`, { seq: lastSeq });
    else if (headMark !== undefined && headMark !== head.last)
      tell('edited', `Record ${head.seq} is not the one that was written.`, { seq: head.seq });
  }
  if (records > 0 && !finished) notes.push(`${chain}: ends without a closing line: its process runs, or was killed.`);
  return { records, problems, notes, last, anchors };
};
