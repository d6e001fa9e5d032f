import { eventually } from './output.mjs';
import { supervisorOf, withEnvironment } from './processes.mjs';
import { startServer } from './server.mjs';

/**
 * The supervisor of a sandbox is killed: what ran there is `lost`, what ended before stays known, the sandbox is gone, the server goes on.
 * @param {{ stateDir: string, mark: string }} options
 */
export const surviveLostSandbox = async ({ stateDir, mark }) => {
  const server = await startServer(stateDir);
  try {
    const env = { CHAOS_MARK: mark };
    const ended = await server.call('execute_command', { command: 'echo before; exit 5', env });
    const running = await server.call('execute_command', {
      command: 'echo started; setsid sleep 100000 & exec sleep 100000',
      env,
      wait_seconds: 0.5,
    });
    const pid = supervisorOf(running.sandbox_id);
    if (pid === undefined) return [`the supervisor of ${running.sandbox_id} was not found`];
    const waiting = server.call('wait', { execution_id: running.execution_id, wait_seconds: 20 });
    process.kill(pid, 'SIGKILL');

    const failures = [];
    const expect = (what, holds, seen) => {
      if (!holds) failures.push(`${what}: ${JSON.stringify(seen)}`);
    };
    const told = await waiting;
    expect('a wait hears of the loss', told.outcome?.kind === 'lost', told);
    expect('what it printed is kept', told.stdout?.text === 'started\n', told);
    const before = await server.call('read_output', { execution_id: ended.execution_id });
    expect('an end from before is still known', before.outcome?.code === 5 && before.stdout?.text === 'before\n', before);
    const left = await eventually(async () => withEnvironment(`CHAOS_MARK=${mark}`).length === 0, 5000);
    expect('no process of the sandbox is left', left, withEnvironment(`CHAOS_MARK=${mark}`));
    const next = await server.call('execute_command', { command: 'echo again', env });
    expect('the server goes on in a new sandbox', next.stdout?.text === 'again\n' && next.sandbox_id !== running.sandbox_id, next);
    const { sandboxes } = await server.call('sandbox', { action: 'list' });
    expect('the list names the new one only', sandboxes.length === 1 && sandboxes[0].sandbox_id === next.sandbox_id, sandboxes);
    return failures;
  } finally {
    await server.close();
  }
};
