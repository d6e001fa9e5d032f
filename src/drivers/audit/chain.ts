import type { KeyObject } from 'node:crypto';
import type { AuditEvent } from '../../ports/audit.ts';
import { chainStart, formatLine, keyName, MAX_LINE_BYTES } from './line.ts';
import type { Head } from './seal.ts';

export interface QueuedLine {
  readonly line: string;
  /** Where the chain stands when this line is written. */
  readonly head: Head;
}

/** Binds event to event: turns each into a line of the segment that is to hold it. Pure but for the clock. */
export interface Chain {
  /** The lines for an event: its own, and those that end one segment and begin the next. */
  add(event: AuditEvent): readonly QueuedLine[];
  /** Ends the segment and goes on in a new one. */
  turn(): readonly QueuedLine[];
  /** The line that says that this was all. */
  finish(): readonly QueuedLine[];
}

export interface ChainOptions {
  readonly name: string;
  readonly key: KeyObject;
  /** A segment that has reached this many bytes is ended. */
  readonly segmentBytes: number;
  readonly now: () => number;
}

/** The event with what is large in it left out: no line may be longer than a reader reads. */
const shortened = (event: AuditEvent, bytes: number): AuditEvent => {
  const { input: _input, argv: _argv, excerpt: _excerpt, log: _log, ...rest } = event;
  return { ...rest, message: `${(event.message ?? '').slice(0, 256)} (left out: ${bytes} bytes)`.trim() };
};

export const createChain = ({ name, key, segmentBytes, now }: ChainOptions): Chain => {
  let prev = chainStart(key, name);
  let seq = 0;
  let segment = 0;
  let used = 0;
  let at = '';

  /** Formats once where it can: only a line that may be too long is measured. */
  const fitting = (event: AuditEvent): ReturnType<typeof formatLine> => {
    const whole = formatLine(key, seq, at, prev, event);
    if (whole.line.length <= MAX_LINE_BYTES / 12) return whole;
    const bytes = Buffer.byteLength(JSON.stringify(event));
    return bytes > MAX_LINE_BYTES / 4 ? formatLine(key, seq, at, prev, shortened(event, bytes)) : whole;
  };

  const put = (event: AuditEvent, lines: QueuedLine[]): void => {
    seq += 1;
    at = new Date(now()).toISOString();
    const { line, mac } = fitting(event);
    prev = mac;
    used += line.length;
    lines.push({ line, head: { chain: name, segment, seq, last: mac, at } });
  };

  const begin = (lines: QueuedLine[]): void => {
    const before = at;
    segment += 1;
    used = 0;
    put(
      { kind: 'opened', log: { chain: name, segment, key: keyName(key), version: 1, pid: process.pid, ...(before !== '' && { before }) } },
      lines,
    );
  };

  const turn = (lines: QueuedLine[]): void => {
    if (segment > 0) put({ kind: 'closed', log: { next: segment + 1 } }, lines);
    begin(lines);
  };

  return {
    add(event) {
      const lines: QueuedLine[] = [];
      if (segment === 0 || used >= segmentBytes) turn(lines);
      put(event, lines);
      return lines;
    },
    turn() {
      const lines: QueuedLine[] = [];
      turn(lines);
      return lines;
    },
    finish() {
      const lines: QueuedLine[] = [];
      if (segment > 0) put({ kind: 'closed', log: {} }, lines);
      return lines;
    },
  };
};
