import type { ApprovalRecord } from '../../ports/approvals.ts';
import type { Answer, Question } from '../operation.ts';
import { visible } from './text.ts';
import type { PersonsAnswer } from './types.ts';

/** A dialog that has to be scrolled for ever is not read. */
const MAX_SHOWN = 4000;

/** What is said in a dialog; a grant by prefix is given at the command line only, where its words are chosen. */
const CHOICES = { once: 'allow once', session: 'allow for this session', deny: 'deny' } as const;

/** The question as the caller's client shows it. */
export const questionOf = (record: ApprovalRecord, pathsUnbound: readonly string[]): Question => {
  const { text, cwd, caller, tool, reason, rule } = record;
  const shown =
    text.length <= MAX_SHOWN
      ? text
      : `${text.slice(0, MAX_SHOWN)}… (${text.length - MAX_SHOWN} more signs; \`corral approvals list --json\` shows all)`;
  const lines = [
    `${caller} asks to run (${tool}):`,
    shown,
    ...(cwd === undefined ? [] : [`in ${visible(cwd)}`]),
    `Asked because: ${visible(reason)} (rule ${visible(rule)})`,
    ...(pathsUnbound.length === 0 ? [] : [`Not checked for changes until it runs: ${pathsUnbound.slice(0, 5).map(visible).join(', ')}`]),
  ];
  const choices = [CHOICES.once, ...(record.scopes.includes('session') ? [CHOICES.session] : []), CHOICES.deny];
  return { id: record.id, message: lines.join('\n'), choices };
};

/** What was chosen; undefined for anything that was not offered. */
export const readAnswer = (answer: Answer, record: ApprovalRecord, by: string): PersonsAnswer | undefined => {
  if (answer.choice === undefined || answer.choice === CHOICES.deny) return { verdict: 'deny', by };
  if (answer.choice === CHOICES.once) return { verdict: 'grant', scope: 'once', by };
  if (answer.choice === CHOICES.session && record.scopes.includes('session')) return { verdict: 'grant', scope: 'session', by };
  return undefined;
};
