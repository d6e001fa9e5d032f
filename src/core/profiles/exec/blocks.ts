import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BlockList } from '../../policy/block-list.ts';
import type { StartedPrograms } from '../../policy/started-programs.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import { findProgram } from '../programs.ts';

const LONGEST = 255;

/** A bare name, or the path of a program, of which the name counts. */
export const isProgramName = (name: string): boolean => {
  const bare = basename(name);
  return bare !== '' && bare !== '.' && bare !== '..' && bare.length <= LONGEST && !/[\s\0]/.test(name);
};

/** Marks what an agent blocked through the tools, and may unblock. */
const AGENT = 'exec:';

export type Unblocked = 'unblocked' | 'not blocked' | 'kept';

/** Programs that commands may not start. */
export interface Blocks {
  block(name: string, caller: string): Promise<void>;
  /** What the operator blocked stays blocked. */
  unblock(name: string): Promise<Unblocked>;
  /** Sorted. */
  list(): Promise<readonly string[]>;
  /** Is anything of this blocked, or, while anything is, not to be known? `started` is asked only then. */
  refuses(started: () => StartedPrograms, live: LiveSandbox, cwd: string): Promise<boolean>;
}

/** `initial` holds for this server alone; what is blocked later is durable, and holds for every server of the state folder. */
export const createBlocks = (initial: readonly string[], kept: BlockList): Blocks => {
  const operators = new Set(initial.map((name) => basename(name)));

  const names = async (): Promise<ReadonlySet<string>> => new Set([...operators, ...(await kept.list()).map(({ name }) => name)]);

  /** What the name leads to, when it leads somewhere under another name. */
  const realName = async (name: string, live: LiveSandbox, cwd: string): Promise<string | undefined> => {
    const path = await findProgram(name.replace(/^~(?=\/)/, live.spec.env['HOME'] ?? '~'), live.spec.env['PATH'] ?? '', cwd);
    return path === undefined ? undefined : basename(await realpath(path).catch(() => path));
  };

  return {
    block: async (name, caller) => {
      const bare = basename(name);
      if (!operators.has(bare)) await kept.block(bare, `${AGENT}${caller}`);
    },
    unblock: async (name) => {
      const bare = basename(name);
      if (operators.has(bare)) return 'kept';
      const entry = (await kept.list()).find((one) => one.name === bare);
      if (entry === undefined) return 'not blocked';
      if (!entry.by.startsWith(AGENT)) return 'kept';
      await kept.unblock(bare);
      return 'unblocked';
    },
    list: async () => [...(await names())].toSorted(),
    refuses: async (started, live, cwd) => {
      const blocked = await names();
      if (blocked.size === 0) return false;
      const programs = started();
      if (!programs.known) return true;
      for (const name of programs.names) {
        if (blocked.has(basename(name))) return true;
        const real = await realName(name, live, cwd);
        if (real !== undefined && blocked.has(real)) return true;
      }
      return false;
    },
  };
};
