import { concurrent, sequential } from '../lib/load.mjs';
import { corralEcho, startCorral } from '../lib/servers.mjs';
import { median, quantile, round } from '../lib/stats.mjs';

const WARM_CALLS = 20;
const BLOCKS = 12;
const CALLS_PER_BLOCK = 25;
const EXTRA_CALLS = 3;
const WIDTH = 50;
const LOAD_BLOCKS = 3;
const LOAD_CALLS = 400;

/** Latency of `echo hi` and calls per second, of Corral and its rivals in one run: a block of each in turn, medians of the blocks. */
export const measureSpeed = async ({ rivals, floor }) => {
  const corral = await startCorral();
  const aged = await startCorral({ preloads: ['ballast'] });
  const others = [];
  try {
    for (const rival of rivals) others.push({ ...rival, session: await rival.start() });
    const lanes = [
      { name: 'corral', echo: () => corralEcho(corral) },
      { name: 'corral, 500 MB heap', echo: () => corralEcho(aged) },
      ...others.map(({ name, echo, session }) => ({ name, echo: () => echo(session) })),
    ];
    const extras = [
      { name: 'corral, fresh sandbox', echo: () => corral.call('execute_command', { command: 'echo hi', sandbox: 'ephemeral' }) },
      { name: 'corral, python', echo: () => corral.call('execute_code', { language: 'python', code: 'print(1)' }) },
    ];
    for (const lane of lanes) await sequential(WARM_CALLS, lane.echo);
    for (const lane of extras) await sequential(2, lane.echo);

    const latency = new Map();
    const note = (name, times) => latency.set(name, [...(latency.get(name) ?? []), times]);
    for (let block = 0; block < BLOCKS; block += 1) {
      for (const lane of lanes) note(lane.name, await sequential(CALLS_PER_BLOCK, lane.echo));
      for (const lane of extras) note(lane.name, await sequential(EXTRA_CALLS, lane.echo));
      if (floor) note('posix_spawn in C', await floor.measure(CALLS_PER_BLOCK, ['sh', '-c', 'echo hi']));
    }
    const rates = new Map();
    for (let block = 0; block < LOAD_BLOCKS; block += 1)
      for (const lane of lanes) rates.set(lane.name, [...(rates.get(lane.name) ?? []), await concurrent(LOAD_CALLS, WIDTH, lane.echo)]);
    return Object.fromEntries(
      [...latency].map(([name, blocks]) => [
        name,
        {
          p50: round(median(blocks.map(median)), 3),
          p95: round(quantile(blocks.flat(), 0.95), 3),
          min: round(Math.min(...blocks.flat()), 3),
          calls: blocks.flat().length,
          ...(rates.has(name) && { perSecond: round(median(rates.get(name)), 1) }),
        },
      ]),
    );
  } finally {
    await Promise.all([corral.stop(), aged.stop(), ...others.map(({ session }) => session.stop())]);
  }
};
