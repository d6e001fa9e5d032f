// `npm run check`: what must hold before a commit. `--full` (`npm run check:full`): what must hold before a release.
// `--list` names the steps; any other argument picks steps by name (`npm run check -- lint types`).
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { checkModules } from './lib/modules.mjs';
import { ROOT, run, say } from './lib/process.mjs';
import { setUp } from './lib/setup.mjs';

const bin = (name, ...args) => [join(ROOT, 'node_modules/.bin', name), ...args];
const script = (file, ...args) => [process.execPath, file, ...args];
const vitest = (...args) => script('node_modules/vitest/vitest.mjs', 'run', ...args);

/** A step is a program, or a function that gives an exit code. */
const QUICK = [
  { name: 'format', run: bin('oxfmt', '--check') },
  { name: 'lint', run: bin('oxlint', '--type-aware', '--deny-warnings') },
  { name: 'types', run: bin('tsc', '-p', '.') },
  { name: 'types-scripts', run: bin('tsc', '-p', 'tsconfig.scripts.json') },
  { name: 'architecture', run: checkModules },
  { name: 'unused', run: bin('knip', '--no-config-hints') },
  { name: 'build', run: () => build().then(() => 0) },
  { name: 'tests', run: vitest('--project', 'unit', '--project', 'contract') },
];

/** The built server, as the referees start it: on a state folder of its own. */
const OVER_STDIO = 'node dist/corral.js --state-dir build/referee-state';
const OVER_HTTP = 'node dist/corral.js serve --transport http --bind 127.0.0.1:PORT --state-dir build/referee-state';

const FULL = [
  { name: 'e2e', run: vitest('--project', 'e2e') },
  { name: 'supervisor', run: ['sh', 'supervisor/test.sh'] },
  { name: 'conformance', run: script('scripts/conformance.mjs', '--production', OVER_HTTP) },
  {
    name: 'inspector',
    run: script(
      'scripts/inspector.mjs',
      '--stdio',
      OVER_STDIO,
      '--http',
      OVER_HTTP,
      '--tool',
      'execute_command',
      '--args',
      '{"command":"echo hi"}',
    ),
  },
  { name: 'chaos', run: script('scripts/chaos.mjs') },
  { name: 'demo', run: script('examples/working-day/demo.mjs') },
  { name: 'bench', run: script('bench/run.mjs', '--short') },
];

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** The program's own file, when the step is one of the repository's: a step that is not there fails rather than passes. */
const isMissing = async (argv) => {
  const file = argv.find((part) => /\.(mjs|sh)$/.test(part));
  if (file === undefined) return false;
  return access(join(ROOT, file)).then(
    () => false,
    () => true,
  );
};

const runStep = async (step) => {
  if (typeof step.run === 'function') return step.run();
  if (await isMissing(step.run)) {
    say(`${step.name}: there is no ${step.run.find((part) => /\.(mjs|sh)$/.test(part))}`);
    return 1;
  }
  return run(step.run);
};

const pick = () => {
  const steps = values.full ? [...QUICK, ...FULL] : QUICK;
  if (positionals.length === 0) return steps;
  const known = new Map([...QUICK, ...FULL].map((step) => [step.name, step]));
  return positionals.map((name) => {
    const step = known.get(name);
    if (step === undefined) throw new Error(`no step "${name}"; there are: ${[...known.keys()].join(', ')}`);
    return step;
  });
};

const main = async () => {
  const steps = pick();
  if (values.list) {
    process.stdout.write(`${steps.map((step) => step.name).join('\n')}\n`);
    return;
  }
  await setUp();
  const lines = [];
  for (const step of steps) {
    say(`check: ${step.name}`);
    const started = performance.now();
    const code = await runStep(step).catch((error) => {
      say(`${step.name}: ${error instanceof Error ? error.message : error}`);
      return 1;
    });
    if (code !== 0) process.exitCode = 1;
    lines.push(`${code === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
  process.stdout.write(`\n${lines.join('\n')}\n`);
};

try {
  await main();
} catch (error) {
  say(`check failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
