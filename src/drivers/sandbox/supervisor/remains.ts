import { readFile, readdir } from 'node:fs/promises';
import { CorralError } from '../../../ports/errors.ts';
import type { SupervisorLauncher } from './launcher.ts';
import { identify, isAlive, pidNamespace, waitUntilGone } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { SupervisedHandle } from './handle.ts';

/** A killed process is gone within this time, or it hangs in the kernel. */
const KILL_MS = 5000;
const SWEEPS = 20;
export const MARKER = 'CORRAL_SANDBOX_ID';

const left = (what: string): CorralError =>
  new CorralError('internal', `Something of the sandbox is left after SIGKILL: ${what}.`, {
    hint: 'A process that SIGKILL does not end hangs in the kernel, often on a dead disk or network file system; look at it with ps.',
  });

const killAndConfirm = async (launcher: SupervisorLauncher, process: ProcessIdentity): Promise<void> => {
  if (!(await isAlive(process))) return;
  try {
    await launcher.kill(process);
  } catch (error) {
    if (await isAlive(process)) throw error;
  }
  if (!(await waitUntilGone(process, KILL_MS))) throw left(`process ${process.pid}`);
};

/** Processes whose environment carries the sandbox's mark. Those that may not be looked at belong to somebody else. */
const findMarked = async (id: string): Promise<readonly ProcessIdentity[]> => {
  const entry = `${MARKER}=${id}`;
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'EACCES' || error.code === 'EPERM') return '';
      throw error;
    });
    if (!environment.split('\0').includes(entry)) continue;
    const identity = await identify(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
};

const sweep = async (launcher: SupervisorLauncher, id: string): Promise<void> => {
  let marked = await findMarked(id);
  for (let round = 0; marked.length > 0 && round < SWEEPS; round += 1) {
    for (const process of marked) await killAndConfirm(launcher, process);
    marked = await findMarked(id);
  }
  if (marked.length > 0) throw left(`${marked.length} processes that start each other faster than they can be ended`);
};

/** Is the recorded supervisor still that process, in that namespace? */
const isSupervisor = async ({ supervisor, pidNamespace: recorded }: SupervisedHandle): Promise<boolean> => {
  const inode = recorded === undefined ? undefined : await pidNamespace(supervisor.pid);
  return (inode === undefined || inode === recorded) && (await isAlive(supervisor));
};

/** Waits up to `waitMs` for a sandbox to end by itself, then ends it by force. Resolves when nothing of it is left; throws when something is. */
export const endRemains = async (launcher: SupervisorLauncher, id: string, handle: SupervisedHandle, waitMs: number): Promise<void> => {
  const { supervisor, launched, form } = handle;
  if (await isSupervisor(handle)) {
    await waitUntilGone(supervisor, waitMs);
    await killAndConfirm(launcher, supervisor);
  }
  if (launched.pid !== supervisor.pid) {
    // bubblewrap ends by itself after its child did.
    await waitUntilGone(launched, KILL_MS);
    await killAndConfirm(launcher, launched);
  }
  if (form === 'plain') await sweep(launcher, id);
};
