import type { LogStore } from '../../ports/logs.ts';
import { render } from '../output/render.ts';
import type { Look } from './types.ts';

/** Read from the end of a stream: a line that is longer is cut in front. */
const READ_BYTES = 1024;
const SHOWN = 200;

/** Bytes that belong to a character which begins before the cut. */
const headOfCharacter = (bytes: Uint8Array): number => {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return start > 0 && start < 4 ? start : 0;
};

const lastOf = (text: string): string | undefined => {
  const line = text.trimEnd().split('\n').at(-1)?.trim();
  if (line === undefined || line === '') return undefined;
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
};

/** What an execution printed last, as one line for people; undefined when it printed nothing to be seen. */
export const lastLine = async (logs: LogStore, { record, stdoutBytes, stderrBytes }: Look): Promise<string | undefined> => {
  const ref = { sandbox: record.sandbox, execution: record.id };
  for (const [stream, bytes] of [
    ['stdout', stdoutBytes],
    ['stderr', stderrBytes],
  ] as const) {
    if (bytes === 0) continue;
    const end = await logs.read(ref, stream, Math.max(0, bytes - READ_BYTES), READ_BYTES);
    const line = lastOf(render(end.subarray(headOfCharacter(end))).text);
    if (line !== undefined) return line;
  }
  return undefined;
};
