import { concurrent, sequential } from '../lib/load.mjs';
import { corralEcho, startCorral } from '../lib/servers.mjs';
import { median, quantile, round } from '../lib/stats.mjs';

const WARM_CALLS = 20;
const BLOCKS = 20;
const CALLS_PER_BLOCK = 20;
const EXTRA_CALLS = 30;
const WIDTH = 50;
const LOAD_BLOCKS = 5;
const LOAD_CALLS = 400;

/** The same lanes, beginning with another one: none always comes after the same neighbour's leftovers. */
const rotated = (lanes, by) => [...lanes.slice(by % lanes.length), ...lanes.slice(0, by % lanes.length)];

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

    const latency = new Map();
    const note = (name, times) => latency.set(name, [...(latency.get(name) ?? []), times]);
    for (let block = 0; block < BLOCKS; block += 1) {
      for (const lane of rotated(lanes, block)) note(lane.name, await sequential(CALLS_PER_BLOCK, lane.echo));
      if (floor) note('posix_spawn in C', await floor.measure(CALLS_PER_BLOCK, ['sh', '-c', 'echo hi']));
    }
    const rates = new Map();
    for (let block = 0; block < LOAD_BLOCKS; block += 1)
      for (const lane of rotated(lanes, block))
        rates.set(lane.name, [...(rates.get(lane.name) ?? []), await concurrent(LOAD_CALLS, WIDTH, lane.echo)]);
    for (const lane of extras) note(lane.name, await sequential(EXTRA_CALLS, lane.echo));
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
