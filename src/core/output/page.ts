import type { LogRef, LogStore } from '../../ports/logs.ts';
import { formatCursor, type Offsets, parseCursor } from './cursor.ts';
import { type Behind, cutBack, cutFront } from './cut.ts';
import type { PageRequest, Shown } from './presenter.ts';
import { render } from './render.ts';
import type { SearchOptions } from './search-call.ts';
import type { FoundLine, SearchSource } from './search-protocol.ts';
import type { Searcher } from './searcher.ts';
import { offsetsAfter, openView, readView, type View } from './view.ts';

/** One page of kept output. Bounded by `limitBytes`, whatever the size of the output. */

const MAX_PAGE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

interface Context {
  readonly logs: LogStore;
  readonly searcher: Searcher;
  readonly ref: LogRef;
  readonly request: PageRequest;
  readonly start: Offsets;
  readonly view: View;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

const totalBytes = ({ request, view }: Context): number =>
  request.stream === 'both' ? view.sizes.stdout + view.sizes.stderr : view.sizes[request.stream];

/** The cursor after `count` bytes of the view; none when nothing is, or will be, behind it. */
const cursorAfter = ({ request, view, start }: Context, count: number): { readonly nextCursor?: string } =>
  count < view.length || request.growing === true ? { nextCursor: formatCursor(request.stream, offsetsAfter(view, count, start)) } : {};

const showing = (context: Context, bytes: Uint8Array): Pick<Shown, 'text' | 'bytes' | 'binary'> => {
  const { text, binary } = render(bytes, context.request.raw);
  return { text, bytes: totalBytes(context), ...(binary && { binary }) };
};

const behindOf = ({ request, view }: Context, end: number): Behind =>
  end < view.length ? 'more' : request.growing === true ? 'growing' : 'nothing';

/** Bytes `from` to `to` of the view, or as many of them as a page holds. */
const readOn = async (context: Context, from: number, to: number): Promise<Shown> => {
  const { logs, ref, view, limit } = context;
  const bytes = await readView(logs, ref, view, from, Math.min(to - from, limit));
  // What was asked for ends with a line or with the view; what the page cannot hold is cut.
  const end = from + bytes.length;
  const count = cutFront(bytes, limit, end === to && to < view.length ? 'nothing' : behindOf(context, end));
  return {
    ...showing(context, bytes.subarray(0, count)),
    ...(from + count < to && { truncated: true }),
    ...cursorAfter(context, from + count),
  };
};

/** Where the last `lines` lines begin; undefined when they begin before these bytes. */
const lastLines = (bytes: Uint8Array, lines: number): number | undefined => {
  let at = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  for (let left = lines; left > 0; left -= 1) {
    at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1);
    if (at === -1) return undefined;
  }
  return at + 1;
};

const readTail = async (context: Context, lines: number): Promise<Shown> => {
  const { logs, ref, view, limit } = context;
  const from = Math.max(0, view.length - limit);
  const bytes = await readView(logs, ref, view, from, limit);
  const wanted = lastLines(bytes, lines);
  const window = bytes.subarray(wanted ?? 0);
  const begins = wanted !== undefined || from === 0;
  const left = cutBack(window, limit, begins);
  const cut = left > 0 || !begins;
  return { ...showing(context, window.subarray(left)), ...(cut && { truncated: true }), ...cursorAfter(context, view.length) };
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

/** As grep -n writes them: `12:` before a match, `11-` before context, `--` between what does not belong together. */
const formatLines = (lines: readonly FoundLine[], context: number): string =>
  lines
    .map(({ line, text, match }, index) => {
      const last = lines[index - 1]?.line;
      return `${context > 0 && last !== undefined && line > last + 1 ? '--\n' : ''}${line}${match ? ':' : '-'}${text}\n`;
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
    { kind: 'grep', source: await sourceOf(context), ...grep, raw: request.raw, maxBytes: limit, firstLine: await firstLineOf(context) },
    searchOptions(context),
  );
  return {
    text: formatLines(found.lines, grep.context),
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
  const context: Context = { logs, searcher, ref, request, start, view, limit, signal };
  if (request.grep !== undefined) return await readMatches(context, request.grep);
  if (request.lines !== undefined) return await readLines(context, request.lines.from, request.lines.to);
  if (request.tail !== undefined) return await readTail(context, request.tail);
  return await readOn(context, 0, view.length);
};
