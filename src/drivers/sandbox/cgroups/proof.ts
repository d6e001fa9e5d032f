import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { SandboxLimits } from '../../../ports/sandbox.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { within } from '../supervisor/within.ts';
import type { GroupFiles } from './files.ts';
import type { Group } from './group.ts';

export interface ProofOptions {
  readonly files: GroupFiles;
  readonly launcher: Pick<SupervisorLauncher, 'launch'>;
  /** Path of the corral-supervisor program. */
  readonly supervisorPath: string;
  make(limits: SandboxLimits): Promise<Group>;
  end(folders: readonly string[]): Promise<void>;
}

const MEMORY_BYTES = 8 * 1024 * 1024;
const PROOF_MS = 10_000;
const SIGKILL = 9;

const after = (name: string, text: string | undefined): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN);

const disproved = (what: string): CorralError =>
  new CorralError('unavailable', what, { hint: 'Run the server outside of a container that only imitates control groups.' });

/** Makes a group, limits it, has a program join it and hit both limits, sees that the kernel says so, and removes it. Throws when a limit did not hold. */
export const proveHierarchy = async ({ files, launcher, supervisorPath, make, end }: ProofOptions): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-limits-'));
  try {
    const group = await make({ memoryBytes: MEMORY_BYTES });
    try {
      const [oomKills, , processMaxima] = group.figures;
      await files.write(join(dirname(processMaxima), 'pids.max'), '1');
      const { ended } = await launcher.launch({
        sandbox: 'limits',
        socketPath: join(folder, 'sock'),
        logFolder: folder,
        journalPath: join(folder, 'journal'),
        bootLogPath: join(folder, 'log'),
        configuration: new Uint8Array(),
        cgroups: group.joins,
        stagingFolder: '',
        staged: [],
        argv: [supervisorPath, 'hit-limits'],
        env: [],
        data: [],
      });
      const status = await within<number | undefined>(ended, PROOF_MS, undefined);
      const [refused, killed] = [after('max', await files.read(processMaxima)), after('oom_kill', await files.read(oomKills))];
      if (!(refused >= 1)) throw disproved('a limit of processes was set and did not hold');
      if (!(killed >= 1) || status === undefined || (status & 0x7f) !== SIGKILL)
        throw disproved('a limit of memory was set and did not hold');
    } finally {
      await end(group.folders);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
