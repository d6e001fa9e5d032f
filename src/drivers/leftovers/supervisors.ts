import { readdir, readFile } from 'node:fs/promises';
import { isAlive, startTicks } from '../../lib/process.ts';
import { CorralError } from '../../ports/errors.ts';
import type { LivingSupervisor } from '../../ports/leftovers.ts';
import { markOf, servedSandbox } from '../sandbox/supervisor/command-line.ts';
import { waitUntilGone } from '../sandbox/supervisor/process-identity.ts';

const KILL_MS = 5_000;

const commandLineOf = (pid: number): Promise<string> => readFile(`/proc/${String(pid)}/cmdline`, 'latin1').catch(() => ''); // it is gone

/** `sandboxesFolder`: where this state folder keeps its sandboxes. */
export const findSupervisors = async (sandboxesFolder: string): Promise<readonly LivingSupervisor[]> => {
  const mark = markOf(sandboxesFolder);
  const found = new Map<string, number[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const sandbox = servedSandbox(await commandLineOf(Number(name)), mark);
    if (sandbox !== undefined) found.set(sandbox, [...(found.get(sandbox) ?? []), Number(name)]);
  }
  return [...found].map(([sandbox, pids]) => ({ sandbox, pids }));
};

export const endSupervisor = async (sandboxesFolder: string, { sandbox, pids }: LivingSupervisor): Promise<void> => {
  const mark = markOf(sandboxesFolder);
  const identities = pids.flatMap((pid) => {
    const ticks = startTicks(pid);
    return ticks === undefined ? [] : [{ pid, startTicks: ticks }];
  });
  for (const { pid, startTicks: ticks } of identities)
    if (servedSandbox(await commandLineOf(pid), mark) === sandbox && isAlive(pid, ticks)) process.kill(pid, 'SIGKILL');
  for (const identity of identities)
    if (!(await waitUntilGone(identity, KILL_MS)))
      throw new CorralError('internal', `Process ${String(identity.pid)} of the sandbox ${sandbox} is left after SIGKILL.`, {
        hint: 'It hangs in the kernel; look at it with ps.',
      });
};
