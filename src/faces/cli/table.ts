/** Columns as wide as their widest cell, two spaces between; the last one is not padded. `width` cuts lines, 0 does not. */
export const table = (rows: readonly (readonly string[])[], width = 0): string => {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  const lines = rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => `${width > 0 && line.length > width ? `${line.slice(0, Math.max(1, width - 1))}…` : line}\n`).join('');
};

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** `850ms`, `12s`, `3m`, `5h`, `2d` */
export const shortDuration = (ms: number): string => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = ms / 1000;
  const unit = UNITS.find(([, size]) => seconds >= size);
  return unit === undefined ? `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)}s` : `${Math.floor(seconds / unit[1])}${unit[0]}`;
};

export const ago = (thenMs: number, nowMs: number): string => `${shortDuration(Math.max(0, nowMs - thenMs))} ago`;

const SIZES = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 bytes`, `1.5 MiB` */
export const formatBytes = (bytes: number): string => {
  const power = Math.min(SIZES.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? String(bytes) : (bytes / 1024 ** power).toFixed(1)} ${SIZES[power] ?? ''}`;
};
