import type { DoctorReport } from './report.ts';

const CHECK_MARK = { ok: 'ok      ', warn: 'warning ', fail: 'FAILED  ', skipped: 'skipped ' } as const;
const PROBE_MARK = { yes: 'held    ', no: 'ESCAPED ', unproven: 'unproven' } as const;
const INDENT = ' '.repeat(9);

const SUMMARY = {
  ok: 'Everything is as it should be, and every escape that was tried was refused.',
  warn: 'It works. What is marked could be stronger, or was not proven here.',
  fail: 'Something is missing or does not hold: see what is marked FAILED or ESCAPED.',
} as const;

/** The report as text for a terminal: one line a check, what mends it below. */
export const renderDoctor = (report: DoctorReport): string => {
  const width = Math.max(0, ...[...report.checks, ...report.probes].map(({ title }) => title.length));
  const checks = report.checks.flatMap(({ title, status, found, fix }) => [
    `${CHECK_MARK[status]} ${title.padEnd(width)}  ${found}`,
    ...(fix === undefined || status === 'ok' ? [] : [`${INDENT}${' '.repeat(width)}  -> ${fix}`]),
  ]);
  const probes = report.probes.map(({ title, held, seen, expected }) =>
    held === 'yes'
      ? `${PROBE_MARK.yes} ${title.padEnd(width)}  ${expected} (${seen})`
      : `${PROBE_MARK[held]} ${title.padEnd(width)}  ${seen}`,
  );
  return [
    `Corral ${report.version}`,
    '',
    ...checks,
    '',
    'Escapes, tried in a real sandbox:',
    ...probes,
    '',
    SUMMARY[report.verdict],
    '',
  ].join('\n');
};
