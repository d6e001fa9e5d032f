import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/process.mjs';

it('the example of waiting holds what it says, bubblewrap', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/waiting/waiting.mjs', '6'], { cwd: ROOT, timeout: 50_000 });
  expect(stdout).toMatch(/calls +[3-6] +2\n/);
  expect(stdout).toMatch(/tokens in all/);
});
