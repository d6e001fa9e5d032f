// `npm run soak`: a day's work in minutes. 50,000 programs of many kinds, with cancels at random, on a server that is watched for growth;
// a fifth of them on one that is killed again and again. Every one is accounted for: how it ended, and what it printed, to the byte.
//   --executions N   how many (50,000)   --minutes N   in how long at least (10)   --width N   at once (24)   --seed S   repeats a run
//   --short   1,500 of them as fast as they go: part of npm test
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { eventually } from './chaos/output.mjs';
import { holding, withEnvironment } from './chaos/processes.mjs';
import { build } from './lib/build.mjs';
import { say } from './lib/process.mjs';
import { surviveCrashes } from './soak/crashes.mjs';
import { judgeFigures } from './soak/figures.mjs';
import { holdSteady } from './soak/steady.mjs';
import { createTally } from './soak/tally.mjs';

const { values } = parseArgs({
  options: {
    executions: { type: 'string' },
    minutes: { type: 'string' },
    width: { type: 'string', default: '24' },
    seed: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const executions = Number(values.executions ?? (values.short ? 1500 : 50_000));
const minutes = Number(values.minutes ?? (values.short ? 0 : 10));
const width = Number(values.width);
const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed);
if (
  !Number.isInteger(executions) ||
  executions < 100 ||
  !(minutes >= 0) ||
  !Number.isInteger(width) ||
  width < 4 ||
  !Number.isInteger(seed)
) {
  say('--executions (at least 100), --width (at least 4) and --seed are whole numbers; --minutes is a number');
  process.exit(2);
}

/** Small, so that what bounds the state folder has work to do. */
const ENV = {
  CORRAL_OUTPUT_BYTES: String(1024 ** 2),
  CORRAL_LOG_QUOTA_BYTES: String(32 * 1024 ** 2),
  CORRAL_AUDIT_BYTES: String(16 * 1024 ** 2),
  CORRAL_RETENTION_SECONDS: '60',
};
const GONE_MS = 10_000;

await build();
const folder = await mkdtemp(join(tmpdir(), 'corral-soak-'));
const mark = `soak-${randomBytes(6).toString('hex')}`;
const file = (name) => join(folder, name);
const tally = createTally(executions, say);
const started = performance.now();
/** Waits until this share of the work is due: work that comes as fast as it goes says nothing of how late a loop is. */
const pace = (share) => sleep(Math.max(0, started + share * minutes * 60_000 - performance.now()));
say(`soak: ${executions} executions, ${width} at once, --seed ${seed}`);
try {
  const onCrashing = Math.floor(executions / 5);
  const crashWidth = Math.max(2, Math.floor(width / 3));
  const common = { env: ENV, seed, mark, tally, pace };
  const [steady, crashed] = await Promise.all([
    holdSteady({
      ...common,
      stateDir: file('steady'),
      vitals: file('server.jsonl'),
      count: executions - onCrashing,
      warmUp: Math.floor((executions - onCrashing) / 10),
      width: width - crashWidth,
    }),
    surviveCrashes({ ...common, stateDir: file('crashing'), count: onCrashing, width: crashWidth }),
  ]);
  const orphans = () => [...withEnvironment(`SOAK_MARK=${mark}`), ...holding(folder)];
  await eventually(() => orphans().length === 0, GONE_MS);

  const read = (name) =>
    readFileSync(file(name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const figures = judgeFigures({ steady, server: read('server.jsonl'), isLong: !values.short });
  const failures = [...tally.failures, ...orphans().map((line) => `orphan: ${line}`), ...figures.failures];
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    [
      `soak: ${executions} executions in ${seconds.toFixed(1)} s (${(executions / seconds).toFixed(0)} a second), ${width} at once, seed ${seed}`,
      `  ${tally.summary()}`,
      `  ${crashed.crashes} crashes of the second server`,
      ...figures.lines.map((line) => `  ${line}`),
      ...failures.map((line) => `  FAIL ${line}`),
      failures.length === 0
        ? '  nothing was lost, nothing grew'
        : `  ${failures.length} failures; repeat with --executions ${executions} --seed ${seed}`,
    ].join('\n') + '\n',
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
