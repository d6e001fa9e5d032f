import { CorralError } from '../../../ports/errors.ts';
import { startLauncher } from './launcher-process.ts';
import type { LauncherProcess } from './launcher-process.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** Something to put into the staging folder, reachable for a private uid. */
export interface StagedSource {
  readonly source: string;
  readonly name: string;
  /** STAGE_FLAG values. */
  readonly flags: number;
}

export interface LaunchOptions {
  readonly sandbox: string;
  readonly socketPath: string;
  readonly logFolder: string;
  readonly journalPath: string;
  readonly bootLogPath: string;
  readonly configuration: Uint8Array;
  /** Undefined = the launcher's own. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** `cgroup.procs` files to write the pid into. */
  readonly cgroups: readonly string[];
  /** A folder that the program can reach; it is hidden by a mount in the program's own mount namespace. Empty when nothing is staged. */
  readonly stagingFolder: string;
  readonly staged: readonly StagedSource[];
  readonly argv: readonly string[];
  /** "K=V" */
  readonly env: readonly string[];
  /** Blobs for descriptors 10, 11, ... */
  readonly data: readonly Uint8Array[];
}

export interface Launched {
  readonly pid: number;
  /** What the program wrote to its info descriptor, once it closed it. Rejects when the launcher died before. */
  readonly info: Promise<string>;
  /** Wait status of the program's end. Rejects when the launcher died before. */
  readonly ended: Promise<number>;
}

/** The server's resident process that starts others, so that the server itself never forks again. */
export interface SupervisorLauncher extends AsyncDisposable {
  /** Pid of the launcher while one runs. */
  readonly pid: number | undefined;
  /** Starts the launcher now, while the server is small. Without it, the first launch does. */
  warm(): void;
  launch(options: LaunchOptions): Promise<Launched>;
  /** SIGKILL, if it is still this process and not a later one with its pid; resolves also when it is gone already. */
  kill(process: ProcessIdentity): Promise<void>;
}

export interface SupervisorLauncherOptions {
  /** Path of the corral-supervisor program. */
  readonly supervisorPath: string;
}

/** Starts the launcher, and again after it died. What it launched lives on when it dies or is disposed. */
export const createSupervisorLauncher = ({ supervisorPath }: SupervisorLauncherOptions): SupervisorLauncher => {
  let running: LauncherProcess | undefined;
  let disposed = false;

  const current = (): LauncherProcess => {
    if (disposed) throw new CorralError('unavailable', 'The server is ending; it launches nothing more.');
    if (running === undefined) {
      const started = startLauncher(supervisorPath, () => {
        if (running === started) running = undefined;
      });
      running = started;
    }
    return running;
  };

  return {
    get pid() {
      return running?.pid;
    },
    warm: () => void current(),
    launch: async (options) => current().launch(options),
    kill: async (process) => current().kill(process),
    [Symbol.asyncDispose]: async () => {
      disposed = true;
      await running?.end();
    },
  };
};
