import type { App } from '../../core/app.ts';
import { signalNamed } from '../../core/executions/signal-names.ts';
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

/** These ask for the end, and the whole tree is brought to it; any other is sent to the program, which does with it what it does. */
const ENDINGS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL']);

const send = async (app: App, ids: readonly string[], signal: string, json: boolean): Promise<number> => {
  for (const id of ids) {
    const sent = await callOperation(app, 'execution.input', { execution_id: id, signal });
    process.stdout.write(json ? `${JSON.stringify(sent)}\n` : `${id}  sent ${signal}\n`);
  }
  return EXIT.ok;
};

const end = async (app: App, ids: readonly string[], signal: string, grace: number | undefined, json: boolean): Promise<number> => {
  const answer = await callOperation(app, 'execution.terminate', {
    executions: ids,
    signal,
    ...(grace !== undefined && { grace_seconds: grace }),
  });
  const ended = answer['executions'] as readonly Ended[];
  if (json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else
    for (const { execution_id, outcome, status, survivors } of ended) {
      process.stdout.write(`${execution_id}  ${outcome === undefined ? status : outcomeWords(outcome)}\n`);
      for (const survivor of survivors) process.stderr.write(`corral: ${execution_id}: survived: ${printable(survivor)}\n`);
    }
  return ended.every(({ survivors }) => survivors.length === 0) ? EXIT.ok : EXIT.failure;
};

/** `corral kill`: the whole tree of each, whichever server started it. Fails when something survived. */
export const runKill = async (
  context: CliContext,
  args: ServerArguments,
  given: readonly string[],
  options: KillOptions,
): Promise<number> => {
  const { name } = signalNamed(options.signal);
  const grace = numberOption('--grace', options.grace);
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'kill');
  return withApp(app, async () => {
    const ids: string[] = [];
    for (const one of given) ids.push(await findExecution(app, one));
    return ENDINGS.has(name) ? end(app, ids, name, grace, options.json === true) : send(app, ids, name, options.json === true);
  });
};
