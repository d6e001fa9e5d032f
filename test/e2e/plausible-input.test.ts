import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCorral, type Corral } from './support/corral.ts';

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
}, 60_000);
afterAll(() => corral.close());

const run = (command: unknown, more: Record<string, unknown> = {}) => corral.call('execute_command', { command, ...more });

test('~ is the home of the sandbox', async () => {
  expect((await run('pwd', { cwd: '~' }))['stdout'].text).toBe('/home/sandbox\n');
});

test('a folder that is not there is named once', async () => {
  const { message } = await corral.refusal('execute_command', { command: 'pwd', cwd: 'nope' });
  expect(message.match(/cannot be entered/g)).toHaveLength(1);
});

test('a deadline below a millisecond is a deadline', async () => {
  const { outcome } = await run('sleep 5', { timeout_seconds: 0.0001 });
  expect(outcome.kind).toBe('timed_out');
});

test.each([
  [{ cmd: 'true' }, /give shell text, or an array of strings.*"cmd"/],
  [{ command: { program: 'true' } }, /give shell text, or an array of strings/],
  [{ command: ' \n' }, /command/],
])('%j is answered with what a command is', async (args, said) => {
  expect((await corral.refusal('execute_command', args)).message).toMatch(said);
});

test('what an ephemeral command leaves behind is not said to run', async () => {
  const answer = await run('sleep 100 & echo a', { sandbox: 'ephemeral' });
  expect(answer['stdout'].text).toBe('a\n');
  expect(answer['hints']).toBeUndefined();
});

test('a command that kills all it can reach ends itself alone', async () => {
  const { sandbox_id: sandbox, hints = [] } = await run('kill -9 -1; exit 0');
  expect(hints.join(' ')).not.toMatch(/sandbox ended/);
  expect((await run('echo on'))['sandbox_id']).toBe(sandbox);
});

test('a handle is good in another server at once', async () => {
  await using other = await startCorral({ stateDir: corral.stateDir });
  await other.call('list_executions');
  for (let round = 0; round < 5; round += 1) {
    const { execution_id: id } = await run('sleep 60', { wait_seconds: 0 });
    expect(await other.call('terminate', { execution_id: id })).toMatchObject({ outcome: { kind: 'cancelled' }, survivors: [] });
  }
});
