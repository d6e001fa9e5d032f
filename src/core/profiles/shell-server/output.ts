import type { LogStore } from '../../../ports/logs.ts';
import type { StreamName } from '../../../ports/sandbox.ts';
import type { Look } from '../../executions/types.ts';
import type { Codec } from './encoding.ts';

/** Of one stream in one answer. All of it is kept; `corral logs` shows it. */
export const SHOWN_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

const readFront = async (
  logs: LogStore,
  { record, exit, stdoutBytes, stderrBytes }: Look,
  stream: StreamName,
): Promise<{ readonly bytes: Uint8Array; readonly total: number }> => {
  const total = stream === 'stdout' ? stdoutBytes : stderrBytes;
  const inline = exit?.inline?.[stream];
  if (inline?.length === total) return { bytes: inline, total };
  return {
    bytes: total === 0 ? new Uint8Array() : await logs.read({ sandbox: record.sandbox, execution: record.id }, stream, 0, SHOWN_BYTES),
    total,
  };
};

const block = (stream: StreamName, text: string, note = ''): string => `---\n${stream}:${note}\n---\n${text}\n`;

/** One stream as the original shows it; none when it is empty. `limitLines`: at most so many lines, 0 = all that fit. */
const streamBlock = async (
  logs: LogStore,
  look: Look,
  stream: StreamName,
  codec: Codec,
  limitLines: number,
): Promise<readonly string[]> => {
  const { bytes, total } = await readFront(logs, look, stream);
  const whole = bytes.length >= total;
  const lastLine = codec.unit === 1 ? bytes.lastIndexOf(NEWLINE) : -1;
  const text = codec.decode(whole || lastLine < 0 ? bytes : bytes.subarray(0, lastLine)).trim();
  if (text === '') return [];
  const lines = text.split('\n');
  const shown = limitLines > 0 ? lines.slice(0, limitLines) : lines;
  if (whole && shown.length === lines.length) return [block(stream, text)];
  const newlines = look.exit?.[stream].newlines ?? look.record[stream]?.newlines;
  const all = whole || newlines === undefined ? lines.length : Math.max(newlines, lines.length);
  const counts = [String(shown.length), String(all)] as const;
  return [
    block(
      stream,
      `${shown.join('\n')}\n... (output truncated, showing ${counts[0]} of ${counts[1]} lines)`,
      ` (truncated, ${counts[0]}/${counts[1]} lines shown)`,
    ),
  ];
};

export const outputBlocks = async (logs: LogStore, look: Look, codec: Codec, limitLines: number): Promise<readonly string[]> =>
  (await Promise.all((['stdout', 'stderr'] as const).map((stream) => streamBlock(logs, look, stream, codec, limitLines)))).flat();
