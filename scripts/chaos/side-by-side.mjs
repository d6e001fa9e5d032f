import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './output.mjs';
import { isRunning, withEnvironment } from './processes.mjs';
import { startServer } from './server.mjs';

/** A running server looks for dead ones every 15 s. */
const ADOPTION_MS = 17_000;

/**
 * Three servers share a state folder. Each sees the others' executions; one crashes, and another takes over what it left.
 * @param {{ stateDir: string, mark: string }} options
 */
export const shareStateFolder = async ({ stateDir, mark }) => {
  const failures = [];
  const expect = (what, holds, seen) => {
    if (!holds) failures.push(`${what}: ${JSON.stringify(seen)}`);
  };
  const servers = await Promise.all([startServer(stateDir), startServer(stateDir), startServer(stateDir)]);
  const [first, second, third] = servers;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three servers were started');
  const command = (name) => `for i in 1 2 3 4 5 6; do echo "${name} $i"; sleep 0.5; done; exit 9`;
  const start = (server, name) =>
    server.call('execute_command', { command: command(name), env: { CHAOS_MARK: `${mark}-${name}` }, labels: { name }, wait_seconds: 0 });
  const [one, two, three] = await Promise.all([start(first, 'one'), start(second, 'two'), start(third, 'three')]);
  expect('each server has a sandbox of its own', new Set([one.sandbox_id, two.sandbox_id, three.sandbox_id]).size === 3, [one, two, three]);
  const forever = await first.call('execute_command', {
    command: 'exec sleep 100000',
    env: { CHAOS_MARK: `${mark}-one` },
    wait_seconds: 0,
  });

  const seen = await second.call('read_output', { execution_id: three.execution_id });
  expect('one server reads what another runs', seen.status === 'running', seen);
  const children = first.kill();

  const ended = await second.call('wait', { execution_id: one.execution_id, wait_seconds: 20 });
  expect('an execution of the dead server ends in the sight of another', ended.outcome?.code === 9 && ended.stdout?.lines === 6, ended);
  const others = await Promise.all([
    second.call('wait', { execution_id: three.execution_id, wait_seconds: 20 }),
    third.call('wait', { execution_id: two.execution_id, wait_seconds: 20 }),
  ]);
  expect(
    'the living see each other end',
    others.every((other) => other.outcome?.code === 9),
    others,
  );
  expect(
    'the dead server left no launcher',
    children.every((child) => !isRunning(child)),
    children,
  );

  // Who adopted it ends it with itself: so a server that goes tells whether it had.
  const { status } = await third.call('wait', { execution_id: forever.execution_id, wait_seconds: 0 });
  expect('what the dead server ran is alive', status === 'running', status);
  const gone = () => withEnvironment(`CHAOS_MARK=${mark}-one`).length === 0;
  await sleep(ADOPTION_MS);
  await Promise.all([second.close(), third.close()]);
  expect(
    'the adopted sandbox ended with the server that took it over',
    await eventually(gone, 5000),
    withEnvironment(`CHAOS_MARK=${mark}-one`),
  );
  return failures;
};
