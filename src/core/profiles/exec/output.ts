import { constants } from 'node:os';
import { decode } from '../../../lib/utf8.ts';
import type { LogStore } from '../../../ports/logs.ts';
import type { Outcome, StreamName } from '../../../ports/sandbox.ts';
import type { Look } from '../../executions/types.ts';
import { hintsFor } from '../../executions/view.ts';
import type { OutputType } from './input.ts';
import { seconds } from './texts.ts';

/** Of one stream in one answer: its beginning and its end, half of this each. All of it is kept; `corral logs` shows it. */
export const SHOWN_BYTES = 1024 * 1024;

/** One stream as text; bytes that are no UTF-8 are shown as `\xHH`. */
export const streamText = async (logs: LogStore, look: Look, stream: StreamName): Promise<string> => {
  const { record, exit } = look;
  const total = stream === 'stdout' ? look.stdoutBytes : look.stderrBytes;
  if (total === 0) return '';
  const inline = exit?.inline?.[stream];
  if (inline?.length === total) return decode(inline).text;
  const ref = { sandbox: record.sandbox, execution: record.id };
  if (total <= SHOWN_BYTES) return decode(await logs.read(ref, stream, 0, total)).text;
  const half = SHOWN_BYTES / 2;
  const [head, tail] = await Promise.all([logs.read(ref, stream, 0, half), logs.read(ref, stream, total - half, half)]);
  return `${decode(head).text}\n... (${String(total - SHOWN_BYTES)} bytes left out; corral logs ${record.id} has them) ...\n${decode(tail).text}`;
};

export const isWanted = (wanted: OutputType, stream: StreamName): boolean => wanted === 'both' || wanted === stream;

const streamBlock = async (logs: LogStore, look: Look, wanted: OutputType, stream: StreamName): Promise<string> => {
  if (!isWanted(wanted, stream)) return '';
  const text = (await streamText(logs, look, stream)).replace(/[\r\n]+$/, '');
  return text === '' ? '' : `\n\n=== ${stream.toUpperCase()} ===\n${text}`;
};

export const streamBlocks = async (logs: LogStore, look: Look, wanted: OutputType): Promise<string> =>
  `${await streamBlock(logs, look, wanted, 'stdout')}${await streamBlock(logs, look, wanted, 'stderr')}`;

/** As the original's runtime counts: what a signal ended has its negative number, and so has what Corral ended. */
export const returnCode = ({ kind, code, signal }: Outcome): number => {
  if (kind === 'exited') return code ?? 0;
  return -(constants.signals[signal as NodeJS.Signals] ?? constants.signals.SIGKILL);
};

/** `timeText`: in the place of how long it took. */
export const endedText = async (logs: LogStore, look: Look, wanted: OutputType, timeText?: string): Promise<string> => {
  const { outcome, durationMs = 0 } = look.record;
  const code = outcome === undefined ? -constants.signals.SIGKILL : returnCode(outcome);
  const head = `Return code: ${String(code)}\nExecution time: ${timeText ?? seconds(durationMs, 2)} seconds\nStatus: ${code === 0 ? 'Success' : 'Failed'}`;
  // Whatever else ended it, Corral did, and says why.
  const why = outcome === undefined || outcome.kind === 'exited' || outcome.kind === 'signalled' ? [] : hintsFor(look.record);
  return `${head}${await streamBlocks(logs, look, wanted)}${why.map((hint) => `\n\n${hint}`).join('')}`;
};

export const runningText = async (logs: LogStore, look: Look, wanted: OutputType, session: string): Promise<string> =>
  `Command still running in background. Session ID: ${session}${await streamBlocks(logs, look, wanted)}`;
