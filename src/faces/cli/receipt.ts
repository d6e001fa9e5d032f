import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { callOperation, withApp } from './invoke.ts';
import { findExecution } from './names.ts';
import { receiptText, type ReceiptView } from './receipt-text.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { createStyle, wantsColour } from './style.ts';

export interface ReceiptOptions {
  readonly json?: boolean;
}

/** `corral receipt`: what one execution did, used, changed and was held to. */
export const runReceipt = async (context: CliContext, args: ServerArguments, given: string, options: ReceiptOptions): Promise<number> => {
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'receipt');
  const answer = await withApp(app, async () => callOperation(app, 'execution.list', { execution_id: await findExecution(app, given) }));
  const [receipt] = answer['executions'] as readonly ReceiptView[];
  if (receipt === undefined) return EXIT.failure;
  const text =
    options.json === true ? `${JSON.stringify(receipt)}\n` : receiptText(receipt, createStyle(wantsColour(process.stdout, context.env)));
  process.stdout.write(text);
  return EXIT.ok;
};
