import type { LogStore } from '../../ports/logs.ts';
import type { StreamName } from '../../ports/sandbox.ts';
import type { Look } from '../executions/types.ts';

/** The beginning of one stream as text, at most `bytes` of it (4 MiB). */
export const wholeText = async (
  logs: LogStore,
  { record, exit, stdoutBytes, stderrBytes }: Look,
  stream: StreamName,
  bytes: number,
): Promise<string> => {
  const total = stream === 'stdout' ? stdoutBytes : stderrBytes;
  if (total === 0) return '';
  const inline = exit?.inline?.[stream];
  const data =
    inline?.length === total
      ? inline.subarray(0, bytes)
      : await logs.read({ sandbox: record.sandbox, execution: record.id }, stream, 0, Math.min(total, bytes));
  return Buffer.from(data).toString('utf8');
};
