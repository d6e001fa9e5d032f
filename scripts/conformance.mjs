// The official conformance suite against the MCP face over HTTP: every required scenario of both revisions against the composition with the
// referee's fixtures, the extension for tasks, then what needs no fixtures against a production server.
// `--production "node dist/corral.js serve --transport http --bind 127.0.0.1:PORT"` names that server; without it, the bare composition is
// taken. Ends with 1 when a required scenario fails.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, ROOT, say } from './lib/process.mjs';
import { bundleProgram, fetchReferees, startServer } from './lib/referee.mjs';

const OUT = join(ROOT, 'build/conformance');
const BASELINE = join(ROOT, 'test/conformance/production-baseline.yml');

/** Revision -> how many scenarios it requires of a server. Fewer in a report means that the suite was not run in full. */
const REQUIRED = { '2026-07-28': 37, '2025-11-25': 30 };

/**
 * What a server without fixtures has to pass.
 * @type {[revision: string, scenario: string][]}
 */
const PRODUCTION = [
  ['2026-07-28', 'server-stateless'],
  ['2026-07-28', 'tools-list'],
  ['2026-07-28', 'server-sse-multiple-streams'],
  ['2026-07-28', 'dns-rebinding-protection'],
  ['2026-07-28', 'http-header-validation'],
  ['2026-07-28', 'caching'],
  ['2025-11-25', 'server-initialize'],
  ['2025-11-25', 'ping'],
  ['2025-11-25', 'tools-list'],
  ['2025-11-25', 'server-sse-multiple-streams'],
  ['2025-11-25', 'dns-rebinding-protection'],
  ['2025-11-25', 'server-session-lifecycle'],
];

/** Of the extension for tasks; no revision requires them. tasks-status-notifications is left out: the referee skips it. */
const TASKS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
  'tasks-mrtr-composition',
];

const SET_TIMEOUT_MS = 180_000;
const SCENARIO_TIMEOUT_MS = 60_000;

/** `✓ tools-list: 4 passed, 0 failed` */
const RESULT = /^(✓|✗) ([\w-]+): (\d+) passed, (\d+) failed/;
/** `Passed: 9/9, 0 failed, 0 warnings` */
const TALLY = /^Passed: (\d+)\/\d+, (\d+) failed, (\d+) warnings/m;
/** `  ✗ tasks-lifecycle (extension)` */
const UNSCORED = /^ {2}[✓✗] ([\w-]+) \(/;

/** @returns {{ name: string, passed: number, failed: number }[]} */
const readSummary = (stdout) => {
  const lines = stdout.split('\n');
  const unscored = new Set(lines.flatMap((line) => UNSCORED.exec(line)?.[1] ?? []));
  return lines
    .map((line) => RESULT.exec(line))
    .filter((match) => match !== null)
    .map(([, , name, passed, failed]) => ({ name, passed: Number(passed), failed: Number(failed) }))
    .filter(({ name }) => !unscored.has(name));
};

/** True when every scenario that the revision requires was run and passed. */
const runRequired = async (referees, url, revision) => {
  const argv = [referees.node, referees.conformance, 'server', '--url', url, '--requirements', revision, '-o', join(OUT, revision)];
  const { stdout, stderr } = await capture(argv, { timeoutMs: SET_TIMEOUT_MS });
  const scenarios = readSummary(stdout);
  const failed = scenarios.filter((scenario) => scenario.failed > 0);
  const checks = scenarios.reduce((sum, { passed }) => sum + passed, 0);
  const total = REQUIRED[revision];
  process.stdout.write(
    `conformance ${revision}: ${scenarios.length - failed.length} of ${total} required scenarios pass (${checks} checks)\n`,
  );
  for (const scenario of failed)
    process.stdout.write(`  failed: ${scenario.name} (${scenario.failed} checks; see build/conformance/${revision})\n`);
  if (scenarios.length !== total) {
    process.stdout.write(`  only ${scenarios.length} scenarios were reported\n${stderr.slice(-2000)}\n`);
    return false;
  }
  return failed.length === 0;
};

/** True when the scenario passes but for the checks of the baseline. */
const runScenario = async (referees, url, [revision, scenario]) => {
  const out = join(OUT, 'production', revision);
  const argv = [referees.node, referees.conformance, 'server', '--url', url, '--scenario', scenario, '--spec-version', revision];
  const { code, stdout, stderr } = await capture([...argv, '--force', '--expected-failures', BASELINE, '-o', out], {
    timeoutMs: SCENARIO_TIMEOUT_MS,
  });
  if (code !== 0)
    process.stdout.write(`  failed: ${scenario} at ${revision}\n${`${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n')}\n`);
  return code === 0;
};

/** True when every scenario of the extension ran, with no check failed, warned of or left out. */
const runTasks = async (referees, url) => {
  let passed = 0;
  let checks = 0;
  for (const scenario of TASKS) {
    const argv = [referees.node, referees.conformance, 'server', '--url', url, '--scenario', scenario, '-o', join(OUT, 'tasks')];
    const { code, stdout, stderr } = await capture(argv, { timeoutMs: SCENARIO_TIMEOUT_MS });
    const [, good, bad, warned] = TALLY.exec(stdout) ?? [];
    checks += Number(good ?? 0);
    if (code === 0 && Number(good) > 0 && bad === '0' && warned === '0') passed += 1;
    else process.stdout.write(`  failed: ${scenario}\n${`${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n')}\n`);
  }
  process.stdout.write(`conformance of tasks: ${passed} of ${TASKS.length} scenarios pass (${checks} checks)\n`);
  return passed === TASKS.length;
};

const runProduction = async (referees, url) => {
  let passed = 0;
  for (const wanted of PRODUCTION) if (await runScenario(referees, url, wanted)) passed += 1;
  process.stdout.write(`conformance of the production server: ${passed} of ${PRODUCTION.length} scenarios pass\n`);
  return passed === PRODUCTION.length;
};

const withServer = async (argv, judge) => {
  const server = await startServer(argv);
  try {
    return await judge(server.url);
  } finally {
    await server.stop();
  }
};

const main = async () => {
  const { values } = parseArgs({ options: { production: { type: 'string' } } });
  const referees = await fetchReferees();
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  const program = await bundleProgram('test/conformance/server.ts', 'conformance-server');
  const composition = [process.execPath, program, '--port', 'PORT'];
  const required = await withServer(composition, async (url) => {
    const results = [];
    for (const revision of Object.keys(REQUIRED)) results.push(await runRequired(referees, url, revision));
    return results.every(Boolean);
  });
  const tasks = await withServer([...composition, '--tasks'], (url) => runTasks(referees, url));
  const production = values.production?.trim().split(/\s+/) ?? [...composition, '--bare'];
  const bare = await withServer(production, (url) => runProduction(referees, url));
  return required && tasks && bare;
};

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  say(`conformance failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
