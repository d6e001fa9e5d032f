import { CorralError } from '../../../ports/errors.ts';
import type { OutcomeKind } from '../../../ports/sandbox.ts';
import type { Executions, Look } from '../../executions/types.ts';
import { cappedTimeoutMs, requireCaps } from '../../policy/decided.ts';
import type { Decision } from '../../policy/types.ts';
import { failed, refused } from './fault.ts';

export interface RunRequest {
  readonly title: string;
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly caller: string;
  /** What the operator's rules said of the call; absent where there are none. */
  readonly decision: Decision | undefined;
}

/** From the deadline that the sandbox keeps to the news of it. */
const NEWS_MS = 15_000;

const WHY_NOT_ENDED: Partial<Record<OutcomeKind, string>> = {
  output_limit: 'It printed more than is kept of one execution and was ended',
  memory_limit: 'It used more memory than it may and was ended',
  disk_limit: 'The disk that keeps its output is full',
  cpu_limit: 'It used more CPU time than it may and was ended',
  process_limit: 'It had more processes than it may and was ended',
  file_size_limit: 'It wrote a larger file than it may and was ended',
  cancelled: 'It was ended by the operator',
};

const timedOut = (seconds: number): CorralError =>
  refused(`Command timed out after ${String(seconds)}s`, { hint: 'The whole process tree was ended.' });

const explain = (error: unknown): unknown => {
  if (!(error instanceof CorralError) || error.code !== 'failed_to_start') return error;
  return failed(`Execution failed: Spawn failed: ${error.message}`, { cause: error, hint: error.hint });
};

/** Runs the program to its end, within its time. Resolves however it ended by itself; throws when it was ended, or could not be run. */
export const runToEnd = async (executions: Executions, request: RunRequest, signal: AbortSignal): Promise<Look> => {
  const { title, argv, cwd, env, caller, decision } = request;
  const timeoutMs = cappedTimeoutMs(request.timeoutSeconds * 1000, decision);
  const timeoutSeconds = timeoutMs / 1000;
  let look: Look;
  try {
    look = await executions.run(
      {
        title,
        plan: async ({ live }) => {
          if (decision !== undefined) requireCaps(decision, live);
          return { steps: [argv], env };
        },
        cwd,
        keepStdinOpen: false,
        timeoutMs,
        outputBytes: decision?.caps.outputBytes,
        labels: {},
        detach: false,
        caller,
        decision,
      },
      timeoutMs + NEWS_MS,
      signal,
    );
  } catch (error) {
    throw explain(error);
  }
  const { status, outcome, message, id } = look.record;
  if (status === 'running') {
    await executions.terminate(id, { graceMs: 0, cause: 'timed_out' });
    throw timedOut(timeoutSeconds);
  }
  const kind = outcome?.kind ?? 'lost';
  if (kind === 'exited' || kind === 'signalled') return look;
  if (kind === 'timed_out') throw timedOut(timeoutSeconds);
  if (kind === 'failed_to_start') throw failed(`Execution failed: Spawn failed: ${message ?? 'the program could not be started'}`);
  if (kind === 'lost') throw new CorralError('lost', message ?? 'The place in which it ran is gone.');
  throw failed(`Execution failed: ${WHY_NOT_ENDED[kind] ?? kind}`);
};
