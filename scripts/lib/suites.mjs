import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture, ROOT, run } from './process.mjs';

/**
 * What a suite came to. `skips` name every test that was not run, with its reason.
 * @typedef {{ passed: number, failed: number, skips: { name: string, reason: string }[], passedNames: string[] }} Tally
 */

/** @type {() => Tally} */
export const emptyTally = () => ({ passed: 0, failed: 0, skips: [], passedNames: [] });

/** @type {(a: Tally, b: Tally) => Tally} */
export const addTallies = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skips: [...a.skips, ...b.skips],
  passedNames: [...a.passedNames, ...b.passedNames],
});

/**
 * Runs vitest once.
 * @param {readonly string[]} args
 * @returns {Promise<Tally>}
 */
export const runVitest = async (args) => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-test-'));
  const summary = join(folder, 'summary.json');
  try {
    const reporter = join(ROOT, 'scripts/lib/vitest-summary.mjs');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const code = await run([process.execPath, vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...args], {
      env: { CORRAL_TEST_SUMMARY: summary },
    });
    const told = await readFile(summary, 'utf8').then(JSON.parse, () => undefined);
    const tally = { ...emptyTally(), ...told };
    // Vitest knows of failures that belong to no test: unhandled errors, a broken configuration, nothing found to run.
    return { ...tally, failed: Math.max(tally.failed + (told?.errors ?? 0), code === 0 ? 0 : 1) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * Runs a suite that is a program: exit code 0 is one pass, 77 (the custom of test programs) a skip whose last line says why, all else a failure.
 * @param {string} name
 * @param {readonly string[]} argv the last argument that names a file of the repository must exist
 * @param {{ timeoutMs: number, needs: string }} options `needs` is the file without which the suite is skipped
 * @returns {Promise<Tally>}
 */
export const runProgram = async (name, argv, { timeoutMs, needs }) => {
  const present = await access(join(ROOT, needs)).then(
    () => true,
    () => false,
  );
  if (!present) return { ...emptyTally(), skips: [{ name, reason: `${needs} is not part of this tree` }] };
  const end = await capture(argv, { timeoutMs, echo: true });
  if (end.code === 0) return { ...emptyTally(), passed: 1, passedNames: [name] };
  if (end.code !== 77) return { ...emptyTally(), failed: 1 };
  return { ...emptyTally(), skips: [{ name, reason: end.stdout.trim().split('\n').at(-1) ?? '' }] };
};
