import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createEmulator, type Emulator } from './emulator.ts';
import type { ScreenJob, Snapshot } from './protocol.ts';
import { nextChange, sizeAt } from './sizes.ts';

/** Drawn at a time. */
const CHUNK = 64 * 1024;
/** More than this is not drawn to get to the end of it: what a screen shows was printed last. */
const MAX_REPLAY = 4 * 1024 * 1024;
const TAIL = 1024 * 1024;
/** The end of an output begins somewhere in a line, perhaps in an escape sequence: the next line begins no further than this. */
const LINE = 16 * 1024;
/** Of all terminals together: some 100 MB. Which was not looked at for longest is drawn anew when it is. */
const MAX_CELLS = 4_000_000;
const MAX_SCREENS = 64;

const NEWLINE = 0x0a;

interface Drawn {
  readonly emulator: Emulator;
  /** Bytes that were drawn, or left out. */
  offset: number;
  partial: boolean;
}

type Read = (offset: number, length: number) => Uint8Array;

/** A log is written beside code that nobody trusts: no link is followed, and nothing but a regular file is read. One that is gone is empty. */
const withSource = async <T>(source: ScreenJob['source'], use: (read: Read) => Promise<T>): Promise<T> => {
  if ('data' in source) return use((offset, length) => source.data.subarray(offset, offset + length));
  let file: number;
  try {
    file = openSync(source.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return use(() => new Uint8Array());
    throw error;
  }
  try {
    if (!fstatSync(file).isFile()) throw new Error('the log is not a regular file');
    return await use((offset, length) => {
      const buffer = Buffer.allocUnsafe(length);
      return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
    });
  } finally {
    closeSync(file);
  }
};

/** Screens by execution, each drawn as far as it was last asked for. */
export interface Emulators {
  draw(job: Omit<ScreenJob, 'id'>): Promise<{ readonly snapshot: Snapshot; readonly answers: string }>;
}

export const createEmulators = (): Emulators => {
  const drawn = new Map<string, Drawn>();

  const makeRoom = (): void => {
    const total = (): number => [...drawn.values()].reduce((sum, { emulator }) => sum + emulator.cells, 0);
    for (const [name, one] of drawn) {
      if (drawn.size < 2 || (drawn.size <= MAX_SCREENS && total() <= MAX_CELLS)) return;
      drawn.delete(name);
      one.emulator[Symbol.dispose]();
    }
  };

  /** The screen as far as it was drawn; a new one when there is none, or when the output is another one than it was. */
  const current = ({ screen, sizes, to }: Omit<ScreenJob, 'id'>): Drawn => {
    const known = drawn.get(screen);
    drawn.delete(screen);
    if (known !== undefined && known.offset > to) known.emulator[Symbol.dispose]();
    const { cols, rows } = sizeAt(sizes, 0);
    const one = known !== undefined && known.offset <= to ? known : { emulator: createEmulator(cols, rows), offset: 0, partial: false };
    drawn.set(screen, one);
    makeRoom();
    return one;
  };

  /** Leaves out what would take too long to draw. */
  const skip = (one: Drawn, to: number, read: Read): void => {
    if (to - one.offset <= MAX_REPLAY) return;
    one.offset = to - TAIL;
    one.offset += read(one.offset, LINE).indexOf(NEWLINE) + 1;
    one.partial = true;
  };

  return {
    draw: (job) =>
      withSource(job.source, async (read) => {
        const one = current(job);
        const { emulator } = one;
        skip(one, job.to, read);
        let answers = '';
        while (one.offset < job.to) {
          const { cols, rows } = sizeAt(job.sizes, one.offset);
          emulator.resize(cols, rows);
          const answering = one.offset >= job.answerFrom;
          const end = Math.min(job.to, one.offset + CHUNK, nextChange(job.sizes, one.offset), answering ? Infinity : job.answerFrom);
          const bytes = read(one.offset, end - one.offset);
          if (bytes.length === 0) break;
          await emulator.write(bytes);
          one.offset += bytes.length;
          const said = emulator.takeAnswers();
          if (answering) answers += said;
        }
        const { cols, rows } = sizeAt(job.sizes, one.offset);
        emulator.resize(cols, rows);
        return { snapshot: { ...emulator.snapshot(), partial: one.partial }, answers };
      }),
  };
};
