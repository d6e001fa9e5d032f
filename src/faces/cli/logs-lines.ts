import { endsLine, lineStarts, newlineOf } from '../../core/output/line-edges.ts';
import { createLogClock } from '../../core/output/log-clock.ts';
import { render } from '../../core/output/render.ts';
import { formatTime } from '../../lib/strftime.ts';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Sink } from './fd-sink.ts';
import type { LogsRequest } from './logs-request.ts';
import type { OutputCopier, Positions } from './output-copier.ts';

/** Output line by line, for stamps, other encodings and JSON. */

const CHUNK_BYTES = 256 * 1024;
/** A longer line is shown in pieces. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface LineSinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

interface Rest {
  bytes: Uint8Array;
  /** Where it begins in its stream. */
  offset: number;
  /** When its first byte was seen, if nobody wrote down when it came. */
  seenMs: number | undefined;
}

export interface LineCopier extends OutputCopier {
  /** Shows the line that has no end. */
  finish(): Promise<void>;
}

/** Shows lines in the order of their arrival, each when it is whole. `elapsed`: ms since the start, for what came just now. */
export const createLineCopier = (
  logs: LogStore,
  ref: LogRef,
  request: LogsRequest & { readonly startedMs: number },
  sinks: LineSinks,
  from: Positions,
  elapsed: () => number,
): LineCopier => {
  const { codec, stamp, raw, json, startedMs, streams } = request;
  const newline = newlineOf(codec);
  const restAt = (offset: number): Rest => ({ bytes: new Uint8Array(), offset, seenMs: undefined });
  const rests: Record<StreamName, Rest> = { stdout: restAt(from.stdout), stderr: restAt(from.stderr) };
  let isFirst = true;

  const write = async (stream: StreamName, line: Uint8Array, ms: number): Promise<void> => {
    const at = new Date(startedMs + ms);
    const whole = endsLine(line, newline) ? line.subarray(0, -newline.length) : line;
    const { text } = render(whole, raw, codec);
    const shown = json
      ? JSON.stringify({ time: at.toISOString(), stream, text })
      : `${stamp === undefined ? '' : formatTime(stamp.format, at, stamp.zone)}${text}`;
    await (json || streams.length === 1 ? sinks.stdout : sinks[stream])(Buffer.from(`${shown}\n`));
  };

  /** Gives the whole lines of what is there, and keeps the rest. */
  const cut = async (stream: StreamName, timeOf: (offset: number) => number | undefined, all: boolean): Promise<void> => {
    const rest = rests[stream];
    const { bytes, offset } = rest;
    const starts = lineStarts(bytes, newline, offset);
    for (const [index, start] of starts.entries()) {
      const end = starts[index + 1] ?? bytes.length;
      const line = bytes.subarray(start, end);
      if (!all && !endsLine(line, newline) && line.length < MAX_LINE_BYTES) {
        rests[stream] = { bytes: Uint8Array.from(line), offset: offset + start, seenMs: index === 0 ? rest.seenMs : undefined };
        return;
      }
      await write(stream, line, timeOf(offset + start) ?? (index === 0 ? rest.seenMs : undefined) ?? elapsed());
    }
    rests[stream] = restAt(offset + bytes.length);
  };

  const readTo = async (stream: StreamName, end: number, timeOf: (offset: number) => number | undefined): Promise<void> => {
    for (;;) {
      const rest = rests[stream];
      const at = rest.offset + rest.bytes.length;
      if (at >= end) return;
      const data = await logs.read(ref, stream, at, Math.min(CHUNK_BYTES, end - at));
      if (data.length === 0) return; // told of, but cut or forgotten meanwhile
      rests[stream] = { ...rest, bytes: Buffer.concat([rest.bytes, data]), seenMs: rest.bytes.length > 0 ? rest.seenMs : elapsed() };
      await cut(stream, timeOf, false);
    }
  };

  const clockNow = async () => {
    const runs = await logs.order(ref);
    const clock = createLogClock(runs, isFirst ? elapsed() : Infinity);
    // What was there before we looked, and has no index, is from the start.
    const timeOf = (stream: StreamName) => (offset: number) =>
      isFirst || offset < clock.recorded(stream) ? clock.at(stream, offset) : undefined;
    return { runs, timeOf };
  };

  return {
    copyTo: async (sizes) => {
      const { runs, timeOf } = await clockNow();
      const told: Record<StreamName, number> = { stdout: 0, stderr: 0 };
      for (const run of runs) {
        told[run.stream] += run.bytes;
        if (streams.includes(run.stream)) await readTo(run.stream, Math.min(told[run.stream], sizes[run.stream]), timeOf(run.stream));
      }
      for (const stream of streams) await readTo(stream, sizes[stream], timeOf(stream));
      isFirst = false;
    },
    finish: async () => {
      const { timeOf } = await clockNow();
      for (const stream of streams) await cut(stream, timeOf(stream), true);
    },
  };
};
