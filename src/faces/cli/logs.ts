import type { App } from '../../core/app.ts';
import { CorralError } from '../../ports/errors.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { createStandardSinks, isBrokenPipe } from './fd-sink.ts';
import { openGuest } from './guest.ts';
import { callOperation, numberOption, withApp } from './invoke.ts';
import { tailPositions } from './logs-tail.ts';
import { findExecution } from './names.ts';
import { copyUntilEnd, createOutputCopier } from './output-copier.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';

export interface LogsOptions {
  readonly follow?: boolean;
  readonly stream: string;
  readonly tail?: string;
  readonly grep?: string;
  readonly json?: boolean;
}

const PAGE_BYTES = 1024 * 1024;

const STREAMS: Readonly<Record<string, readonly StreamName[]>> = { stdout: ['stdout'], stderr: ['stderr'], both: ['stdout', 'stderr'] };

const streamsOf = (name: string): readonly StreamName[] => {
  const streams = STREAMS[name];
  if (streams === undefined)
    throw new CorralError('invalid_input', `--stream: there is no stream "${name}".`, { hint: 'Use stdout, stderr or both.' });
  return streams;
};

interface Page {
  readonly text: string;
  readonly next_cursor?: string;
}

/** Lines that match, page by page. */
const printMatches = async (app: App, id: string, options: LogsOptions, signal: AbortSignal): Promise<void> => {
  const { stdout: out } = createStandardSinks();
  const tail = numberOption('--tail', options.tail);
  const stream = options.stream;
  for (let cursor: string | undefined; ;) {
    const answer = await callOperation(
      app,
      'output.read',
      {
        execution_id: id,
        stream,
        grep: { pattern: options.grep, max: 1000 },
        limit_bytes: PAGE_BYTES,
        ...(cursor === undefined ? tail !== undefined && { tail } : { cursor }),
      },
      signal,
    );
    const page = answer[stream === 'both' ? 'output' : stream] as Page;
    if (options.json === true) await out(Buffer.from(`${JSON.stringify(answer)}\n`));
    else if (page.text !== '') await out(Buffer.from(page.text.endsWith('\n') ? page.text : `${page.text}\n`));
    if (page.next_cursor === undefined || page.next_cursor === cursor) return;
    cursor = page.next_cursor;
  }
};

/** The bytes as they were printed, stdout to stdout and stderr to stderr. */
const printBytes = async (app: App, id: string, options: LogsOptions, signal: AbortSignal): Promise<void> => {
  const streams = streamsOf(options.stream);
  const lines = numberOption('--tail', options.tail);
  const one = options.follow === true ? await app.executions.follow(id, signal) : undefined;
  const { record, stdoutBytes, stderrBytes } = await app.executions.look(id);
  const ref = { sandbox: record.sandbox, execution: id };
  const sizes = { stdout: stdoutBytes, stderr: stderrBytes };
  const from = lines === undefined ? { stdout: 0, stderr: 0 } : await tailPositions(app.logs, ref, streams, sizes, lines);
  const { stdout, stderr } = createStandardSinks();
  // One stream alone is what was asked for, so it goes to standard output.
  const sinks = streams.length > 1 ? { stdout, stderr } : { [options.stream]: stdout };
  const copier = createOutputCopier(app.logs, ref, sinks, from);
  await copier.copyTo(sizes);
  if (one !== undefined) await copyUntilEnd(one, copier, signal);
};

/** `corral logs`: what an execution printed; with --follow until it ends. */
export const runLogs = async (context: CliContext, args: ServerArguments, given: string, options: LogsOptions): Promise<number> => {
  streamsOf(options.stream);
  if (options.grep !== undefined && options.follow === true)
    throw new CorralError('invalid_input', '--grep looks at what is there; it does not follow.', {
      hint: 'Use: corral logs -f ID | grep --line-buffered REGEX',
    });
  if (options.json === true && options.grep === undefined)
    throw new CorralError('invalid_input', '--json goes with --grep.', { hint: 'Without --grep the bytes are printed as they are.' });
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'logs');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  try {
    await withApp(app, async () => {
      const id = await findExecution(app, given);
      await (options.grep === undefined ? printBytes(app, id, options, stop.signal) : printMatches(app, id, options, stop.signal));
    });
  } catch (error) {
    if (isBrokenPipe(error)) return EXIT.brokenPipe;
    if (!stop.signal.aborted) throw error;
  }
  return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
};
