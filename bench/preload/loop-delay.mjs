/**
 * Loaded into the server before its own code (`node --import`): measures how late its event loop is. SIGUSR2 begins the measurement, a
 * second one ends it; the figures are written to the file named by CORRAL_BENCH_LOOP_DELAY when the process exits.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const file = process.env.CORRAL_BENCH_LOOP_DELAY;
// What the server starts must not inherit it.
delete process.env.CORRAL_BENCH_LOOP_DELAY;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let begun = false;
let figures;

process.on('SIGUSR2', () => {
  if (!begun) {
    begun = true;
    histogram.reset();
    histogram.enable();
    return;
  }
  histogram.disable();
  // The histogram holds the time between two ticks of a timer: what is over its period is the delay.
  const delay = (ns) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  figures = {
    p50: delay(histogram.percentile(50)),
    p99: delay(histogram.percentile(99)),
    max: delay(histogram.max),
    samples: histogram.count,
  };
});
process.on('exit', () => {
  if (file !== undefined) writeFileSync(file, JSON.stringify(figures ?? null));
});
