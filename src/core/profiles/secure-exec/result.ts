import { leadingContinuation, unfinishedLength } from '../../../lib/utf8.ts';
import type { LogStore } from '../../../ports/logs.ts';
import type { StreamName } from '../../../ports/sandbox.ts';
import type { Look } from '../../executions/types.ts';

/** Shown of each end of a stream that is longer than both together, in bytes. */
const END_BYTES = 256 * 1024;

/** What is no UTF-8 becomes U+FFFD. */
const lossy = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** A stream as text: all of it, or its two ends and how much lies between them. */
const streamText = async (logs: LogStore, look: Look, stream: StreamName): Promise<string> => {
  const inline = look.exit?.inline?.[stream];
  if (inline !== undefined) return lossy(inline);
  const size = stream === 'stdout' ? look.stdoutBytes : look.stderrBytes;
  const ref = { sandbox: look.record.sandbox, execution: look.record.id };
  if (size <= 2 * END_BYTES) return lossy(await logs.read(ref, stream, 0, size));
  const [first, last] = await Promise.all([logs.read(ref, stream, 0, END_BYTES), logs.read(ref, stream, size - END_BYTES, END_BYTES)]);
  const head = first.subarray(0, first.length - unfinishedLength(first));
  const tail = last.subarray(leadingContinuation(last));
  const omitted = size - head.length - tail.length;
  return `${lossy(head)}\n[... ${String(omitted)} bytes left out; all of it: corral logs ${look.record.id} ...]\n${lossy(tail)}`;
};

/** The answer to a call whose program ran to its end, however that was. */
export const resultText = async (logs: LogStore, look: Look, template: string): Promise<string> => {
  const { outcome } = look.record;
  const succeeded = outcome?.kind === 'exited' && outcome.code === 0;
  const [stdout, stderr] = await Promise.all([streamText(logs, look, 'stdout'), streamText(logs, look, 'stderr')]);
  const shown = (text: string): string => (text === '' ? '(empty)' : text);
  return `[${succeeded ? '+' : '-'}] ${template}\nSTDOUT:\n${shown(stdout)}\nSTDERR:\n${shown(stderr)}`;
};
