// What a decision costs: `node bench/policy.mjs`, alone, in a few seconds. Figures are microseconds a decision over real files and programs.
//   --json   the figures as JSON
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = new URL('..', import.meta.url).pathname;
const ROUNDS = 40;
const EACH = 250;

/** Goals in microseconds at the median. */
const SUBJECTS = [
  { name: 'argv', goal: 50, request: { argv: ['ls', '-la', 'src'] } },
  { name: 'argv, a path to follow', goal: 50, request: { argv: ['cat', 'package.json'] } },
  { name: 'argv, git', goal: 50, request: { argv: ['git', 'log', '--oneline', '-n', '5'] } },
  { name: 'argv, denied', goal: 50, request: { argv: ['rm', '-rf', '/'] } },
  { name: 'shell, one command', goal: 150, request: { shell: 'ls -la src' } },
  { name: 'shell, simple pipeline', goal: 150, request: { shell: 'grep -rn "foo bar" . | sort | head -n 5' } },
  { name: 'shell, awk script', goal: 150, request: { shell: "awk 'NR>1 {s+=$2} END {print s}' f | sort -n" } },
  { name: 'shell, denied', goal: 150, request: { shell: 'ls; rm -rf /' } },
];

const load = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'corral-policy-bench-'));
  const outfile = join(folder, 'policy.mjs');
  const contents = `export { createLocalPolicy } from './src/core/policy/local.ts'; export { allowList } from './src/core/policy/rules.ts';`;
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  try {
    await build({
      stdin: { contents, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      banner,
      logLevel: 'error',
    });
    return await import(outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Each sample is one decision; the clock is read around it. */
const measure = (policy, { name, goal, request }) => {
  for (let warm = 0; warm < 2000; warm += 1) policy.decide(request);
  const samples = [];
  for (let round = 0; round < ROUNDS * EACH; round += 1) {
    const started = process.hrtime.bigint();
    policy.decide(request);
    samples.push(Number(process.hrtime.bigint() - started) / 1000);
  }
  samples.sort((one, other) => one - other);
  const p50 = percentile(samples, 0.5);
  return { name, goal, p50, p99: percentile(samples, 0.99), verdict: policy.decide(request).verdict, pass: p50 <= goal };
};

const { createLocalPolicy, allowList } = await load();
const started = performance.now();
const names = 'ls cat echo grep wc head sort git find awk sed tail cut tr uniq printf'.split(' ');
const policy = createLocalPolicy({ rules: allowList(names), workspaces: [ROOT], home: '/root', driver: 'host', network: 'none' });
const readyMs = performance.now() - started;
const results = SUBJECTS.map((subject) => measure(policy, subject));

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ node: process.version, readyMs, results }, null, 1)}\n`);
else {
  process.stdout.write(`${'decision'.padEnd(26)}${'p50 us'.padStart(9)}${'p99 us'.padStart(9)}${'goal'.padStart(7)}  verdict\n`);
  for (const { name, p50, p99, goal, verdict, pass } of results)
    process.stdout.write(
      `${name.padEnd(26)}${p50.toFixed(1).padStart(9)}${p99.toFixed(1).padStart(9)}${String(goal).padStart(7)}  ${verdict}${pass ? '' : '  OVER ITS GOAL'}\n`,
    );
  process.stdout.write(`made ready in ${readyMs.toFixed(1)} ms on Node ${process.version}\n`);
}
process.exitCode = results.some(({ pass }) => !pass) ? 1 : 0;
