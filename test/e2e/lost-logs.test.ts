import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, type Corral, SERVER, startCorral } from './support/corral.ts';

/** Somebody deletes or cuts logs under the server's feet. */

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral({ env: { CORRAL_DRIVER: 'host' } });
}, 120_000);
afterAll(() => corral.close());

const logFolder = (sandbox: string): string => join(corral.stateDir, 'sandboxes', sandbox, 'log');
const logFile = ({ sandbox_id, execution_id }: { sandbox_id: string; execution_id: string }, suffix = 'out'): string =>
  join(logFolder(sandbox_id), `${execution_id}.${suffix}`);

/** 20,000 bytes of stdout and 6 of stderr, in files. */
const much = async () => {
  const answer = await corral.call('execute_command', { command: 'head -c 20000 /dev/zero | tr "\\\\0" "x"; echo oops! >&2' });
  expect(existsSync(logFile({ sandbox_id: answer['sandbox_id'], execution_id: answer['execution_id'] }))).toBe(true);
  return { sandbox_id: String(answer['sandbox_id']), execution_id: String(answer['execution_id']) };
};

describe('an execution that ended', () => {
  it('whose log was deleted is told as lost, with what is known of it', async () => {
    const one = await much();
    rmSync(logFile(one));
    const { execution_id } = one;
    const read = await corral.call('read_output', { execution_id });
    expect(read).toMatchObject({
      status: 'finished',
      outcome: { kind: 'exited', code: 0 },
      stdout: { text: '', bytes: 20_000, lost_bytes: 20_000 },
      stderr: { text: 'oops!\n', bytes: 6 },
      hints: ['stdout: all 20,000 bytes that it printed are lost: the log was deleted or cut from outside.'],
    });
    expect(await corral.call('wait', { execution_id })).toMatchObject({ stdout: { text: '', bytes: 20_000, lost_bytes: 20_000 } });
    for (const more of [{ tail: 3 }, { grep: 'x' }, { lines: { from: 1, to: 2 } }, { since: '1h' }, { time_prefix: true }])
      expect(await corral.call('read_output', { execution_id, stream: 'stdout', ...more })).toMatchObject({
        stdout: { text: '', lost_bytes: 20_000 },
      });
    const env = cleanEnvironment({ CORRAL_STATE_DIR: corral.stateDir });
    expect(execFileSync('sh', ['-c', `${process.execPath} ${SERVER} logs ${execution_id} 2>&1`], { env, encoding: 'utf8' })).toBe(
      'oops!\ncorral: stdout: all 20,000 bytes that it printed are lost: the log was deleted or cut from outside.\n',
    );
  });

  it('whose log was cut is told as cut, and what is left is shown', async () => {
    const one = await much();
    truncateSync(logFile(one), 10);
    expect(await corral.call('read_output', { execution_id: one.execution_id, stream: 'stdout' })).toMatchObject({
      stdout: { text: 'xxxxxxxxxx', bytes: 20_000, lost_bytes: 19_990 },
      hints: ['stdout: 19,990 of 20,000 bytes that it printed are lost: the log was deleted or cut from outside.'],
    });
  });
});

describe('an execution that runs', () => {
  it('whose log was deleted or cut goes on, and what is missing is told', async () => {
    const started = await corral.call('execute_command', {
      command: 'for i in 1 2 3; do echo line $i; done; read x; echo after',
      wait_seconds: 0,
      interactive: true,
    });
    const execution_id = String(started['execution_id']);
    const one = { sandbox_id: String(started['sandbox_id']), execution_id };
    await corral.call('wait', { execution_id, until: { output: 'line 3' } });
    rmSync(logFile(one));
    expect(await corral.call('read_output', { execution_id })).toMatchObject({
      status: 'running',
      stdout: { text: '', bytes: 21, lost_bytes: 21 },
    });
    await corral.call('send_input', { execution_id, text: 'go\n' });
    expect(await corral.call('wait', { execution_id })).toMatchObject({ status: 'finished', outcome: { kind: 'exited', code: 0 } });
  });

  it('of which no byte was ever seen here is not told as silent', async () => {
    const started = await corral.call('execute_command', { command: 'echo secret; sleep 60', wait_seconds: 0 });
    const execution_id = String(started['execution_id']);
    const file = logFile({ sandbox_id: String(started['sandbox_id']), execution_id });
    await expect.poll(() => existsSync(file)).toBe(true);
    rmSync(file);
    await expect
      .poll(() => corral.call('read_output', { execution_id }), { timeout: 5_000 })
      .toMatchObject({ status: 'running', stdout: { text: '', bytes: 7, lost_bytes: 7 } });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });
});

it('a whole sandbox folder that is gone harms no call, and the next ones work', async () => {
  const one = await much();
  const running = await corral.call('execute_command', { command: 'echo here; sleep 60', wait_seconds: 0 });
  rmSync(join(corral.stateDir, 'sandboxes', one.sandbox_id), { recursive: true });
  expect(await corral.call('read_output', { execution_id: one.execution_id })).toMatchObject({
    stdout: { lost_bytes: 20_000 },
    stderr: { lost_bytes: 6 },
  });
  await corral.call('terminate', { execution_id: running['execution_id'], grace_seconds: 0 });
  expect(await corral.call('execute_command', { command: 'echo small' })).toMatchObject({
    outcome: { kind: 'exited', code: 0 },
    stdout: { text: 'small\n' },
  });
  const large = await corral.call('execute_command', { command: 'head -c 20000 /dev/zero' });
  expect(['disk_limit', 'exited']).toContain(large['outcome'].kind);
  await corral.call('sandbox', { action: 'delete', sandbox: one.sandbox_id });
  expect(await corral.call('execute_command', { command: 'head -c 20000 /dev/zero | wc -c' })).toMatchObject({
    stdout: { text: '20000\n' },
  });
  expect(readdirSync(join(corral.stateDir, 'sandboxes')).length).toBeGreaterThan(0);
});
