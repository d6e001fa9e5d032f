/** Value at a share (0..1) of sorted numbers; NaN of none. */
export const quantile = (numbers, share) => {
  if (numbers.length === 0) return Number.NaN;
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
};

export const median = (numbers) => quantile(numbers, 0.5);

export const round = (value, digits = 2) => Number(value.toFixed(digits));

export const MIB = 1024 * 1024;
