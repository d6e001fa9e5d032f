import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanEnvironment, SERVER, startCorral, temporaryFolder } from './support/corral.ts';
import { startHttpCorral } from './support/http.ts';
import { eventually, isAlive, withEnvironment } from './support/processes.ts';

const running = (mark: string): number[] => withEnvironment(`MARK=${mark}`);

describe('the end of a server over stdio, bubblewrap', () => {
  it('comes within a second of the end of its input, and leaves nothing', async () => {
    const mark = randomUUID();
    await using corral = await startCorral();
    await corral.call('execute_command', {
      command: "trap '' TERM HUP INT; setsid sleep 1000 & while :; do sleep 0.1; done",
      env: { MARK: mark },
      wait_seconds: 0,
    });
    await corral.call('execute_command', { command: 'sleep 1000', env: { MARK: mark }, sandbox: 'ephemeral', wait_seconds: 0 });
    expect(await eventually(() => running(mark).length >= 3)).toBe(true);
    const started = performance.now();
    const closed = corral.close();
    expect(await eventually(() => !isAlive(corral.pid), 3000)).toBe(true);
    expect(performance.now() - started).toBeLessThan(1000);
    await closed;
    expect(await eventually(() => running(mark).length === 0, 1000)).toBe(true);
    expect(corral.stderr()).toBe('');
  });

  it('comes with a client that is killed in the middle of a call', async () => {
    const mark = randomUUID();
    using folder = temporaryFolder();
    const workspace = join(folder.path, 'work');
    mkdirSync(workspace);
    const script = new URL('./support/vanishing-client.mjs', import.meta.url).pathname;
    const command = `export MARK=${mark}; setsid sh -c 'sleep 1000; true' & sh -c 'sleep 1000; true'`;
    const client = spawn(process.execPath, [script, SERVER, workspace, command], {
      env: cleanEnvironment({ CORRAL_STATE_DIR: join(folder.path, 'state') }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(client.stdout, 'data')) as [Buffer];
    const server = Number(line.toString());
    expect(await eventually(() => running(mark).length >= 2)).toBe(true);
    client.kill('SIGKILL');
    expect(await eventually(() => !isAlive(server), 2000)).toBe(true);
    expect(await eventually(() => running(mark).length === 0, 1000)).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('by %s is as orderly', async (signal) => {
    const mark = randomUUID();
    await using corral = await startCorral();
    await corral.call('execute_command', { command: 'sleep 1000', env: { MARK: mark }, wait_seconds: 0 });
    process.kill(corral.pid, signal);
    expect(await eventually(() => !isAlive(corral.pid), 2000)).toBe(true);
    expect(await eventually(() => running(mark).length === 0, 1000)).toBe(true);
    expect(corral.stderr()).toBe('');
  });
});

describe('what outlives its server, bubblewrap', () => {
  it('with --keep goes on, and the next server takes it over: same sandbox, same execution, all of its output', async () => {
    const mark = randomUUID();
    using folder = temporaryFolder();
    const [stateDir, workspace] = [join(folder.path, 'state'), join(folder.path, 'work')];
    mkdirSync(workspace);
    const first = await startCorral({ args: ['--keep'], stateDir, workspace });
    const started = await first.call('execute_command', {
      command: 'echo kept > /tmp/kept; for i in 1 2 3 4 5 6 7 8; do echo "line $i"; sleep 0.2; done; exit 5',
      env: { MARK: mark },
      wait_seconds: 0,
    });
    await first.close();
    expect(running(mark)).not.toEqual([]);

    const second = await startCorral({ stateDir, workspace });
    const [listed] = (await second.call('list_executions', { status: 'running' }))['executions'];
    expect(listed).toMatchObject({ execution_id: started['execution_id'], sandbox_id: started['sandbox_id'] });
    const ended = await second.call('wait', { execution_id: started['execution_id'] });
    expect(ended).toMatchObject({
      outcome: { kind: 'exited', code: 5 },
      stdout: { text: Array.from({ length: 8 }, (_, index) => `line ${String(index + 1)}\n`).join('') },
    });
    // The calls that name no sandbox find what those of the server before left.
    expect(await second.call('execute_command', { command: 'cat /tmp/kept' })).toMatchObject({
      sandbox_id: started['sandbox_id'],
      stdout: { text: 'kept\n' },
    });
    const left = await second.call('execute_command', { command: 'sleep 1000', env: { MARK: mark }, wait_seconds: 0 });
    expect(left['status']).toBe('running');
    await second.close();
    expect(await eventually(() => running(mark).length === 0, 1000)).toBe(true);
  });

  it('after kill -9 is whole: what ran goes on, what ended meanwhile is known, input still arrives', async () => {
    using folder = temporaryFolder();
    const [stateDir, workspace] = [join(folder.path, 'state'), join(folder.path, 'work')];
    mkdirSync(workspace);
    const first = await startCorral({ stateDir, workspace });
    const short = await first.call('execute_command', { command: 'sleep 0.3; echo short; echo wrong >&2; exit 6', wait_seconds: 0 });
    const reader = await first.call('execute_command', { command: ['cat'], wait_seconds: 0 });
    await first.call('send_input', { execution_id: reader['execution_id'], text: 'before\n' });
    process.kill(first.pid, 'SIGKILL');
    await first.close();
    await new Promise((resolve) => setTimeout(resolve, 500));

    await using second = await startCorral({ stateDir, workspace });
    expect(await second.call('wait', { execution_id: short['execution_id'] })).toMatchObject({
      outcome: { kind: 'exited', code: 6 },
      stdout: { text: 'short\n' },
      stderr: { text: 'wrong\n' },
    });
    await second.call('send_input', { execution_id: reader['execution_id'], text: 'after\n', end: true });
    expect(await second.call('wait', { execution_id: reader['execution_id'] })).toMatchObject({
      outcome: { code: 0 },
      stdout: { text: 'before\nafter\n' },
    });
  });
});

describe('over HTTP, bubblewrap', () => {
  it('a client that disconnects ends its program, unless it was detached; the server and its other clients go on', async () => {
    await using server = await startHttpCorral();
    const [gone, stays] = [randomUUID(), randomUUID()];
    const start = async (mark: string, detach: boolean): Promise<void> => {
      const { client, call } = await server.connect();
      const answer = call('execute_command', { command: 'sleep 1000', detach, env: { MARK: mark }, labels: { mark } }).then(
        () => 'answered',
        () => 'cut',
      );
      expect(await eventually(() => running(mark).length > 0, 10_000)).toBe(true);
      await client.close();
      expect(await answer).toBe('cut');
    };
    await start(gone, false);
    expect(await eventually(() => running(gone).length === 0)).toBe(true);
    await start(stays, true);
    const other = await server.connect();
    const [record] = (await other.call('list_executions', { labels: { mark: stays } }))['executions'];
    expect(record).toMatchObject({ status: 'running' });
    expect((await other.call('list_executions', { labels: { mark: gone } }))['executions'][0]).toMatchObject({
      status: 'finished',
      outcome: { kind: 'cancelled' },
    });
    expect(await other.call('terminate', { execution_id: record.execution_id, grace_seconds: 0 })).toMatchObject({ survivors: [] });
    expect((await other.call('execute_command', { command: 'echo on' }))['stdout'].text).toBe('on\n');
  });
});
