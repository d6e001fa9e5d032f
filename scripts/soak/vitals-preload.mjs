/**
 * Loaded into the server before its own code (`node --import`): writes twice a second how much memory it holds, as a JSON line to the file
 * named by SOAK_VITALS, and with its end how late its event loop was. SIGUSR2 begins that measurement anew.
 *
 * A loop is late by what it does itself, and by the time for which the machine had no processor for it. The kernel counts the second
 * (/proc/self/schedstat), so that the first is known on a busy machine too.
 */
import { appendFileSync, closeSync, openSync, readSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';

const TICK_MS = 2;
const EVERY_MS = 500;
const file = process.env.SOAK_VITALS;
// What the process starts must not inherit it.
delete process.env.SOAK_VITALS;

const openSchedstat = () => {
  try {
    return openSync('/proc/self/schedstat', 'r');
  } catch {
    return undefined; // not counted here: all lateness is then its own
  }
};

const watchLoop = () => {
  const fd = openSchedstat();
  const buffer = Buffer.alloc(64);
  /** Nanoseconds for which the main thread was ready to run, and did not. */
  const starved = () => (fd === undefined ? 0 : Number(buffer.toString('latin1', 0, readSync(fd, buffer, 0, 64, 0)).split(' ')[1]));
  let late = createHistogram();
  let own = createHistogram();
  let at = performance.now();
  let waited = starved();
  setInterval(() => {
    const now = performance.now();
    const sum = starved();
    const lateNs = Math.max(0, Math.round((now - at - TICK_MS) * 1e6));
    late.record(lateNs + 1);
    own.record(Math.max(0, lateNs - (sum - waited)) + 1);
    at = now;
    waited = sum;
  }, TICK_MS).unref();
  process.on('SIGUSR2', () => {
    late = createHistogram();
    own = createHistogram();
  });
  process.on('exit', () => {
    if (fd !== undefined) closeSync(fd);
  });
  const figures = (histogram) => ({ p50: histogram.percentile(50) / 1e6, p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 });
  return () => ({ own: figures(own), late: figures(late), count: own.count });
};

if (file !== undefined) {
  const write = (facts) => appendFileSync(file, `${JSON.stringify(facts)}\n`);
  const loop = watchLoop();
  setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage();
    write({ at: Date.now(), rss, heapUsed });
  }, EVERY_MS).unref();
  process.on('exit', () => write({ loop: loop() }));
}
