import type { LogStore } from '../../ports/logs.ts';
import { render } from '../output/render.ts';

/** An execution, and how much it printed so far. */
export interface Printed {
  readonly record: { readonly id: string; readonly sandbox: string };
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** Read from the end of a stream: a line that is longer is cut in front. */
const READ_BYTES = 4096;
const SHOWN = 200;

/** Bytes that belong to a character which begins before the cut. */
const headOfCharacter = (bytes: Uint8Array): number => {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return start > 0 && start < 4 ? start : 0;
};

const lastOf = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? '';

/**
 * What an execution printed last, as one line for people, its end where it is long; empty when there is nothing to be seen. A line that is
 * not finished comes first: prompts are such, on stderr as a rule.
 */
export const lastLine = async (logs: LogStore, { record, stdoutBytes, stderrBytes }: Printed): Promise<string> => {
  const ref = { sandbox: record.sandbox, execution: record.id };
  const endOf = async (stream: 'stdout' | 'stderr', bytes: number): Promise<string> => {
    if (bytes === 0) return '';
    const end = await logs.read(ref, stream, Math.max(0, bytes - READ_BYTES), READ_BYTES);
    return render(end.subarray(headOfCharacter(end))).text;
  };
  const [stderr, stdout] = await Promise.all([endOf('stderr', stderrBytes), endOf('stdout', stdoutBytes)]);
  const unfinished = [stderr, stdout].find((text) => text !== '' && !text.endsWith('\n') && lastOf(text) !== '');
  const line = lastOf(unfinished ?? (lastOf(stdout) === '' ? stderr : stdout));
  return line.length <= SHOWN ? line : `…${line.slice(-SHOWN)}`;
};
