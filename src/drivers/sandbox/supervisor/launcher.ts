import { CorralError } from '../../../ports/errors.ts';
import { startLauncher } from './launcher-process.ts';
import type { LauncherProcess } from './launcher-process.ts';
import type { Launched, LaunchOptions } from './launch-options.ts';
import type { ProcessIdentity } from './process-identity.ts';

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
