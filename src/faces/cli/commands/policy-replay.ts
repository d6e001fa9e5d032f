import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { createPolicy, type Policy } from '../../../core/policy/decide.ts';
import { requestOfRecord } from '../../../core/policy/history.ts';
import { readRulesFile } from '../../../core/policy/local.ts';
import { replay, type HistoryEntry } from '../../../core/policy/replay.ts';
import { createResolver } from '../../../core/policy/resolve.ts';
import { sandboxRules, type Rules } from '../../../core/policy/rules.ts';
import { createSystemFacts } from '../../../core/policy/system-facts.ts';
import { printable } from '../../../core/policy/text.ts';
import type { App } from '../../../core/app.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { openGuest } from '../guest.ts';
import { numberOption, withApp } from '../invoke.ts';
import { loadSettings } from '../settings.ts';
import type { ServerArguments } from '../stdio-arguments.ts';

const PAGE = 500;

const historyOf = async (app: App, limit: number): Promise<{ readonly entries: readonly HistoryEntry[]; readonly untold: number }> => {
  const entries: HistoryEntry[] = [];
  let untold = 0;
  let before: string | undefined;
  while (entries.length + untold < limit) {
    const records = await app.executions.list({ limit: Math.min(PAGE, limit - entries.length - untold), before });
    if (records.length === 0) break;
    for (const record of records) {
      const entry = requestOfRecord(record);
      if (entry === undefined) untold += 1;
      else entries.push(entry);
    }
    before = records.at(-1)?.id;
  }
  return { entries, untold };
};

/** Sandboxes of the past cannot be looked into: paths are judged by their text, against the folders in which commands ran. */
const policyFor = (rules: Rules, entries: readonly HistoryEntry[]): Policy =>
  createPolicy(rules, {
    resolver: createResolver(createSystemFacts()),
    roots: [...new Set(entries.map(({ request }) => request.cwd ?? '/'))],
    home: homedir(),
    driver: 'bubblewrap',
    network: 'none',
  });

export interface ReplayOptions {
  readonly rules: string;
  readonly against?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/** `corral policy replay`: one line for each execution that the new rules would have decided differently. */
export const runPolicyReplay = async (context: CliContext, args: ServerArguments, options: ReplayOptions): Promise<number> => {
  const loaded = await loadSettings(context, args);
  const limit = numberOption('--limit', options.limit) ?? PAGE;
  const read = (path: string): Rules => readRulesFile(resolve(context.cwd, path), loaded.config.workspaces);
  const [rules, old] = [read(options.rules), options.against === undefined ? sandboxRules() : read(options.against)];
  const app = openGuest(context, loaded, 'reader', 'policy replay');
  const { entries, untold } = await withApp(app, () => historyOf(app, limit));
  const differences = replay(policyFor(old, entries), policyFor(rules, entries), entries);
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ executions: entries.length, untold, differences: differences.map(({ id, request, before, after }) => ({ id, request, before: { verdict: before.verdict, rule: before.rule }, after: { verdict: after.verdict, rule: after.rule, reason: after.reason } })) })}\n`,
    );
  else {
    for (const { id, request, before, after } of differences)
      process.stdout.write(
        `${id}  ${before.verdict} -> ${after.verdict}  ${after.rule}: ${after.reason}\n    ${printable(request.shell ?? request.argv?.join(' ') ?? request.operation ?? '')}\n`,
      );
    process.stdout.write(
      `${String(entries.length)} executions, ${String(differences.length)} decided differently${untold > 0 ? `, ${String(untold)} whose request is not known` : ''}\n`,
    );
  }
  return EXIT.ok;
};
