import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, describe, expect, test } from 'vitest';
import { createOutput } from '../../../../src/core/output/output.ts';
import { linesOf, summarise } from '../../../../src/core/output/summaries/summarise.ts';
import type { Outcome } from '../../../../src/ports/sandbox.ts';
import { memoryLogs, newlinesIn } from '../logs.ts';
import { recordedTools } from '../../../support/recorded.ts';

const ROOT = join(import.meta.dirname, '../../../..');

const open: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of open) await one[Symbol.asyncDispose]();
});

const failing = recordedTools(ROOT).find(({ name }) => name === 'pytest/fail-verbose');

const PASSES = Array.from({ length: 400 }, (_, index) => `test_more.py::test_number_${index}_of_many_that_pass PASSED`).join('\n');

/** A long run of pytest: what passes stands between the session's beginning and what fails. */
const LONG = (failing?.stdout.toString() ?? '').replace('collecting ...', `collecting ...\n${PASSES}\n`);

interface Given {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly title?: string;
  readonly outcome?: Outcome | undefined;
  readonly summaries?: boolean;
  readonly raw?: boolean;
}

const excerptOf = async (given: Given, budget = 32_768) => {
  const { stdout = LONG, stderr = '', title = 'pytest -v', summaries = true, raw } = given;
  const outcome: Outcome | undefined = 'outcome' in given ? given.outcome : { kind: 'exited', code: 1 };
  const [out, err] = [Buffer.from(stdout), Buffer.from(stderr)];
  const output = createOutput({ logs: memoryLogs({ stdout: out, stderr: err }).logs, summaries });
  open.push(output);
  const record = { id: 'x1', sandbox: 's1', title, outcome, stdout: { newlines: newlinesIn(out) }, stderr: { newlines: newlinesIn(err) } };
  return output.presenter.excerpt({ record, exit: undefined, stdoutBytes: out.length, stderrBytes: err.length }, budget, raw);
};

describe('answers about long output of a known tool', () => {
  test('begin with what failed, and show less of the output', async () => {
    const { summary, stdout } = await excerptOf({});
    expect(summary).toMatchObject({ tool: 'pytest', counts: { failed: 4, passed: 32, skipped: 1 } });
    expect(summary?.problems[0]).toMatchObject({ name: 'test_total', at: 'test_bad.py:5' });
    expect(Buffer.byteLength(stdout?.text ?? '')).toBeLessThan(4_400);
    expect(stdout).toMatchObject({ truncated: true, bytes: Buffer.byteLength(LONG) });
    expect(stdout?.text).toContain('4 failed, 32 passed, 1 skipped in');
  });

  test.each<[string, Given]>([
    ['raw', { raw: true }],
    ['switched off', { summaries: false }],
    ['it ended otherwise than the tool says', { outcome: { kind: 'exited', code: 0 } }],
    ['it was ended', { outcome: { kind: 'timed_out', signal: 'SIGKILL' } }],
    ['it still runs', { outcome: undefined }],
    ['another command', { title: 'cat pytest.log' }],
    ['short output', { stdout: LONG.slice(-3_000) }],
    ['its end is missing', { stdout: LONG.slice(0, -200) }],
    ['more than is read for one', { stdout: `${'x'.repeat(79)}\n`.repeat(60_000) + LONG }],
  ])('are as they were without one: %s', async (_, given) => {
    const { summary, stdout } = await excerptOf(given);
    expect(summary).toBeUndefined();
    expect(stdout?.text.length).toBeGreaterThan(2_500);
  });

  test('one of many answers in a call takes its share, and says how many problems are not shown', async () => {
    const { summary, stdout } = await excerptOf({}, 1_024);
    expect(summary).toMatchObject({ counts: { failed: 4 }, more: 3 });
    expect(JSON.stringify(summary).length).toBeLessThan(700);
    expect(stdout?.truncated).toBe(true);
  });

  test('stderr counts as well, and the streams are not mixed up', async () => {
    const recorded = recordedTools(ROOT).find(({ name }) => name === 'vitest/verbose');
    const stdout = `${recorded?.stdout.toString()}no newline at the end`;
    const { summary } = await excerptOf({ stdout, stderr: recorded?.stderr.toString() ?? '', title: 'npx vitest run' });
    expect(summary).toMatchObject({ tool: 'vitest', counts: { failed: 3 } });
    expect(summary?.problems).toHaveLength(3);
  });

  test('the event loop goes on, however long the output and however it repeats', async () => {
    const noisy = `${LONG}${Array.from({ length: 40_000 }, (_, index) => `\u001b[32mok\u001b[0m ${index} GET /item/${index * 7} took ${index % 90} ms\n`).join('')}`;
    const begun = performance.now();
    summarise(linesOf(Buffer.from(noisy)), { command: 'make', code: 1 });
    const alone = performance.now() - begun;
    await excerptOf({ stdout: noisy });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let count = 0; count < 10; count += 1) await excerptOf({ stdout: noisy.repeat(count === 9 ? 5 : 1) });
    delay.disable();
    // A summary that was made here would hold the loop as long as one takes.
    expect(delay.percentile(50) / 1e6).toBeLessThan(alone / 2);
  });
});
