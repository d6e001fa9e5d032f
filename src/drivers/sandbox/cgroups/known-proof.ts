import { readFile, rename, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import type { Hierarchy } from './hierarchy.ts';

/** What a proof was about: it holds until the machine starts anew, or the server's place changes. */
const subjectOf = async (hierarchy: Hierarchy): Promise<string> =>
  JSON.stringify({ boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(), kernel: release(), hierarchy });

/** Remembers in a file that a hierarchy was proven, so that every server need not do it again. */
export const createKnownProof = (file: string) => ({
  holds: async (hierarchy: Hierarchy): Promise<boolean> => {
    const [known, subject] = await Promise.all([readFile(file, 'utf8').catch(() => ''), subjectOf(hierarchy)]);
    return known === subject;
  },
  /** Best effort: a state folder that cannot be written costs the next server a proof. */
  keep: async (hierarchy: Hierarchy): Promise<void> => {
    try {
      await writeFile(`${file}.${process.pid}`, await subjectOf(hierarchy), { mode: 0o600 });
      await rename(`${file}.${process.pid}`, file);
    } catch {
      // nothing depends on it
    }
  },
});

export type KnownProof = ReturnType<typeof createKnownProof>;
