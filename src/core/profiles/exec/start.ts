import { CorralError } from '../../../ports/errors.ts';
import type { StartRequest } from '../../executions/types.ts';
import type { OperationContext } from '../../operation.ts';
import { cappedTimeoutMs, requireCaps } from '../../policy/decided.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { ExecDeps } from './deps.ts';
import type { OutputType } from './input.ts';
import { endedText, runningText, streamBlocks } from './output.ts';
import type { Session } from './sessions.ts';
import { seconds } from './texts.ts';

const SIGKILL = 9;

export const LABELS = { profile: 'exec' } as const;

export interface SessionStart {
  /** As it is listed. */
  readonly command: string;
  readonly live: LiveSandbox;
  readonly cwd: string;
  readonly plan: StartRequest['plan'];
  readonly waitSeconds: number;
  readonly wanted: OutputType;
  /** Ends it when the wait is over. */
  readonly terminate?: boolean;
  /** Goes on when the call is cancelled. */
  readonly detach?: boolean;
  /** What to answer in the place of the usual, of one that ended. */
  readonly ended?: (look: Awaited<ReturnType<ExecDeps['executions']['look']>>) => Promise<string | undefined>;
}

/** Starts a command as a session, waits, and answers in the words of the original. One whose end is told is no session any more. */
export const runSession = async (deps: ExecDeps, start: SessionStart, { caller, signal, decision }: OperationContext): Promise<string> => {
  const { executions, sessions, logs, place } = deps;
  const { command, live, wanted, waitSeconds } = start;
  let session: Session | undefined;
  const forget = (): void => {
    if (session !== undefined) sessions.remove(session);
  };
  try {
    const look = await executions.run(
      {
        title: command.slice(0, 500),
        plan: async (at) => {
          if (decision !== undefined) requireCaps(decision, live);
          const plan = await start.plan(at);
          session = sessions.add(command, at.execution);
          return plan;
        },
        cwd: start.cwd,
        env: place.env,
        keepStdinOpen: false,
        timeoutMs: cappedTimeoutMs(0, decision),
        outputBytes: decision?.caps.outputBytes,
        sandbox: live.record.id,
        labels: { ...LABELS, kind: 'session' },
        detach: start.detach ?? false,
        caller: caller.id,
      },
      waitSeconds * 1000,
      signal,
    );
    if (look.record.status === 'finished') {
      forget();
      return (await start.ended?.(look)) ?? (await endedText(logs, look, wanted));
    }
    if (start.terminate !== true) {
      if (session !== undefined) session.readMs = Date.now();
      return await runningText(logs, look, wanted, session?.id ?? '');
    }
    await executions.terminate(look.record.id, { graceMs: 0, cause: 'timed_out', signal: SIGKILL });
    forget();
    const after = await executions.look(look.record.id);
    return `Return code: -${String(SIGKILL)}\nExecution time: ${seconds(waitSeconds * 1000, 2)} seconds\nCommand was terminated after timeout.${await streamBlocks(logs, after, wanted)}`;
  } catch (error) {
    // A detached one goes on though nobody waits for it any more.
    if (!(error instanceof CorralError && error.code === 'cancelled' && start.detach === true)) forget();
    throw error;
  }
};
