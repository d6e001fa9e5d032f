import { place } from '../executions/place.ts';
import type { Sandboxes } from '../sandboxes/types.ts';
import type { ApprovalsDeps } from './types.ts';

/**
 * The place in which a call would run, seen through the file operations of its sandbox. A fresh sandbox shows of the workspaces what the
 * shared one shows; a fresh one without workspaces is empty, so no file in it can be named.
 */
export const createPlaceOf =
  (sandboxes: Sandboxes, hasWorkspaces: boolean): ApprovalsDeps['placeOf'] =>
  async (named, cwd, signal) => {
    if (named === 'ephemeral' && !hasWorkspaces) return undefined;
    const live = named === undefined || named === 'ephemeral' ? await sandboxes.primary(signal) : await sandboxes.get(named, signal);
    return { files: live.sandbox.files, cwd: place(live, cwd), home: live.spec.env['HOME'] ?? '/tmp' };
  };
