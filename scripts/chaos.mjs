// `npm run chaos`: the server is killed at random while it works, its supervisor too; nothing may be lost, nobody may be orphaned.
//   --kills N   how often (200)       --seed S   repeats a run       --short   a few kills, in under 45 s: part of npm test
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { surviveKills } from './chaos/kills.mjs';
import { eventually } from './chaos/output.mjs';
import { holding, isRunning, withEnvironment } from './chaos/processes.mjs';
import { shareStateFolder } from './chaos/side-by-side.mjs';
import { surviveLostSandbox } from './chaos/supervisor-killed.mjs';
import { build } from './lib/build.mjs';
import { say } from './lib/process.mjs';

const SHORT_KILLS = 6;
const GONE_MS = 10_000;

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const kills = values.short ? SHORT_KILLS : Number(values.kills);
const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed);
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  say('--kills and --seed are whole numbers');
  process.exit(2);
}

await build();
const mark = `chaos-${randomBytes(6).toString('hex')}`;
const folder = await mkdtemp(join(tmpdir(), 'corral-chaos-'));
const started = performance.now();
say(`chaos: ${kills} kills, --seed ${seed}`);
try {
  const [killed, lost, shared] = await Promise.all([
    surviveKills({ stateDir: join(folder, 'kills'), kills, seed, mark: `${mark}-k`, say }),
    surviveLostSandbox({ stateDir: join(folder, 'lost'), mark: `${mark}-l` }),
    shareStateFolder({ stateDir: join(folder, 'shared'), mark: `${mark}-s` }),
  ]);
  const failures = [
    ...killed.failures,
    ...lost.map((line) => `supervisor killed: ${line}`),
    ...shared.map((line) => `side by side: ${line}`),
  ];

  /** Whatever is still alive of all that was started. */
  const orphans = () => [
    ...['k', 'l', 's-one', 's-two', 's-three'].flatMap((part) => withEnvironment(`CHAOS_MARK=${mark}-${part}`)),
    ...holding(folder),
    ...killed.children.filter(isRunning).map(({ pid }) => `${pid} (a child of a killed server)`),
  ];
  await eventually(() => orphans().length === 0, GONE_MS);
  failures.push(...orphans().map((line) => `orphan: ${line}`));

  const { count } = killed;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    [
      `chaos: ${kills} kills, seed ${seed}, ${seconds} s`,
      `  ${count.started} programs started: ${Object.entries(count.kinds)
        .map(([kind, times]) => `${times} ${kind}`)
        .join(', ')}`,
      `  ${count.checked} checked to the byte (${(count.bytes / 1024 ** 2).toFixed(1)} MiB) and to the exit code; ${count.unanswered} callers lost their answer, ${count.neverStarted} programs had not started`,
      `  ${killed.sandboxes.length} sandboxes, ${orphans().length} orphans`,
      ...failures.map((line) => `  FAIL ${line}`),
      failures.length === 0 ? '  nothing was lost' : `  ${failures.length} failures; repeat with --kills ${kills} --seed ${seed}`,
    ].join('\n') + '\n',
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
