import type { Codec } from './codec.ts';
import type { LogRef, LogStore } from '../../ports/logs.ts';
import { formatCursor, type Offsets, parseCursor } from './cursor.ts';
import { type Behind, cutBack, cutFront } from './cut.ts';
import { cutBackEncoded, cutFrontEncoded } from './cut-encoded.ts';
import { lineStarts, newlineOf } from './line-edges.ts';
import { allOf, pageOf, type Part, windowOf } from './parts.ts';
import type { PageRequest, Shown } from './presenter.ts';
import { render } from './render.ts';
import type { SearchOptions } from './search-call.ts';
import type { FoundLine, SearchSource } from './search-protocol.ts';
import type { Searcher } from './searcher.ts';
import { createStamper, excessLines, fittingLines, stampLines, type Stamper } from './stamped.ts';
import { offsetsAfter, openView, readView, slice, type View } from './view.ts';

/** One page of kept output. Bounded by `limitBytes`, whatever the size of the output. */

const MAX_PAGE_BYTES = 1024 * 1024;

interface Context {
  readonly logs: LogStore;
  readonly searcher: Searcher;
  readonly ref: LogRef;
  readonly request: PageRequest;
  readonly start: Offsets;
  readonly view: View;
  readonly limit: number;
  readonly newline: Uint8Array;
  readonly stamper: Stamper | undefined;
  readonly signal: AbortSignal | undefined;
}

const totalBytes = ({ request, view }: Context): number =>
  request.stream === 'both' ? view.sizes.stdout + view.sizes.stderr : view.sizes[request.stream];

/** The cursor after `count` bytes of the view; none when nothing is, or will be, behind it. */
const cursorAfter = ({ request, view, start }: Context, count: number): { readonly nextCursor?: string } =>
  count < view.length || request.growing === true ? { nextCursor: formatCursor(request.stream, offsetsAfter(view, count, start)) } : {};

/** What was printed just before this position of the view, in the same stream; empty at its beginning. */
const bytesBefore = async ({ logs, ref, view, newline }: Context, position: number): Promise<Uint8Array> => {
  const [segment] = slice(view.segments, position, 1);
  const length = Math.min(segment?.offset ?? 0, newline.length);
  return segment === undefined || length === 0 ? new Uint8Array() : logs.read(ref, segment.stream, segment.offset - length, length);
};

/** Bytes of the view from this position on, as text. */
const showing = async (context: Context, bytes: Uint8Array, from: number): Promise<Pick<Shown, 'text' | 'bytes' | 'binary'>> => {
  const { request, newline, stamper } = context;
  const { raw, codec } = request;
  const { text, binary } = render(bytes, raw, codec);
  const shown =
    stamper === undefined
      ? text
      : stampLines(bytes, newline, stamper, from, await bytesBefore(context, from), (line) => render(line, raw, codec).text);
  return { text: shown, bytes: totalBytes(context), ...(binary && { binary }) };
};

/** What repeats is told once, unless each line is to be seen: raw, with its time, or by number (which never comes here). */
const condenses = ({ request, stamper }: Context): boolean => !request.raw && stamper === undefined && request.codec === undefined;

const showingCondensed = (context: Context, { text, folded, binary }: Part): Pick<Shown, 'text' | 'bytes' | 'binary' | 'folded'> => ({
  text,
  bytes: totalBytes(context),
  ...(binary && { binary }),
  ...(folded > 0 && { folded }),
});

const behindOf = ({ request, view }: Context, end: number): Behind =>
  end < view.length ? 'more' : request.growing === true ? 'growing' : 'nothing';

/** How many of these bytes a page shows. */
const frontOf = ({ request, limit, newline, stamper }: Context, bytes: Uint8Array, behind: Behind): number => {
  const { codec } = request;
  const count = codec === undefined ? cutFront(bytes, limit, behind) : cutFrontEncoded(bytes, limit, behind, codec, newline);
  if (stamper === undefined) return count;
  const fitting = fittingLines(bytes.subarray(0, count), newline, stamper, limit);
  return fitting === count ? count : (codec === undefined ? cutFront : cutEncoded(codec, newline))(bytes, fitting, 'more');
};

const cutEncoded =
  (codec: Codec, newline: Uint8Array) =>
  (bytes: Uint8Array, limit: number, behind: Behind): number =>
    cutFrontEncoded(bytes, limit, behind, codec, newline);

/** Bytes `from` to `to` of the view, or as many of them as a page holds. */
const readOn = async (context: Context, from: number, to: number): Promise<Shown> => {
  const { logs, ref, view, limit } = context;
  const bytes = await readView(logs, ref, view, from, Math.min(to - from, limit));
  // What was asked for ends with a line or with the view; what the page cannot hold is cut.
  const end = from + bytes.length;
  const count = bytes.length === 0 ? 0 : frontOf(context, bytes, end === to && to < view.length ? 'nothing' : behindOf(context, end));
  return {
    ...(await showing(context, bytes.subarray(0, count), from)),
    ...(from + count < to && { truncated: true }),
    ...cursorAfter(context, from + count),
  };
};

/** The view from its beginning, as much as a page holds when it is condensed. */
const readCondensed = async (context: Context): Promise<Shown> => {
  const { logs, ref, view, limit } = context;
  const bytes = await readView(logs, ref, view, 0, Math.min(view.length, windowOf(limit)));
  const part = await pageOf(bytes, limit, behindOf(context, bytes.length));
  return {
    ...showingCondensed(context, part),
    ...(part.bytes < view.length && { truncated: true }),
    ...cursorAfter(context, part.bytes),
  };
};

