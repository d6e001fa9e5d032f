import { CorralError } from '../../ports/errors.ts';
import type { PageRequest } from './presenter.ts';

/** How far each stream has been read, in bytes. */
export interface Offsets {
  readonly stdout: number;
  readonly stderr: number;
}

const FORM = /^(?:([oe]):(\d{1,16})|b:(\d{1,16}),(\d{1,16}))$/;

/** `o:OFFSET`, `e:OFFSET` or `b:STDOUT,STDERR`: stable while the output is kept. */
export const formatCursor = (stream: PageRequest['stream'], { stdout, stderr }: Offsets): string =>
  stream === 'both' ? `b:${stdout},${stderr}` : stream === 'stdout' ? `o:${stdout}` : `e:${stderr}`;

const LETTER = { o: 'stdout', e: 'stderr' } as const;

const refuse = (cursor: string, why: string): CorralError =>
  new CorralError('invalid_input', `cursor: ${JSON.stringify(cursor)} ${why}.`, {
    hint: 'Pass next_cursor of an earlier answer for the same stream, unchanged, or none to read from the beginning.',
  });

/** Throws `invalid_input` for anything but a cursor of this stream. */
export const parseCursor = (cursor: string | undefined, stream: PageRequest['stream']): Offsets => {
  if (cursor === undefined) return { stdout: 0, stderr: 0 };
  const found = FORM.exec(cursor);
  if (found === null) throw refuse(cursor, 'is not one of ours');
  const [, letter, offset, stdout, stderr] = found;
  const of = letter === undefined ? 'both' : LETTER[letter as keyof typeof LETTER];
  if (of !== stream) throw refuse(cursor, `belongs to ${of}, not to ${stream}`);
  const numbers = [offset, stdout, stderr].map((digits) => Number(digits ?? 0));
  if (!numbers.every(Number.isSafeInteger)) throw refuse(cursor, 'lies beyond every output');
  const [one = 0, out = 0, err = 0] = numbers;
  return of === 'both' ? { stdout: out, stderr: err } : { stdout: of === 'stdout' ? one : 0, stderr: of === 'stderr' ? one : 0 };
};
