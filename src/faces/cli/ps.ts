import type { App } from '../../core/app.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { callOperation, numberOption, withApp } from './invoke.ts';
import { outcomeWords } from './outcome.ts';
import type { ReceiptView } from './receipt-text.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { shortSize } from './sizes.ts';
import { createStyle, printable, wantsColour } from './style.ts';
import { ago, shortDuration, table } from './table.ts';

export interface PsOptions {
  readonly all?: boolean;
  readonly limit?: string;
  readonly live?: boolean;
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

/** What each of those that run uses now. One that ends meanwhile has no figures. */
const receiptsOf = async (app: App, rows: readonly Row[]): Promise<readonly ReceiptView[]> => {
  const answers = await Promise.all(rows.map(({ execution_id }) => callOperation(app, 'execution.list', { execution_id })));
  return answers.flatMap((answer) => answer['executions'] as readonly ReceiptView[]);
};

const liveLine = ({ execution_id: id, now, command }: ReceiptView): readonly string[] =>
  now === undefined
    ? [id, '', '', '', '', '', '', '', printable(command)]
    : [
        id,
        shortDuration(now.cpu_user_ms + now.cpu_system_ms),
        shortSize(now.rss_bytes),
        shortSize(now.peak_rss_bytes),
        `${shortSize(now.read_bytes ?? 0)} / ${shortSize(now.written_bytes ?? 0)}`,
        String(now.processes),
        (now.ports ?? []).join(','),
        now.source,
        printable(command),
      ];

/** `corral ps`: what runs, and with --all what ran, in this state folder. */
export const runPs = async (context: CliContext, args: ServerArguments, options: PsOptions): Promise<number> => {
  const loaded = await loadSettings(context, args);
  const limit = numberOption('--limit', options.limit) ?? DEFAULT_LIMIT;
  const app = openGuest(context, loaded, 'reader', 'ps');
  let receipts: readonly ReceiptView[] | undefined;
  const answer = await withApp(app, async () => {
    const found = await callOperation(app, 'execution.list', { limit, ...(options.all !== true && { status: 'running' }) });
    const running = (found['executions'] as readonly Row[]).filter(({ status }) => status === 'running');
    if (options.live === true) receipts = await receiptsOf(app, running);
    return found;
  });
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(receipts === undefined ? answer : { executions: receipts })}\n`);
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
    receipts === undefined
      ? [['EXECUTION', 'STATUS', 'STARTED', 'TOOK', 'SANDBOX', 'COMMAND'], ...lines]
      : [['EXECUTION', 'CPU', 'MEMORY', 'PEAK', 'READ / WRITTEN', 'PROCESSES', 'PORTS', 'FROM', 'COMMAND'], ...receipts.map(liveLine)],
    process.stdout.isTTY ? process.stdout.columns : 0,
  );
  const style = createStyle(wantsColour(process.stdout, context.env));
  process.stdout.write(text.replace(/^.*\n/, (head) => `${style.bold(head.trimEnd())}\n`));
  if (answer['next_cursor'] !== undefined) process.stderr.write(`corral: only the newest ${limit}; --limit shows more\n`);
  else if (rows.length === 0 && options.all !== true && process.stderr.isTTY)
    process.stderr.write('corral: nothing is running; --all shows what has ended\n');
  return EXIT.ok;
};
