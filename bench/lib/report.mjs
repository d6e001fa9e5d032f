const mark = (pass) => (pass === undefined ? 'skip' : pass ? 'pass' : 'FAIL');

/** The lines as a table for people. */
export const table = (lines) => {
  const rows = [
    ['', 'what', 'goal', 'figure'],
    ...lines.map((line) => [mark(line.pass), line.name, line.goal, line.figure ?? `skipped: ${line.reason}`]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** What was measured beside the goals, one server a line. */
export const speedTable = (speed) => {
  const rows = [
    ['echo hi', 'p50 ms', 'p95 ms', 'min ms', 'calls/s @50', 'calls'],
    ...Object.entries(speed).map(([name, one]) => [
      name,
      String(one.p50),
      String(one.p95),
      String(one.min),
      String(one.perSecond ?? ''),
      String(one.calls),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '))
    .join('\n');
};
