/** Runs `work` `count` times, one after the other; milliseconds of each. */
export const sequential = async (count, work) => {
  const times = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    await work(index);
    times.push(performance.now() - started);
  }
  return times;
};

/** Runs `work` `count` times with `width` of them at once; calls per second over the whole. */
export const concurrent = async (count, width, work) => {
  let next = 0;
  const started = performance.now();
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return count / ((performance.now() - started) / 1000);
};
