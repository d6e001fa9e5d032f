import type { Command } from 'commander';
import type { Approvals, PersonsAnswer } from '../../core/approvals/types.ts';
import { quote } from '../../lib/quote.ts';
import type { ApprovalRecord } from '../../ports/approvals.ts';
import { CorralError } from '../../ports/errors.ts';
import type { PolicyCommandsDeps } from './commands/policy.ts';
import { type CliContext, LOCAL } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { numberOption, withApp } from './invoke.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { createStyle, printable, wantsColour } from './style.ts';
import { ago, shortDuration, table } from './table.ts';

interface ListOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

interface GrantOptions {
  readonly session?: boolean;
  readonly prefix?: string;
  readonly json?: boolean;
}

interface DenyOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const MAX_REASON = 500;

const moment = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

/** What a program reads of one: all but the hashes. */
const viewOf = ({ binding: _, frame: __, createdMs, expiresMs, answeredMs, ...record }: ApprovalRecord): Record<string, unknown> => ({
  ...record,
  created: moment(createdMs),
  expires: moment(expiresMs),
  answered: moment(answeredMs),
});

const stateWords = ({ state, scope, words, prefix }: ApprovalRecord, expired: boolean): string => {
  if (expired && state !== 'used') return `${state}, expired`;
  if (state !== 'granted') return state;
  return scope === 'prefix' ? `granted: ${(words ?? []).slice(0, prefix).map(quote).join(' ')} ...` : `granted: ${scope ?? 'once'}`;
};

const openInbox = async (context: CliContext, args: ServerArguments, work: (approvals: Approvals) => Promise<number>): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'reader', 'approvals');
  return withApp(app, async () => work(await app.approvals()));
};

const runList = (context: CliContext, args: ServerArguments, options: ListOptions): Promise<number> =>
  openInbox(context, args, async (approvals) => {
    const records = await approvals.list(options.all === true);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ approvals: records.map(viewOf) })}\n`);
      return EXIT.ok;
    }
    const now = Date.now();
    const lines = records.map((record) => [
      record.id,
      printable(stateWords(record, record.expiresMs <= now)),
      ago(record.createdMs, now),
      record.expiresMs > now ? shortDuration(record.expiresMs - now) : '-',
      printable(record.caller),
      printable(record.rule),
      printable(record.text),
    ]);
    const text = table(
      [['APPROVAL', 'STATE', 'ASKED', 'LEFT', 'CALLER', 'RULE', 'CALL'], ...lines],
      process.stdout.isTTY ? process.stdout.columns : 0,
    );
    const style = createStyle(wantsColour(process.stdout, context.env));
    process.stdout.write(text.replace(/^.*\n/, (head) => `${style.bold(head.trimEnd())}\n`));
    if (records.length === 0 && process.stderr.isTTY) process.stderr.write('corral: nothing waits for an answer; --all shows what did\n');
    return EXIT.ok;
  });

const said = (record: ApprovalRecord): string => {
  const left = shortDuration(Math.max(0, record.expiresMs - Date.now()));
  return record.state === 'denied'
    ? `denied for ${left}: ${record.text}`
    : `${stateWords(record, false)}, to be used within ${left}: ${record.text}`;
};

const runAnswer = (
  context: CliContext,
  args: ServerArguments,
  id: string,
  answer: PersonsAnswer,
  json: boolean | undefined,
): Promise<number> =>
  openInbox(context, args, async (approvals) => {
    const record = await approvals.answer(id, answer);
    process.stdout.write(json === true ? `${JSON.stringify(viewOf(record))}\n` : `${record.id} ${printable(said(record))}\n`);
    return EXIT.ok;
  });

const BY = `${LOCAL.id} (${LOCAL.via})`;

/** Throws `invalid_input`. */
const grantOf = ({ session, prefix }: GrantOptions): PersonsAnswer => {
  if (session === true && prefix !== undefined)
    throw new CorralError('invalid_input', '--session and --prefix are two different grants.', {
      hint: 'Give one of them, or none for a single call.',
    });
  const words = numberOption('--prefix', prefix);
  if (words !== undefined) return { verdict: 'grant', scope: 'prefix', prefix: words, by: BY };
  return { verdict: 'grant', scope: session === true ? 'session' : 'once', by: BY };
};

/** Throws `invalid_input`. */
const denialOf = ({ reason }: DenyOptions): PersonsAnswer => {
  if (reason !== undefined && (reason.length > MAX_REASON || /[\0\p{Surrogate}]/u.test(reason)))
    throw new CorralError('invalid_input', `--reason has at most ${MAX_REASON} signs, and no NUL.`, { hint: 'Say it in one sentence.' });
  return { verdict: 'deny', note: reason, by: BY };
};

const EXAMPLES = `
Examples:
  corral approvals
  corral approvals grant a3k5 --session
  corral approvals grant a3k5 --prefix 2      (git push ...: whatever begins with these two words)
  corral approvals deny a3k5 --reason 'not on the release branch'
`;

/** `corral approvals`: the inbox of what the rules leave to a person. */
export const addApprovalCommands = (approvals: Command, { context, add, configOf, done }: PolicyCommandsDeps): void => {
  const list = (command: Command): Command =>
    command
      .option('-a, --all', 'also what was answered, used or has expired')
      .option('--json', 'as JSON')
      .action(async (options: ListOptions, own: Command) => done(await runList(context, configOf(own), options)));
  list(approvals).addHelpText('after', EXAMPLES);
  list(add(approvals, 'list', 'what waits for an answer, and what was granted'));
  add(approvals, 'grant', 'allow a call')
    .argument('<ID>', 'a question; the beginning of its id will do')
    .option('--session', 'as often as it is made on the server that asked, while the grant holds')
    .option('--prefix <N>', 'every call of this caller that begins with its first N words')
    .option('--json', 'as JSON')
    .action(async (id: string, options: GrantOptions, command: Command) =>
      done(await runAnswer(context, configOf(command), id, grantOf(options), options.json)),
    );
  add(approvals, 'deny', 'refuse a call, or take a grant back')
    .argument('<ID>', 'a question; the beginning of its id will do')
    .option('--reason <TEXT>', 'what the caller is told')
    .option('--json', 'as JSON')
    .action(async (id: string, options: DenyOptions, command: Command) =>
      done(await runAnswer(context, configOf(command), id, denialOf(options), options.json)),
    );
};
