import { cpuSeconds, peakRssBytes } from '../lib/process-facts.mjs';
import { corralEcho, startCorral } from '../lib/servers.mjs';
import { MIB, round } from '../lib/stats.mjs';

const LINE = 'the quick brown fox jumps over the lazy dog, again and again..'; // 62 letters and a line end

/** What `mebibytes` of a child's output cost the server process itself: CPU seconds, and its highest resident size. */
export const measureOutputCost = async (mebibytes) => {
  const corral = await startCorral();
  try {
    return await measure(corral, mebibytes);
  } finally {
    await corral.stop();
  }
};

const measure = async (corral, mebibytes) => {
  await corralEcho(corral);
  const bytes = mebibytes * MIB;
  const before = cpuSeconds(corral.pid);
  const started = performance.now();
  let answer = await corral.call('execute_command', { command: `yes '${LINE}' | head -c ${bytes}`, wait_seconds: 50 });
  while (answer.status === 'running') answer = await corral.call('wait', { execution_id: answer.execution_id, wait_seconds: 50 });
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuSeconds(corral.pid) - before;
  const tail = await corral.call('read_output', { execution_id: answer.execution_id, tail: 1 });
  return {
    bytes,
    kept: answer.stdout?.bytes ?? 0,
    whole: answer.outcome?.code === 0 && answer.stdout?.bytes === bytes && LINE.startsWith(tail.stdout?.text.trimEnd() ?? '?'),
    cpuSeconds: round(cpu, 3),
    peakRssMiB: round(peakRssBytes(corral.pid) / MIB, 1),
    mibPerSecond: round(mebibytes / seconds, 0),
  };
};
