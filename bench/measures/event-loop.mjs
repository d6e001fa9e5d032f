import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { corralEcho, startCorral } from '../lib/servers.mjs';
import { round } from '../lib/stats.mjs';

/** A line every 50 ms from builtins alone, so that the load is the streaming and not the forks of `sleep`. */
const script = (lines) =>
  `exec 3<> <(:); for ((i = 1; i <= ${lines}; i++)); do echo "line $i of a log that somebody watches"; read -t 0.05 -u 3; done; echo the-end`;

const SETTLE_MS = 1000;

/** How late the server's event loop is while `streams` executions print and each is watched for a pattern that comes last. */
export const measureEventLoop = async ({ streams, seconds }) => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-bench-loop-'));
  const file = join(folder, 'delay.json');
  try {
    const corral = await startCorral({ preloads: ['loop-delay'], env: { CORRAL_BENCH_LOOP_DELAY: file } });
    let matched = 0;
    try {
      await corralEcho(corral);
      const lines = seconds * 20;
      const started = [];
      for (let index = 0; index < streams; index += 1)
        started.push(await corral.call('execute_command', { command: script(lines), wait_seconds: 0, stdin: '' }));
      const waits = started.map(async ({ execution_id }) => {
        const met = await corral.call('wait', { execution_id, until: { output: '^the-end$' }, wait_seconds: 50 });
        if (met.condition === 'output') matched += 1;
      });
      await sleep(SETTLE_MS);
      process.kill(corral.pid, 'SIGUSR2');
      await sleep((seconds * 1000) / 2);
      process.kill(corral.pid, 'SIGUSR2');
      await Promise.all(waits);
    } finally {
      await corral.stop();
    }
    const figures = JSON.parse(await readFile(file, 'utf8'));
    if (figures === null) throw new Error('the event loop was not measured');
    return { streams, matched, samples: figures.samples, p50: round(figures.p50), p99: round(figures.p99), max: round(figures.max) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
