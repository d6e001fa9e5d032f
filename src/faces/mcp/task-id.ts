import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a task stands for. */
export interface TaskTarget {
  readonly execution: string;
  /** The tool whose call it goes on with. */
  readonly tool: string;
}

export interface TaskIds {
  mint(target: TaskTarget, caller: string): Promise<string>;
  /** Undefined for an id that was not made here for this caller. */
  read(id: string, caller: string): Promise<TaskTarget | undefined>;
}

/** 128 bits: not to be guessed, and a name is no right: the caller is part of what is signed. */
const MAC_BYTES = 16;
const FORM = /^([a-z0-9]{1,64})\.([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{22})$/;

/**
 * Ids that carry what they stand for, signed: nothing is kept for them, and every server of the state folder understands them. `key` is
 * asked for with the first one.
 */
export const createTaskIds = (key: () => Promise<Uint8Array>): TaskIds => {
  const macOf = async ({ execution, tool }: TaskTarget, caller: string): Promise<Buffer> =>
    createHmac('sha256', await key())
      .update(JSON.stringify(['task', execution, tool, caller]))
      .digest()
      .subarray(0, MAC_BYTES);

  return {
    mint: async (target, caller) => `${target.execution}.${target.tool}.${(await macOf(target, caller)).toString('base64url')}`,
    read: async (id, caller) => {
      const [, execution, tool, mac] = FORM.exec(id) ?? [];
      if (execution === undefined || tool === undefined || mac === undefined) return undefined;
      const target = { execution, tool };
      return timingSafeEqual(Buffer.from(mac, 'base64url'), await macOf(target, caller)) ? target : undefined;
    },
  };
};
