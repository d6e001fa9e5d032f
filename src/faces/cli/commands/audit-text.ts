import type { AuditEvent, AuditRecord } from '../../../ports/audit.ts';
import { printable, type Style } from '../style.ts';
import { shortDuration } from '../table.ts';

const MAX_DETAIL = 240;

/** What the event is about: the command, the arguments, or what went wrong. */
const subject = (event: AuditEvent): string => {
  if (event.argv !== undefined) return event.argv.map((step) => step.join(' ')).join(' && ');
  if (event.message !== undefined) return event.message;
  if (event.input !== undefined) return JSON.stringify(event.input);
  return event.log === undefined ? '' : JSON.stringify(event.log);
};

const facts = (event: AuditEvent): readonly string[] =>
  [
    event.verdict === undefined ? undefined : `${event.verdict}${event.rule === undefined ? '' : ` by ${event.rule}`}`,
    event.outcome,
    event.code,
    event.durationMs === undefined ? undefined : `in ${shortDuration(event.durationMs)}`,
    event.execution,
  ].filter((fact) => fact !== undefined);

/** One line for a person. Whatever came from outside is made printable. */
export const auditLine = ({ at, event, genuine }: AuditRecord, style: Style): string => {
  const about = printable(subject(event));
  const parts = [
    style.dim(at),
    style.bold(event.kind.padEnd(8)),
    printable(event.caller ?? '-'),
    printable(event.operation ?? '-'),
    ...facts(event).map(printable),
    style.dim(about.length > MAX_DETAIL ? `${about.slice(0, MAX_DETAIL)}…` : about),
    genuine ? '' : style.red('(this line is not genuine: run corral audit verify)'),
  ];
  return `${parts
    .filter((part) => part !== '')
    .join('  ')
    .trimEnd()}\n`;
};

/** One line for a program. */
export const auditJson = (record: AuditRecord): string => `${JSON.stringify(record)}\n`;
