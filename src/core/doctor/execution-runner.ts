import { CorralError } from '../../ports/errors.ts';
import type { Exit, Sandbox, SandboxSpec } from '../../ports/sandbox.ts';

export interface Ran {
  readonly exit: Exit;
  /** Standard output; a probe prints little. */
  readonly text: string;
}

/** Runs commands in a sandbox one by one or side by side and waits for their ends. */
export interface ExecutionRunner {
  /** Rejects with `lost` when the sandbox ends first, `cancelled` when the call does, `unavailable` past the deadline. */
  run(argv: readonly string[], deadlineMs: number, signal?: AbortSignal): Promise<Ran>;
  /** Starts one that is not waited for. */
  leave(argv: readonly string[], deadlineMs: number): Promise<void>;
  /** Why the sandbox is gone; undefined while it lives. */
  readonly lost: string | undefined;
}

/** After the supervisor's own deadline, for its answer. */
const MARGIN_MS = 5000;

export const createExecutionRunner = (sandbox: Sandbox, spec: SandboxSpec): ExecutionRunner => {
  const waiting = new Map<string, { resolve(exit: Exit): void; reject(error: Error): void }>();
  let lost: string | undefined;
  let count = 0;

  sandbox.listen({
    exit: (exit) => {
      waiting.get(exit.execution)?.resolve(exit);
      sandbox.acknowledge(exit.execution);
    },
    output: () => {},
    input: () => {},
    closed: () => {},
    lost: (reason) => {
      lost = reason;
      for (const { reject } of waiting.values()) reject(new CorralError('lost', reason));
    },
  });

  const start = async (argv: readonly string[], deadlineMs: number): Promise<string> => {
    const execution = `doctor-${(count += 1)}`;
    await sandbox.start({ execution, steps: [argv], cwd: spec.workdir, env: spec.env, wallMs: deadlineMs, graceMs: 0 });
    return execution;
  };

  return {
    get lost() {
      return lost;
    },
    leave: async (argv, deadlineMs) => {
      await start(argv, deadlineMs);
    },
    run: async (argv, deadlineMs, signal) => {
      if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled.');
      // Its exit may arrive before the answer to the start: the name is known beforehand.
      const execution = `doctor-${count + 1}`;
      const exit = new Promise<Exit>((resolve, reject) => waiting.set(execution, { resolve, reject }));
      exit.catch(() => {}); // also heard below, unless the start fails first
      const abort = (): void => waiting.get(execution)?.reject(new CorralError('cancelled', 'The call was cancelled.'));
      const late = setTimeout(
        () =>
          waiting
            .get(execution)
            ?.reject(new CorralError('unavailable', `The sandbox did not tell the end of a probe within ${deadlineMs + MARGIN_MS} ms.`)),
        deadlineMs + MARGIN_MS,
      );
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await start(argv, deadlineMs);
        const ended = await exit;
        return { exit: ended, text: new TextDecoder().decode(ended.inline?.stdout) };
      } finally {
        clearTimeout(late);
        signal?.removeEventListener('abort', abort);
        waiting.delete(execution);
      }
    },
  };
};
