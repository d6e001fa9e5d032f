import type { App } from '../../core/app.ts';
import { lossHints } from '../../core/executions/lost-output.ts';
import { streamView } from '../../core/executions/view.ts';
import { openView } from '../../core/output/view.ts';
import type { LogRef } from '../../ports/logs.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { createStandardSinks, isBrokenPipe } from './fd-sink.ts';
import { openGuest } from './guest.ts';
import { withApp } from './invoke.ts';
import { createLineCopier } from './logs-lines.ts';
import { checkLogsOptions, type LogsOptions, type LogsRequest, readLogsRequest } from './logs-request.ts';
import { tailPositions } from './logs-tail.ts';
import { findExecution } from './names.ts';
import { copyUntilEnd, createOutputCopier, type Positions } from './output-copier.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';

const PAGE_BYTES = 1024 * 1024;
const PAGE_MATCHES = 1_000;

const refOf = ({ sandbox, id }: ExecutionRecord): LogRef => ({ sandbox, execution: id });

/** How long it runs already, whatever was done to the clock. */
const elapsedMs = ({ startedMs }: ExecutionRecord): number => Math.max(0, Date.now() - startedMs);

/** Lines that match, page by page. */
const printMatches = async (
  app: App,
  record: ExecutionRecord,
  request: LogsRequest,
  pattern: string,
  signal: AbortSignal,
): Promise<void> => {
  const { stdout: out } = createStandardSinks();
  const { stream, sinceMs, untilMs, stamp, codec, encoding, raw, json, lines } = request;
  const grep = { pattern, context: 0, ignoreCase: false, max: PAGE_MATCHES };
  const range = lines === undefined ? {} : { tail: lines };
  for (let cursor: string | undefined; ;) {
    const shown = await app.presenter.page(
      refOf(record),
      { stream, cursor, sinceMs, untilMs, stamp, codec, encoding, raw, grep, limitBytes: PAGE_BYTES, ...(cursor === undefined && range) },
      signal,
    );
    const { text, matches, nextCursor } = shown;
    if (json) {
      const name = stream === 'both' ? 'output' : stream;
      await out(Buffer.from(`${JSON.stringify({ execution_id: record.id, [name]: { ...streamView(shown), matches } })}\n`));
    } else if (text !== '') await out(Buffer.from(text.endsWith('\n') ? text : `${text}\n`));
    if (nextCursor === undefined || nextCursor === cursor) return;
    cursor = nextCursor;
  }
};

/** From where to where each stream is wanted. */
const rangeOf = async (
  app: App,
  record: ExecutionRecord,
  request: LogsRequest,
  sizes: Positions,
): Promise<{ from: Positions; to: Positions }> => {
  const { stream, streams, sinceMs, untilMs, codec, lines } = request;
  const ref = refOf(record);
  let from: Positions = { stdout: 0, stderr: 0 };
  let to = sizes;
  if (sinceMs !== undefined || untilMs !== undefined) {
    const view = await openView(app.logs, ref, { stream, start: from, sinceMs, untilMs, codec });
    const edge = (name: 'stdout' | 'stderr') => {
      const own = view.segments.filter((segment) => segment.stream === name);
      const [first, last] = [own[0], own.at(-1)];
      return first === undefined || last === undefined
        ? { from: sizes[name], to: sizes[name] }
        : { from: first.offset, to: last.offset + last.length };
    };
    const [stdout, stderr] = [edge('stdout'), edge('stderr')];
    from = { stdout: stdout.from, stderr: stderr.from };
    to = { stdout: stdout.to, stderr: stderr.to };
  }
  if (lines === undefined) return { from, to };
  const tail = await tailPositions(app.logs, ref, streams, to, lines);
  return { from: { stdout: Math.max(from.stdout, tail.stdout), stderr: Math.max(from.stderr, tail.stderr) }, to };
};

/** As it was printed, stdout to stdout and stderr to stderr; line by line where lines are to be changed. */
const printOutput = async (app: App, record: ExecutionRecord, request: LogsRequest, signal: AbortSignal): Promise<void> => {
  const { id, startedMs } = record;
  const { stream, streams, untilMs, follow } = request;
  const one = follow ? await app.executions.follow(id, signal) : undefined;
  const { stdoutBytes, stderrBytes } = await app.executions.look(id);
  const { from, to } = await rangeOf(app, record, request, { stdout: stdoutBytes, stderr: stderrBytes });
  const { stdout, stderr } = createStandardSinks();
  const isByLine = request.json || request.stamp !== undefined || request.codec !== undefined;
  const byLine = isByLine
    ? createLineCopier(app.logs, refOf(record), { ...request, startedMs }, { stdout, stderr }, from, () => elapsedMs(record))
    : undefined;
  // One stream alone is what was asked for, so it goes to standard output.
  const copier =
    byLine ?? createOutputCopier(app.logs, refOf(record), streams.length > 1 ? { stdout, stderr } : { [stream]: stdout }, from);
  await copier.copyTo(to);
  if (one !== undefined) {
    const left = untilMs === undefined ? undefined : Math.max(0, untilMs - elapsedMs(record));
    await copyUntilEnd(one, copier, left === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(left)]));
  }
  await byLine?.finish();
};

/** `corral logs`: what an execution printed; with --follow until it ends. Ends with 0 however the execution does. */
export const runLogs = async (context: CliContext, args: ServerArguments, given: string, options: LogsOptions): Promise<number> => {
  checkLogsOptions(options);
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'logs');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  try {
    await withApp(app, async () => {
      const id = await findExecution(app, given);
      const { record } = await app.executions.look(id);
      const request = await readLogsRequest(options, record);
      const { grep } = request;
      await (grep === undefined ? printOutput(app, record, request, stop.signal) : printMatches(app, record, request, grep, stop.signal));
      for (const hint of lossHints(await app.executions.look(id))) process.stderr.write(`corral: ${hint}\n`);
    });
  } catch (error) {
    if (isBrokenPipe(error)) return EXIT.brokenPipe;
    if (!stop.signal.aborted) throw error;
  }
  return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
};
