import type { Store } from '../../ports/store.ts';

/** Several servers share the list: what another one changed is seen after this long at the latest. */
const FRESH_MS = 1000;

/** The programs that nobody may start just now; durable, and the same for all servers of a state folder. */
export interface BlockList {
  isBlocked(program: string): Promise<boolean>;
  /** False when it was on the list already. */
  block(program: string, by: string): Promise<boolean>;
  /** False when it was not on the list. */
  unblock(program: string): Promise<boolean>;
  list(): Promise<readonly { readonly name: string; readonly by: string; readonly sinceMs: number }[]>;
}

export const createBlockList = (store: () => Pick<Store, 'blockCommand' | 'unblockCommand' | 'blockedCommands'>): BlockList => {
  let known: { readonly at: number; readonly names: ReadonlySet<string> } | undefined;
  const names = async (): Promise<ReadonlySet<string>> => {
    if (known === undefined || performance.now() - known.at > FRESH_MS)
      known = { at: performance.now(), names: new Set((await store().blockedCommands()).map(({ name }) => name)) };
    return known.names;
  };
  return {
    isBlocked: async (program) => (await names()).has(program),
    block: async (program, by) => {
      const changed = await store().blockCommand({ name: program, by, sinceMs: Date.now() });
      known = undefined;
      return changed;
    },
    unblock: async (program) => {
      const changed = await store().unblockCommand(program);
      known = undefined;
      return changed;
    },
    list: () => store().blockedCommands(),
  };
};
