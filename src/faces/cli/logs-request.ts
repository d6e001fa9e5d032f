import { codecNamed, requireByteLines } from '../../core/output/encoding.ts';
import type { Stamp } from '../../core/output/presenter.ts';
import { stampOf, timeBounds } from '../../core/output/times.ts';
import type { Codec } from '../../core/output/codec.ts';
import { CorralError } from '../../ports/errors.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import { numberOption } from './invoke.ts';

export interface LogsOptions {
  readonly follow?: boolean;
  readonly stream: string;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
  readonly timeFormat?: string;
  readonly grep?: string;
  readonly encoding?: string;
  readonly raw?: boolean;
  readonly json?: boolean;
}

/** What the options ask for, of one execution. */
export interface LogsRequest {
  readonly stream: 'stdout' | 'stderr' | 'both';
  readonly streams: readonly StreamName[];
  readonly follow: boolean;
  readonly lines: number | undefined;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly stamp: Stamp | undefined;
  readonly codec: Codec | undefined;
  readonly encoding: string | undefined;
  readonly raw: boolean;
  readonly json: boolean;
  readonly grep: string | undefined;
}

const streamOf = ({ stream, stdout, stderr }: LogsOptions): LogsRequest['stream'] => {
  if (stdout === true || stderr === true) return stdout === stderr ? 'both' : stdout === true ? 'stdout' : 'stderr';
  if (stream === 'stdout' || stream === 'stderr' || stream === 'both') return stream;
  throw new CorralError('invalid_input', `--stream: there is no stream "${stream}".`, { hint: 'Use stdout, stderr or both.' });
};

/** What can be refused without looking at the execution. Throws `invalid_input`. */
export const checkLogsOptions = (options: LogsOptions): void => {
  streamOf(options);
  numberOption('--tail', options.tail);
  if (options.grep !== undefined && options.follow === true)
    throw new CorralError('invalid_input', '--grep looks at what is there; it does not follow.', {
      hint: 'Use: corral logs -f ID | grep --line-buffered REGEX',
    });
};

/** Times without a zone are local, as people write them, and stamps show the zone. Throws `invalid_input`. */
export const readLogsRequest = async (options: LogsOptions, record: ExecutionRecord): Promise<LogsRequest> => {
  const stream = streamOf(options);
  const { startedMs } = record;
  const { since, until } = options;
  const codec = await codecNamed(options.encoding);
  if (options.grep !== undefined) requireByteLines(codec, options.encoding, '--grep');
  return {
    stream,
    streams: stream === 'both' ? ['stdout', 'stderr'] : [stream],
    follow: options.follow === true && record.status === 'running',
    lines: numberOption('--tail', options.tail),
    ...timeBounds({ since, until, startedMs, zone: 'local', now: Date.now() }),
    stamp: stampOf(options.timeFormat ?? options.timestamps, startedMs, 'local'),
    codec,
    encoding: options.encoding,
    raw: options.raw === true,
    json: options.json === true,
    grep: options.grep,
  };
};
