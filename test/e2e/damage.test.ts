import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCorral, temporaryFolder } from './support/corral.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 61_002;

/** Why a wrapper cannot be used here; undefined when it can. */
const whyNot = (wrapper: readonly string[]): string | undefined => {
  const [program = '', ...args] = wrapper;
  const { status, stderr, error } = spawnSync(program, [...args, 'true'], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n')[0] ?? 'it failed');
};

describe('a machine that cannot isolate refuses, by name, with the way to mend it', () => {
  it('when there is no bubblewrap', async () => {
    await using corral = await startCorral({ env: { CORRAL_BWRAP_PATH: '/nonexistent/bwrap' } });
    for (const [tool, args] of [
      ['execute_command', { command: 'true' }],
      ['execute_code', { language: 'bash', code: 'true' }],
      ['describe_environment', {}],
    ] as const) {
      const error = await corral.refusal(tool, args);
      expect(error).toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/bubblewrap|bwrap/),
        hint: expect.stringMatching(/install|--bwrap-path|apt/),
      });
    }
    expect((await corral.client.listTools()).tools.length).toBeGreaterThan(5);
  });

  it('when user namespaces are forbidden', async ({ skip }) => {
    const wrapper = ['/usr/bin/bwrap', '--unshare-user', '--disable-userns', '--uid', '1000', '--gid', '1000', '--dev-bind', '/', '/'];
    const reason = whyNot(wrapper);
    if (reason !== undefined) skip(`needs bubblewrap that can nest: ${reason}`);
    await using corral = await startCorral({ wrapper });
    const error = await corral.refusal('execute_command', { command: 'true' });
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/namespace/i),
      hint: expect.stringMatching(/.{10}/),
    });
    expect(existsSync(join(corral.workspace, 'true'))).toBe(false);
  });
});

describe('a state folder that is no good', () => {
  it('because it may not be written, is refused', async ({ skip }) => {
    if (!isRoot) skip('needs root to become another user');
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const [stateDir, workspace] = [join(folder.path, 'state'), join(folder.path, 'work')];
    mkdirSync(stateDir, { mode: 0o755 });
    mkdirSync(workspace, { mode: 0o777 });
    const wrapper = ['setpriv', `--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups'];
    await using corral = await startCorral({ stateDir, workspace, wrapper, env: { HOME: folder.path } });
    const error = await corral.refusal('execute_command', { command: 'true' });
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(stateDir),
      hint: expect.stringMatching(/CORRAL_STATE_DIR|permission/),
    });
  });

  it('because it is a file, is refused', async () => {
    using folder = temporaryFolder();
    const stateDir = join(folder.path, 'state');
    writeFileSync(stateDir, '');
    await using corral = await startCorral({ stateDir });
    expect(await corral.refusal('execute_command', { command: 'true' })).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(stateDir),
    });
  });

  it.each([
    ['overwritten with noise', (path: string) => writeFileSync(path, Buffer.alloc(65_536, 'noise'))],
    ['cut to nothing but a beginning', (path: string) => truncateSync(path, 20)],
  ])('because its records were %s, is told, kept aside, and work goes on', async (_how, damage) => {
    using folder = temporaryFolder();
    const stateDir = join(folder.path, 'state');
    const first = await startCorral({ stateDir });
    for (let index = 0; index < 20; index += 1) await first.call('execute_command', { command: `echo ${'x'.repeat(500)}` });
    await first.close();
    const files = readdirSync(stateDir).filter((name) => name.startsWith('corral.db'));
    expect(files).toContain('corral.db');
    // What SQLite has not moved into the database yet must not mend what the test breaks.
    for (const name of files) if (name !== 'corral.db') rmSync(join(stateDir, name));
    damage(join(stateDir, 'corral.db'));

    await using second = await startCorral({ stateDir });
    expect((await second.call('execute_command', { command: 'echo on' }))['stdout'].text).toBe('on\n');
    expect(readdirSync(stateDir).some((name) => name.includes('.corrupt-'))).toBe(true);
    expect(second.stderr()).toMatch(/corrupt|damaged/i);
  });

  it('because its disk is full, ends the program as disk_limit, keeps what fitted, and serves on', async ({ skip }) => {
    const wrapper = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size=12m,mode=0700 corral-e2e "$CORRAL_STATE_DIR" && exec "$@"',
      'sh',
    ];
    using folder = temporaryFolder();
    const stateDir = join(folder.path, 'state');
    mkdirSync(stateDir);
    if (!isRoot) skip('needs root to mount a small disk');
    const reason = whyNot(['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs corral-e2e "$0" && exec "$@"', stateDir]);
    if (reason !== undefined) skip(`needs a mount namespace: ${reason}`);
    await using corral = await startCorral({ stateDir, wrapper });
    const before = await corral.call('execute_command', { command: 'echo small' });
    const answer = await corral.call('execute_command', { command: "head -c 50000000 /dev/zero | tr '\\0' x; echo unreachable" });
    expect(answer).toMatchObject({ status: 'finished', outcome: { kind: 'disk_limit' } });
    expect(answer['stdout'].bytes).toBeGreaterThan(1_000_000);
    expect(answer['stdout'].bytes).toBeLessThan(12 * 1024 * 1024);
    expect(answer['hints'].join(' ')).toMatch(/No space left/);
    // Whatever cannot be written is refused in words; what was kept can be read.
    expect((await corral.call('read_output', { execution_id: before['execution_id'] }))['stdout'].text).toBe('small\n');
    const next = await corral.client.callTool({ name: 'execute_command', arguments: { command: 'echo next' } });
    expect(JSON.stringify(next.structuredContent)).toMatch(/next\\n|disk|space/);
    expect((await corral.client.listTools()).tools.length).toBeGreaterThan(5);
  });
});
