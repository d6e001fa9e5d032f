// `npm test`: from a fresh clone to counts. With arguments it is vitest with those arguments (`npm test -- test/lib`).
import { build } from './lib/build.mjs';
import { ensureTerminalPrograms } from './lib/machine.mjs';
import { say } from './lib/process.mjs';
import { setUp } from './lib/setup.mjs';
import { addTallies, emptyTally, runProgram, runVitest } from './lib/suites.mjs';
import { missingDrivers, report } from './lib/verdict.mjs';

/** Short forms of the heavy suites. Each is a program that ends with 0, with 77 to skip, or has failed. */
const PROGRAMS = [
  { name: 'supervisor', needs: 'supervisor/test.sh', argv: ['sh', 'supervisor/test.sh'], timeoutMs: 240_000 },
  { name: 'chaos (short)', needs: 'scripts/chaos.mjs', argv: [process.execPath, 'scripts/chaos.mjs', '--short'], timeoutMs: 180_000 },
  { name: 'soak (short)', needs: 'scripts/soak.mjs', argv: [process.execPath, 'scripts/soak.mjs', '--short'], timeoutMs: 180_000 },
  { name: 'bench (short)', needs: 'bench/run.mjs', argv: [process.execPath, 'bench/run.mjs', '--short'], timeoutMs: 180_000 },
  { name: 'demo', needs: 'examples/working-day/demo.mjs', argv: [process.execPath, 'examples/working-day/demo.mjs'], timeoutMs: 120_000 },
];

const args = process.argv.slice(2);

/** The build is a suite of its own: where it fails, what does not need it is still worth running. */
const buildSuite = async () => {
  try {
    await build();
    return emptyTally();
  } catch (error) {
    say(`build failed: ${error instanceof Error ? error.message : error}`);
    return { ...emptyTally(), failed: 1 };
  }
};

const main = async () => {
  await setUp();
  if (process.env.CI) {
    const ready = await ensureTerminalPrograms();
    if (!ready.ok) say(ready.reason);
  }
  let tally = addTallies(await buildSuite(), await runVitest(args));
  if (args.length === 0) {
    for (const { name, argv, ...options } of PROGRAMS) {
      say(`suite: ${name}`);
      tally = addTallies(tally, await runProgram(name, argv, options));
    }
    if (process.env.CI) {
      const missing = missingDrivers(tally);
      for (const line of missing) say(line);
      tally = { ...tally, failed: tally.failed + missing.length };
    }
  }
  process.stdout.write(`\n${report(tally)}\n`);
  if (tally.failed > 0) process.exitCode = 1;
};

try {
  await main();
} catch (error) {
  say(`test run failed: ${error instanceof Error ? error.message : error}`);
  process.stdout.write(`\n${report({ ...emptyTally(), failed: 1 })}\n`);
  process.exitCode = 1;
}
