import type { App } from '../../../core/app.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { AuditRecord } from '../../../ports/audit.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { createStandardSinks, isBrokenPipe } from '../fd-sink.ts';
import { openGuest } from '../guest.ts';
import { loadSettings } from '../settings.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { createStyle, printable, wantsColour } from '../style.ts';
import { auditJson, auditLine } from './audit-text.ts';

export interface AuditTailOptions {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly json?: boolean;
}

export interface AuditSearchOptions {
  readonly caller?: string;
  readonly operation?: string;
  readonly since?: string;
  readonly until?: string;
  readonly outcome?: string;
  readonly text?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const DEFAULT_LINES = 20;
const DEFAULT_LIMIT = 100;
const MOST = 10_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Throws `invalid_input`. */
const countOption = (option: string, text: string | undefined, standard: number): number => {
  if (text === undefined) return standard;
  const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MOST) return count;
  throw new CorralError('invalid_input', `${option}: "${text}" is not a number from 0 to ${MOST}.`, { hint: `Write ${option} 50.` });
};

/** A moment, or how long ago it was. Throws `invalid_input`. */
const timeOption = (option: string, text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  const moment = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new CorralError('invalid_input', `${option}: "${text}" is no time.`, {
    hint: `Write ${option} 2h (or 30m, 7d), or ${option} 2026-11-20T12:00:00Z.`,
  });
};

/** Opens the house to look only, ends the look with a signal, and closes it whatever happens. */
const looking = async (
  context: CliContext,
  args: ServerArguments,
  work: (app: App, signal: AbortSignal) => Promise<number>,
): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'reader', 'audit');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  try {
    return await work(app, stop.signal);
  } catch (error) {
    if (isBrokenPipe(error)) return EXIT.brokenPipe;
    if (stop.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    await app.close();
  }
};

const writer = (context: CliContext, json: boolean | undefined): ((record: AuditRecord) => Promise<void>) => {
  const { stdout: sink } = createStandardSinks();
  const style = createStyle(wantsColour(process.stdout, context.env));
  return (record) => sink(Buffer.from(json === true ? auditJson(record) : auditLine(record, style)));
};

/** `corral audit tail`: the newest events of all servers; with --follow, those that come. */
export const runAuditTail = async (context: CliContext, args: ServerArguments, options: AuditTailOptions): Promise<number> => {
  const count = countOption('--lines', options.lines, DEFAULT_LINES);
  return looking(context, args, async (app, signal) => {
    const write = writer(context, options.json);
    for await (const record of (await app.audit()).tail({ count, follow: options.follow ?? false }, signal)) await write(record);
    return signal.aborted ? EXIT.interrupted : EXIT.ok;
  });
};

/** `corral audit search`: the events that match, oldest first. */
export const runAuditSearch = async (context: CliContext, args: ServerArguments, options: AuditSearchOptions): Promise<number> => {
  const now = Date.now();
  const { caller, operation, outcome, text } = options;
  const limit = countOption('--limit', options.limit, DEFAULT_LIMIT);
  const query = {
    caller,
    operation,
    outcome,
    text,
    limit,
    sinceMs: timeOption('--since', options.since, now),
    untilMs: timeOption('--until', options.until, now),
  };
  return looking(context, args, async (app, signal) => {
    const found = await (await app.audit()).search(query, signal);
    const write = writer(context, options.json);
    for (const record of found.toReversed()) await write(record);
    if (found.length === limit) process.stderr.write(`corral: only the newest ${limit}; --limit shows more\n`);
    return EXIT.ok;
  });
};

/** `corral audit verify`: 0 when nobody changed the log, 1 when somebody did. */
export const runAuditVerify = async (context: CliContext, args: ServerArguments, options: { readonly json?: boolean }): Promise<number> =>
  looking(context, args, async (app, signal) => {
    const report = await (await app.audit()).verify(signal);
    const { stdout: sink } = createStandardSinks();
    if (options.json === true) await sink(Buffer.from(`${JSON.stringify(report)}\n`));
    else {
      const style = createStyle(wantsColour(process.stdout, context.env));
      const lines = [
        ...report.problems.map(({ kind, message }) => `${style.red(kind)}: ${printable(message)}`),
        ...report.notes.map((note) => `${style.yellow('note')}: ${printable(note)}`),
        `${report.records} records in ${report.segments} segments of ${report.chains} chains: ${report.ok ? style.green('nobody changed them') : style.red(`${report.problems.length} problems`)}`,
      ];
      await sink(Buffer.from(`${lines.join('\n')}\n`));
    }
    return report.ok ? EXIT.ok : EXIT.failure;
  });
