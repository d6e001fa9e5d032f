import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { callOperation, numberOption, withApp } from './invoke.ts';
import { outcomeWords } from './outcome.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { createStyle, printable, wantsColour } from './style.ts';
import { ago, shortDuration, table } from './table.ts';

export interface PsOptions {
  readonly all?: boolean;
  readonly limit?: string;
  readonly json?: boolean;
}

interface Row {
  readonly execution_id: string;
  readonly sandbox_id: string;
  readonly status: string;
  readonly outcome?: { readonly kind: string; readonly code?: number; readonly signal?: string };
  readonly command: string;
  readonly started: string;
  readonly duration_ms?: number;
  readonly background?: number;
}

const DEFAULT_LIMIT = 50;

const statusWords = ({ status, outcome, background = 0 }: Row): string =>
  `${outcome === undefined ? status : outcomeWords(outcome)}${background > 0 ? ` (+${background})` : ''}`;

/** `corral ps`: what runs, and with --all what ran, in this state folder. */
export const runPs = async (context: CliContext, args: ServerArguments, options: PsOptions): Promise<number> => {
  const loaded = await loadSettings(context, args);
  const limit = numberOption('--limit', options.limit) ?? DEFAULT_LIMIT;
  const app = openGuest(context, loaded, 'reader', 'ps');
  const answer = await withApp(app, () =>
    callOperation(app, 'execution.list', { limit, ...(options.all !== true && { status: 'running' }) }),
  );
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return EXIT.ok;
  }
  const rows = answer['executions'] as readonly Row[];
  const now = Date.now();
  const lines = rows.map((row) => [
    row.execution_id,
    statusWords(row),
    ago(Date.parse(row.started), now),
    row.duration_ms === undefined ? '' : shortDuration(row.duration_ms),
    row.sandbox_id,
    printable(row.command),
  ]);
  const text = table(
    [['EXECUTION', 'STATUS', 'STARTED', 'TOOK', 'SANDBOX', 'COMMAND'], ...lines],
    process.stdout.isTTY ? process.stdout.columns : 0,
  );
  const style = createStyle(wantsColour(process.stdout, context.env));
  process.stdout.write(text.replace(/^.*\n/, (head) => `${style.bold(head.trimEnd())}\n`));
  if (answer['next_cursor'] !== undefined) process.stderr.write(`corral: only the newest ${limit}; --limit shows more\n`);
  else if (rows.length === 0 && options.all !== true && process.stderr.isTTY)
    process.stderr.write('corral: nothing is running; --all shows what has ended\n');
  return EXIT.ok;
};
