import { describe, expect, it } from 'vitest';
import { addTallies, emptyTally, runProgram } from '../../scripts/lib/suites.mjs';
import { missingDrivers, report } from '../../scripts/lib/verdict.mjs';

const SH = (text: string) => ['sh', '-c', text];
const OPTIONS = { timeoutMs: 10_000, needs: 'package.json' };

describe('the counts of a test run', () => {
  it('names each skip and ends with the counts alone on a line', () => {
    const tally = addTallies(
      { ...emptyTally(), passed: 2, skips: [{ name: 'a > b', reason: 'needs docker' }] },
      { ...emptyTally(), passed: 1, failed: 1, skips: [{ name: 'c', reason: '' }] },
    );
    expect(report(tally).split('\n')).toEqual([
      'skipped: a > b: needs docker',
      'skipped: c: no reason given',
      '3 passed, 1 failed, 2 skipped',
    ]);
  });

  it('keeps each skip on one line, whatever its name holds', () => {
    const tally = { ...emptyTally(), skips: [{ name: 'a\nb', reason: `c\n${'x'.repeat(500)}` }] };
    expect(report(tally)).toMatch(/^skipped: a b: c x{1,400}\n0 passed, 0 failed, 1 skipped$/);
  });

  it('accepts a run in which the expected driver was exercised', () => {
    expect(missingDrivers({ ...emptyTally(), passedNames: ['test/contract/drivers.test.ts > bubblewrap > runs'] })).toEqual([]);
  });

  it('refuses a run in which the expected driver was skipped, though some of its tests passed', () => {
    const skips = [{ name: 'driver > lives on', reason: 'bwrap cannot make a user namespace here' }];
    expect(missingDrivers({ ...emptyTally(), passedNames: ['bubblewrap > argv'], skips: [...skips, ...skips] })).toEqual([
      'bubblewrap was expected here, but 2 of its tests were skipped, such as driver > lives on: bwrap cannot make a user namespace here',
    ]);
  });

  it('accepts that a suite of the driver skipped for another reason, and refuses one without a reason', () => {
    const run = (reason: string) => ({
      ...emptyTally(),
      passedNames: ['bubblewrap > argv'],
      skips: [{ name: 'bubblewrap > ruby', reason }],
    });
    expect(missingDrivers(run('ruby is not on this machine'))).toEqual([]);
    expect(missingDrivers(run(''))).toHaveLength(1);
  });

  it('refuses a run in which no test of the expected driver appears at all', () => {
    expect(missingDrivers({ ...emptyTally(), passedNames: ['memory > runs'] })).toHaveLength(1);
  });
});

describe('a suite that is a program', () => {
  it('passes with 0', async () => {
    expect(await runProgram('p', SH('exit 0'), OPTIONS)).toMatchObject({ passed: 1, failed: 0, skips: [] });
  });

  it('fails with anything else, a signal and a missing program included', async () => {
    for (const argv of [SH('exit 3'), SH('kill -9 $$'), ['/nonexistent/program']])
      expect(await runProgram('p', argv, OPTIONS)).toMatchObject({ passed: 0, failed: 1, skips: [] });
  });

  it('fails when it takes longer than it may', async () => {
    expect(await runProgram('p', SH('exec sleep 30'), { ...OPTIONS, timeoutMs: 100 })).toMatchObject({ passed: 0, failed: 1 });
  });

  it('is skipped with 77, for the reason on its last line', async () => {
    const tally = await runProgram('p', SH('echo; echo skipped: no engine; exit 77'), OPTIONS);
    expect(tally).toMatchObject({ passed: 0, failed: 0, skips: [{ name: 'p', reason: 'skipped: no engine' }] });
  });

  it('is skipped when it is not part of the tree', async () => {
    const tally = await runProgram('p', SH('exit 0'), { ...OPTIONS, needs: 'no/such/file' });
    expect(tally.skips).toEqual([{ name: 'p', reason: 'no/such/file is not part of this tree' }]);
  });
});
