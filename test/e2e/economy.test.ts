import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/process.mjs';
import { type Answer, type Corral, startCorral } from './support/corral.ts';

const RECORDED = readFileSync(join(ROOT, 'test/fixtures/summaries/pytest/fail-verbose.txt'), 'utf8')
  .replace(/^.*\n--- stdout\n/, '')
  .replace(/--- stderr\n$/, '');

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
  await corral.call('files', { action: 'write', path: '/tmp/recorded.txt', content: RECORDED });
  await corral.call('files', { action: 'write', path: '/tmp/pytest', content: '#!/bin/sh\ncat /tmp/recorded.txt\nexit "$1"\n' });
});
afterAll(() => corral.close());

const run = (command: string, more: Record<string, unknown> = {}): Promise<Answer> => corral.call('execute_command', { command, ...more });

describe('answers that say what is worth reading', () => {
  const LOOP = 'for i in 1 2 3 4 5 6 7 8 9; do echo still waiting for the other side; done; printf "\\033[31m10%%\\r100%%\\033[0m\\n"';

  it('tell repetition once, and everything where that is asked for', async () => {
    const folded = (await run(LOOP))['stdout'];
    expect(folded).toMatchObject({
      text: 'still waiting for the other side\n… the line above 8 more times …\n100%\n',
      lines: 10,
      folded_lines: 8,
    });
    const raw = (await run(LOOP, { raw: true }))['stdout'];
    expect(raw).toEqual({
      text: `${'still waiting for the other side\n'.repeat(9)}\u001b[31m10%\r100%\u001b[0m\n`,
      bytes: folded.bytes,
      lines: 10,
    });
    const code = await corral.call('execute_code', { language: 'bash', code: LOOP, raw: true });
    expect(code['stdout'].text).toBe(raw.text);
  });

  it('begin with what failed, unless the exit code says otherwise, or everything is asked for', async () => {
    const failed = await run('sh /tmp/pytest 1');
    expect(failed).toMatchObject({
      outcome: { kind: 'exited', code: 1 },
      summary: { tool: 'pytest', failed: 4, passed: 32, skipped: 1, problems: [{ name: 'test_total', at: 'test_bad.py:5' }, {}, {}, {}] },
      stdout: { bytes: Buffer.byteLength(RECORDED), truncated: true },
    });
    expect((await corral.call('wait', { execution_id: failed['execution_id'] }))['summary']).toEqual(failed['summary']);
    for (const plain of [
      await run('sh /tmp/pytest 0'),
      await run('sh /tmp/pytest 1', { raw: true }),
      await run('cat /tmp/recorded.txt; exit 1'),
    ]) {
      expect(plain['summary']).toBeUndefined();
      expect(plain['stdout'].text).toContain('test_good.py::test_sum_3 PASSED');
    }
  });

  it('are as before where the operator wants no summaries', async () => {
    await using other = await startCorral({ env: { CORRAL_SUMMARIES: 'off' } });
    await other.call('files', { action: 'write', path: '/tmp/recorded.txt', content: RECORDED });
    await other.call('files', { action: 'write', path: '/tmp/pytest', content: '#!/bin/sh\ncat /tmp/recorded.txt\nexit 1\n' });
    const answer = await other.call('execute_command', { command: 'sh /tmp/pytest' });
    expect(answer).toMatchObject({ outcome: { code: 1 }, stdout: { bytes: Buffer.byteLength(RECORDED) } });
    expect(answer['summary']).toBeUndefined();
  });
});
