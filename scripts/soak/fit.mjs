/** Slope of the least squares line through [x, y], in y per x; 0 of fewer than two points. */
export const slope = (points) => {
  const count = points.length;
  if (count < 2) return 0;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : over / under;
};

/** The lowest point of each stretch of `width`: what a heap holds once its garbage is collected. */
export const lows = (points, width) => {
  const found = new Map();
  for (const [x, y] of points) {
    const stretch = Math.floor(x / width);
    const low = found.get(stretch);
    if (low === undefined || y < low[1]) found.set(stretch, [x, y]);
  }
  return [...found.values()];
};
