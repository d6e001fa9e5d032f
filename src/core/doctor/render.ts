import type { DoctorReport, ProbeResult } from './report.ts';

const CHECK_MARK = { ok: 'ok      ', warn: 'warning ', fail: 'FAILED  ', skipped: 'skipped ' } as const;
const PROBE_MARK = { yes: 'held    ', no: 'ESCAPED ', unproven: 'unproven' } as const;
const LIMIT_MARK = { ...PROBE_MARK, no: 'FAILED  ' } as const;
const INDENT = ' '.repeat(9);

const SUMMARY = {
  ok: 'Everything is as it should be, and every escape that was tried was refused.',
  warn: 'It works. What is marked could be stronger, or was not proven here.',
  fail: 'Something is missing or does not hold: see what is marked FAILED or ESCAPED.',
} as const;

/** The report as text for a terminal: one line a check, what mends it below. */
export const renderDoctor = (report: DoctorReport): string => {
  const width = Math.max(0, ...[...report.checks, ...report.probes, ...report.limits].map(({ title }) => title.length));
  const checks = report.checks.flatMap(({ title, status, found, fix }) => [
    `${CHECK_MARK[status]} ${title.padEnd(width)}  ${found}`,
    ...(fix === undefined || status === 'ok' ? [] : [`${INDENT}${' '.repeat(width)}  -> ${fix}`]),
  ]);
  const lines = (probes: readonly ProbeResult[], marks: Readonly<Record<ProbeResult['held'], string>>): readonly string[] =>
    probes.map(({ title, held, seen, expected }) =>
      held === 'yes' ? `${marks.yes} ${title.padEnd(width)}  ${expected} (${seen})` : `${marks[held]} ${title.padEnd(width)}  ${seen}`,
    );
  return [
    `Corral ${report.version}`,
    '',
    ...checks,
    '',
    'Escapes, tried in a real sandbox:',
    ...lines(report.probes, PROBE_MARK),
    '',
    'Limits, run into in a real sandbox:',
    ...lines(report.limits, LIMIT_MARK),
    '',
    SUMMARY[report.verdict],
    '',
  ].join('\n');
};
