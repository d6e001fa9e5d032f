// `npm run bench`: Corral beside other servers and beside the floor, in one run, against its goals. Ratios hold within a run only.
//   --short   what is robust on any machine, in under a minute: part of npm test
//   --json    the result as JSON on stdout; it is also written to build/bench/result.json
import { mkdir, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { build } from '../scripts/lib/build.mjs';
import { say } from '../scripts/lib/process.mjs';
import { prepareFloor } from './floor/floor.mjs';
import { coldLine, lostLine, loopLines, outputLines, speedLines, toolsLine } from './lib/goals.mjs';
import { speedTable, table } from './lib/report.mjs';
import { prepareRivals } from './lib/rivals.mjs';
import { removeStates, ROOT } from './lib/servers.mjs';
import { measureColdStart } from './measures/cold-start.mjs';
import { measureEventLoop } from './measures/event-loop.mjs';
import { measureLostOutput } from './measures/lost-output.mjs';
import { measureOutputCost } from './measures/output-cost.mjs';
import { measureSpeed } from './measures/speed.mjs';

const short = process.argv.includes('--short');
const json = process.argv.includes('--json');

const measureShort = async () => {
  const start = await measureColdStart(1);
  const lost = await measureLostOutput(1000);
  const output = await measureOutputCost(256);
  return { start, lost, output, lines: [toolsLine(start), lostLine(lost), ...outputLines(output)] };
};

const measureAll = async () => {
  say('preparing the rivals and the floor');
  const rivals = await prepareRivals();
  const floor = await prepareFloor();
  if (floor.reason !== undefined) say(floor.reason);
  for (const { name, reason } of rivals.skipped) say(`skipped: ${name}: ${reason}`);
  say('cold start');
  const start = await measureColdStart(7);
  say('latency and rate');
  const speed = await measureSpeed({ rivals: rivals.usable, floor: floor.measure === undefined ? undefined : floor });
  say('10,000 calls with a token each');
  const lost = await measureLostOutput(10_000);
  say('1 GiB of output');
  const output = await measureOutputCost(1024);
  say('100 streams');
  const loop = await measureEventLoop({ streams: 100, seconds: 12 });
  const lines = [
    ...speedLines(speed, rivals.skipped),
    lostLine(lost),
    ...outputLines(output),
    ...loopLines(loop),
    coldLine(start),
    toolsLine(start),
  ];
  return { start, speed, lost, output, loop, skipped: rivals.skipped, lines };
};

/** Work of others per core, over the last minute, above which a median says more about them. */
const BUSY = 0.5;

await build();
const load = loadavg()[0] / availableParallelism();
if (!short && load > BUSY)
  say(`this machine is busy (${load.toFixed(1)} of each core): latencies are upper bounds, their minimum is nearest to the truth`);
let measured;
try {
  measured = await (short ? measureShort() : measureAll());
} finally {
  await removeStates();
}
const result = {
  mode: short ? 'short' : 'full',
  date: new Date().toISOString(),
  machine: {
    node: process.version,
    platform: process.platform,
    arch: arch(),
    kernel: release(),
    cores: availableParallelism(),
    loadPerCore: Number(load.toFixed(2)),
  },
  ...measured,
};
await mkdir(join(ROOT, 'build/bench'), { recursive: true });
await writeFile(join(ROOT, 'build/bench/result.json'), `${JSON.stringify(result, null, 1)}\n`);
if (json) process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
else process.stdout.write(`${table(result.lines)}\n${measured.speed === undefined ? '' : `\n${speedTable(measured.speed)}\n`}`);
process.exitCode = result.lines.some((line) => line.pass === false) ? 1 : 0;
