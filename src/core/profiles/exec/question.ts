import { CorralError } from '../../../ports/errors.ts';
import type { OperationContext } from '../../operation.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { ExecDeps } from './deps.ts';
import { streamText } from './output.ts';
import { LABELS } from './start.ts';

const LIMIT_MS = 20_000;

export interface Answered {
  readonly code: number | undefined;
  readonly text: string;
}

/** Runs a small shell script where commands run, as one of them: what is seen is what they see. */
export const ask = async (
  { executions, logs }: Pick<ExecDeps, 'executions' | 'logs'>,
  live: LiveSandbox,
  title: string,
  argv: readonly string[],
  { caller, signal }: OperationContext,
): Promise<Answered> => {
  const look = await executions.run(
    {
      title,
      plan: async () => ({ steps: [argv] }),
      keepStdinOpen: false,
      timeoutMs: LIMIT_MS,
      graceMs: 0,
      sandbox: live.record.id,
      labels: { ...LABELS, kind: 'question' },
      detach: false,
      caller: caller.id,
    },
    LIMIT_MS + 5000,
    signal,
  );
  const { outcome } = look.record;
  if (outcome?.kind !== 'exited') throw new CorralError('unavailable', `${title}: it did not end in time.`);
  return { code: outcome.code, text: await streamText(logs, look, 'stdout') };
};
