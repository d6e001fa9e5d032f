import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { callOperation, withApp } from './invoke.ts';
import { findSandbox } from './names.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { createStyle, printable, wantsColour } from './style.ts';
import { ago, table } from './table.ts';

export interface SandboxListOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

interface Row {
  readonly sandbox_id: string;
  readonly driver: string;
  readonly state: string;
  readonly network: string;
  readonly workdir: string;
  readonly created: string;
  readonly reason?: string;
}

/** `corral sandbox ls` */
export const runSandboxList = async (context: CliContext, args: ServerArguments, options: SandboxListOptions): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'reader', 'sandbox ls');
  const answer = await withApp(app, () =>
    callOperation(app, 'sandbox.act', { action: 'list', ...(options.all === true && { all: true }) }),
  );
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return EXIT.ok;
  }
  const now = Date.now();
  const rows = (answer['sandboxes'] as readonly Row[]).map(({ sandbox_id, driver, state, network, created, workdir, reason }) => [
    sandbox_id,
    state,
    driver,
    network,
    ago(Date.parse(created), now),
    printable(reason === undefined ? workdir : `${workdir} (${reason})`),
  ]);
  const text = table(
    [['SANDBOX', 'STATE', 'DRIVER', 'NETWORK', 'CREATED', 'FOLDER'], ...rows],
    process.stdout.isTTY ? process.stdout.columns : 0,
  );
  const style = createStyle(wantsColour(process.stdout, context.env));
  process.stdout.write(text.replace(/^.*\n/, (head) => `${style.bold(head.trimEnd())}\n`));
  return EXIT.ok;
};

/** `corral sandbox rm`: also those of other servers; that is what was asked for. */
export const runSandboxRemove = async (
  context: CliContext,
  args: ServerArguments,
  given: readonly string[],
  options: { readonly json?: boolean },
): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'reader', 'sandbox rm');
  const ended = await withApp(app, async () => {
    const ids: string[] = [];
    for (const one of given) ids.push(await findSandbox(app, one));
    const answers: Record<string, unknown>[] = [];
    for (const id of ids) answers.push(await callOperation(app, 'sandbox.act', { action: 'delete', sandbox: id }));
    return answers;
  });
  if (options.json === true) process.stdout.write(`${JSON.stringify({ sandboxes: ended })}\n`);
  else for (const { sandbox_id, state } of ended) process.stdout.write(`${String(sandbox_id)}  ${String(state)}\n`);
  return EXIT.ok;
};
