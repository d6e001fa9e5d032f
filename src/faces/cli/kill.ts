import { CorralError } from '../../ports/errors.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { callOperation, numberOption, withApp } from './invoke.ts';
import { findExecution } from './names.ts';
import { outcomeWords } from './outcome.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { printable } from './style.ts';

export interface KillOptions {
  readonly signal: string;
  readonly grace?: string;
  readonly json?: boolean;
}

interface Ended {
  readonly execution_id: string;
  readonly status: string;
  readonly outcome?: { readonly kind: string; readonly code?: number; readonly signal?: string };
  readonly survivors: readonly string[];
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL'] as const;

/** `TERM`, `sigterm` and `15` are all SIGTERM. */
const signalNamed = (text: string): string => {
  const numbers: Readonly<Record<string, string>> = { 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 9: 'SIGKILL', 15: 'SIGTERM' };
  const name = numbers[text] ?? `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  if (SIGNALS.some((known) => known === name)) return name;
  throw new CorralError('invalid_input', `--signal: "${text}" cannot end an execution.`, { hint: `Use one of ${SIGNALS.join(', ')}.` });
};

/** `corral kill`: the whole tree of each, whichever server started it. Fails when something survived. */
export const runKill = async (
  context: CliContext,
  args: ServerArguments,
  given: readonly string[],
  options: KillOptions,
): Promise<number> => {
  const signal = signalNamed(options.signal);
  const grace = numberOption('--grace', options.grace);
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'kill');
  const answer = await withApp(app, async () => {
    const executions: string[] = [];
    for (const one of given) executions.push(await findExecution(app, one));
    return callOperation(app, 'execution.terminate', { executions, signal, ...(grace !== undefined && { grace_seconds: grace }) });
  });
  const ended = answer['executions'] as readonly Ended[];
  if (options.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else
    for (const { execution_id, outcome, status, survivors } of ended) {
      process.stdout.write(`${execution_id}  ${outcome === undefined ? status : outcomeWords(outcome)}\n`);
      for (const survivor of survivors) process.stderr.write(`corral: ${execution_id}: survived: ${printable(survivor)}\n`);
    }
  return ended.every(({ survivors }) => survivors.length === 0) ? EXIT.ok : EXIT.failure;
};