/** Where the last `lines` lines begin; undefined when they begin before these bytes. */
const lastLines = (bytes: Uint8Array, newline: Uint8Array, lines: number): number | undefined => {
  const starts = lineStarts(bytes, newline);
  return starts.length > lines ? starts.at(-lines) : undefined;
};

const readTail = async (context: Context, lines: number): Promise<Shown> => {
  const { logs, ref, view, limit, newline, stamper, request } = context;
  const { codec } = request;
  const over = Math.max(0, view.length - limit);
  const from = over + (over % (codec?.unit ?? 1));
  const bytes = await readView(logs, ref, view, from, limit);
  const wanted = lastLines(bytes, newline, lines);
  const window = bytes.subarray(wanted ?? 0);
  const begins = wanted !== undefined || from === 0;
  const cut = codec === undefined ? cutBack(window, limit, begins) : cutBackEncoded(window, limit, begins, codec, newline);
  const left = cut + (stamper === undefined ? 0 : excessLines(window.subarray(cut), newline, stamper, limit));
  const kept = window.subarray(left);
  const shown = condenses(context)
    ? showingCondensed(context, await allOf(kept))
    : await showing(context, kept, from + (wanted ?? 0) + left);
  return { ...shown, ...((left > 0 || !begins) && { truncated: true }), ...cursorAfter(context, view.length) };
};

const FILES = ['stdout', 'stderr'] as const;

/** The view as the search thread reads it. */
const sourceOf = async ({ logs, ref, view }: Context): Promise<SearchSource> => ({
  paths: await Promise.all(FILES.map((stream) => logs.path(ref, stream))),
  segments: Float64Array.from(view.segments.flatMap(({ stream, offset, length }) => [FILES.indexOf(stream), offset, length])),
});

const searchOptions = ({ logs, ref, signal }: Context): SearchOptions => ({
  signal,
  read: (index, offset, length) => logs.read(ref, FILES[index] ?? 'stdout', offset, length),
});

const readLines = async (context: Context, from: number, to: number): Promise<Shown> => {
  const { start, end, total } = await context.searcher.search(
    { kind: 'locate', source: await sourceOf(context), from, to },
    searchOptions(context),
  );
  const shown = await readOn(context, start, end);
  return { ...shown, ...(total !== undefined && { lines: total }) };
};

/** As grep -n writes them: `12:` before a match, `11-` before context, `--` between what does not belong together; a stamp in front. */
const formatLines = (lines: readonly FoundLine[], context: number, stamper: Stamper | undefined): string =>
  lines
    .map(({ line, start, text, match }, index) => {
      const last = lines[index - 1]?.line;
      const between = context > 0 && last !== undefined && line > last + 1 ? '--\n' : '';
      return `${between}${stamper?.at(start) ?? ''}${line}${match ? ':' : '-'}${text}\n`;
    })
    .join('');

/** Number of the line with which the view begins, in the whole output. */
const firstLineOf = async (context: Context): Promise<number> => {
  const { request, start, view, searcher } = context;
  const streams = request.stream === 'both' ? FILES : [request.stream];
  const skipped = streams.map((stream) => {
    const first = view.segments.find((segment) => segment.stream === stream);
    return { stream, offset: 0, length: first?.offset ?? Math.min(start[stream], view.sizes[stream]) };
  });
  if (skipped.every(({ length }) => length === 0)) return 1;
  const source = await sourceOf({ ...context, view: { ...view, segments: skipped } });
  return (await searcher.search({ kind: 'locate', source, from: 1, to: Infinity }, searchOptions(context))).newlines + 1;
};

const readMatches = async (context: Context, grep: NonNullable<PageRequest['grep']>): Promise<Shown> => {
  const { request, limit } = context;
  const found = await context.searcher.search(
    {
      kind: 'grep',
      source: await sourceOf(context),
      ...grep,
      raw: request.raw,
      encoding: request.encoding,
      maxBytes: limit,
      firstLine: await firstLineOf(context),
    },
    searchOptions(context),
  );
  return {
    text: formatLines(found.lines, grep.context, context.stamper),
    bytes: totalBytes(context),
    matches: found.matches,
    ...(found.more && { truncated: true }),
    ...(found.more ? cursorAfter(context, found.end) : request.growing === true && cursorAfter(context, context.view.length)),
  };
};

export const readPage = async (
  logs: LogStore,
  searcher: Searcher,
  ref: LogRef,
  request: PageRequest,
  signal?: AbortSignal,
): Promise<Shown> => {
  const start = parseCursor(request.cursor, request.stream);
  const view = await openView(logs, ref, { ...request, start });
  const limit = Math.min(request.limitBytes, MAX_PAGE_BYTES);
  const newline = newlineOf(request.codec);
  const stamper = request.stamp && createStamper(view, request.stamp);
  const context: Context = { logs, searcher, ref, request, start, view, limit, newline, stamper, signal };
  if (request.grep !== undefined) return await readMatches(context, request.grep);
  if (request.lines !== undefined) return await readLines(context, request.lines.from, request.lines.to);
  if (request.tail !== undefined) return await readTail(context, request.tail);
  return condenses(context) ? await readCondensed(context) : await readOn(context, 0, view.length);
};
