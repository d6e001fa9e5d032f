import { execFile } from 'node:child_process';
import { rm, symlink, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanEnvironment, type Corral, startCorral, SERVER, temporaryFolder } from './support/corral.ts';

interface Line {
  readonly seq: number;
  readonly event: Readonly<Record<string, any>>;
}

const SECRET = 'correct-horse-battery';

const corral = async (stateDir: string, ...args: string[]): Promise<{ readonly code: number; readonly out: string }> => {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [SERVER, ...args], {
      env: cleanEnvironment({ CORRAL_STATE_DIR: stateDir }),
    });
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, out: stdout };
  }
};

const eventsOf = async (stateDir: string): Promise<readonly Line[]> =>
  (await corral(stateDir, 'audit', 'tail', '-n', '1000', '--json')).out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe('what is recorded', () => {
  let server: Corral;
  const state = temporaryFolder();
  beforeAll(async () => {
    server = await startCorral({ stateDir: state.path });
  });
  afterAll(async () => {
    await server.close();
    state[Symbol.dispose]();
  });

  test('a call: decided, started, spawned, ended, exited; no secret of it anywhere', async () => {
    await server.call('execute_command', { command: `echo "$DB_PASSWORD"; echo ${SECRET} >&2; exit 3`, env: { DB_PASSWORD: SECRET } });
    await server.refusal('execute_command', { command: ['x'], nonsense: 1 });
    await expect
      .poll(async () => (await eventsOf(state.path)).map(({ event }) => event['code'] as unknown), { timeout: 5000 })
      .toContain('invalid_input');
    const events = (await eventsOf(state.path)).map(({ event }) => event);
    const call = events.find(({ kind }) => kind === 'decided')?.['call'] as string;
    expect(events.filter((event) => event['call'] === call).map(({ kind }) => kind as unknown)).toEqual(['decided', 'started', 'ended']);
    expect(events.find(({ kind }) => kind === 'exited')).toMatchObject({
      outcome: 'exited 3',
      stdoutBytes: SECRET.length + 1,
      excerpt: '[redacted]\n',
    });
    expect(events.find(({ kind }) => kind === 'spawned')?.['argv']).toEqual([
      [expect.stringContaining('sh'), '-c', 'echo "$DB_PASSWORD"; echo [redacted] >&2; exit 3'],
    ]);
    expect(JSON.stringify(events)).not.toContain(SECRET);
  });

  test('the end of the server with SIGTERM loses nothing, and the log is whole', async () => {
    const last = await server.call('execute_command', { command: 'echo last' });
    process.kill(server.pid, 'SIGTERM');
    await server.close();
    const events = await eventsOf(state.path);
    expect(events.some(({ event }) => event['kind'] === 'exited' && event['execution'] === last['execution_id'])).toBe(true);
    expect(events.at(-1)?.event['kind']).toBe('closed');
    const report = JSON.parse((await corral(state.path, 'audit', 'verify', '--json')).out) as { ok: boolean; notes: string[] };
    expect(report).toMatchObject({ ok: true, notes: [] });
    const found = await corral(state.path, 'audit', 'search', '--outcome', 'exited 3', '--json');
    expect(found.out.trim().split('\n').length).toBe(2);
    expect((await corral(state.path, 'audit', 'search', '--since', 'yesterday')).code).toBe(2);
  });
});

describe('where the operator wants everything recorded', () => {
  test('nothing runs while the log cannot be written, and looking goes on', async () => {
    using state = temporaryFolder();
    await using server = await startCorral({ stateDir: state.path, env: { CORRAL_AUDIT_REQUIRED: 'true' } });
    await server.call('execute_command', { command: 'true' });
    const { readdir } = await import('node:fs/promises');
    const folder = join(state.path, 'audit');
    const [segment = ''] = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'));
    // Removed behind its back, it goes on in a segment of the next number: where a link now stands.
    await symlink('/dev/null', join(folder, segment.replace('-1.', '-2.')));
    await rm(join(folder, segment));
    await server.call('execute_command', { command: 'true' });
    await expect
      .poll(
        async () =>
          server.refusal('execute_command', { command: 'touch ran' }).then(
            ({ code, message }) => `${code} ${message}`,
            () => 'it ran',
          ),
        { timeout: 8000 },
      )
      .toMatch(/unavailable.*nothing was done/);
    expect(await server.call('list_executions', {})).toHaveProperty('executions');
    await rm(join(folder, segment.replace('-1.', '-2.')));
    await expect
      .poll(
        async () =>
          server.call('execute_command', { command: 'true' }).then(
            ({ outcome }) => outcome as unknown,
            () => 'refused',
          ),
        { timeout: 8000 },
      )
      .toMatchObject({ kind: 'exited', code: 0 });
  });

  test('a key that others can read is refused before anything runs', async () => {
    using state = temporaryFolder();
    await mkdir(join(state.path, 'x'));
    const { writeFile } = await import('node:fs/promises');
    const keyFile = join(state.path, 'x', 'key');
    await writeFile(keyFile, 'k'.repeat(64), { mode: 0o644 });
    await using server = await startCorral({ stateDir: state.path, env: { CORRAL_AUDIT_KEY_FILE: keyFile } });
    expect(await server.refusal('execute_command', { command: 'true' })).toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('chmod 600'),
    });
  });
});

describe('limits', () => {
  test('a refusal says when to come back, and looking is never refused', async () => {
    await using server = await startCorral({ env: { CORRAL_RATE_LIMIT_RPS: '0.01', CORRAL_RATE_LIMIT_BURST: '2' } });
    for (let i = 0; i < 2; i += 1) await server.call('execute_command', { command: 'true' });
    const refusal = await server.refusal('execute_command', { command: 'true' });
    expect(refusal).toMatchObject({ code: 'limit_exceeded', hint: expect.stringMatching(/Call again in [\d.]+ s/) });
    for (let i = 0; i < 5; i += 1) await server.call('list_executions', {});
  });

  test('calls beyond the bound wait for their turn', async () => {
    await using server = await startCorral({ env: { CORRAL_MAX_CONCURRENT: '1', CORRAL_MAX_QUEUE: '1' } });
    await server.call('execute_command', { command: 'true' });
    const began = performance.now();
    const both = [server.call('execute_command', { command: 'sleep 0.5' }), server.call('execute_command', { command: 'sleep 0.5' })];
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await server.refusal('execute_command', { command: 'true' })).toMatchObject({ code: 'limit_exceeded' });
    await Promise.all(both);
    expect(performance.now() - began).toBeGreaterThan(950);
  });
});
