import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral } from './support/corral.ts';
import { eventually, withEnvironment } from './support/processes.ts';

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

const run = (command: string, more: Record<string, unknown> = {}): Promise<Answer> => corral.call('execute_command', { command, ...more });
const create = async (more: Record<string, unknown> = {}): Promise<string> =>
  (await corral.call('sandbox', { action: 'create', ...more }))['sandbox_id'] as string;

describe('one sandbox, bubblewrap', () => {
  it('is shared by calls: files, /tmp, processes, loopback', async () => {
    const first = await run('echo kept > /tmp/between-calls; echo work > in-workspace');
    const server = await run(`node -e "require('http').createServer((q, r) => r.end('served')).listen(5599, '127.0.0.1')"`, {
      wait_seconds: 0,
    });
    await corral.call('wait', { execution_id: server['execution_id'], until: { port: 5599 } });
    const second = await run(
      `cat /tmp/between-calls in-workspace; node -e "fetch('http://127.0.0.1:5599').then(r => r.text()).then(console.log)"`,
    );
    expect(second['stdout'].text).toBe('kept\nwork\nserved\n');
    expect(second['sandbox_id']).toBe(first['sandbox_id']);
    await corral.call('terminate', { execution_id: server['execution_id'], grace_seconds: 0 });
  });

  it('has no network, no host files, no secrets, no rights', async () => {
    const secret = join(corral.stateDir, 'planted-secret');
    writeFileSync(secret, 'do not read');
    const answer = await run(
      [
        `cat ${secret} /root/.ssh/id_rsa /etc/shadow`,
        'touch /usr/planted /etc/planted',
        'ls /sys/class/net | grep -v "^lo$"',
        'unshare -U true',
        'mount -t tmpfs none /mnt',
        `kill -9 ${String(corral.pid)}`,
      ]
        .map((command) => `${command} && echo REACHED`)
        .join('; '),
    );
    expect(answer['stdout']?.text ?? '').not.toContain('REACHED');
    expect(answer['stderr'].text).not.toContain('do not read');
    const net = await run(
      `node -e "require('net').connect(80, '93.184.216.34').on('error', e => console.log(e.code)).on('connect', () => console.log('REACHED'))"`,
    );
    expect(net['stdout'].text).toMatch(/ENETUNREACH|EHOSTUNREACH/);
    expect((await run('id -u; cat /proc/self/status'))['stdout'].text).toMatch(
      /NoNewPrivs:\t1[\s\S]*CapEff:\t0{16}|CapEff:\t0{16}[\s\S]*NoNewPrivs:\t1/,
    );
  });
});

describe('several sandboxes, bubblewrap', () => {
  it('are created, described, and gone when deleted with all that ran in them', async () => {
    const mark = randomUUID();
    const sandbox = await create({ env: { FOR_ALL: 'yes' }, limits: { processes: 100 } });
    const started = await run('sleep 1000', { sandbox, env: { MARK: mark }, wait_seconds: 0 });
    expect((await run('echo "$FOR_ALL"', { sandbox }))['stdout'].text).toBe('yes\n');
    expect(await corral.call('sandbox', { action: 'inspect', sandbox })).toMatchObject({
      sandbox_id: sandbox,
      driver: 'bubblewrap',
      state: 'running',
      network: 'none',
      running: 1,
      limits: { processes: 100 },
    });
    expect((await corral.call('sandbox', { action: 'list' }))['sandboxes'].map((one: Answer) => one['sandbox_id'])).toContain(sandbox);

    expect(await corral.call('sandbox', { action: 'delete', sandbox })).toMatchObject({ state: 'ended' });
    expect(await eventually(() => withEnvironment(`MARK=${mark}`).length === 0)).toBe(true);
    expect((await corral.call('sandbox', { action: 'list' }))['sandboxes'].map((one: Answer) => one['sandbox_id'])).not.toContain(sandbox);
    expect(await corral.call('wait', { execution_id: started['execution_id'] })).toMatchObject({ status: 'finished' });
    expect(await corral.refusal('execute_command', { command: 'true', sandbox })).toMatchObject({
      code: 'lost',
      hint: expect.stringContaining('new'),
    });
  });

  it('do not see each other', async () => {
    const mark = randomUUID();
    const [left, right] = [await create({ private: true }), await create({ private: true })];
    const script =
      "echo left > file; echo left > /tmp/file; node -e \"require('net').createServer().listen(7001, '127.0.0.1')\" & exec sleep 1000";
    const { execution_id } = await run(script, { sandbox: left, env: { MARK: mark }, wait_seconds: 0 });
    await corral.call('wait', { execution_id, until: { port: 7001 } });
    const seen = await run(
      `ls file /tmp/file; ps ax 2>/dev/null | grep '[s]leep 1000'; grep -l sleep /proc/[0-9]*/comm; node -e "require('net').connect(7001, '127.0.0.1').on('error', e => console.log(e.code)).on('connect', () => console.log('REACHED'))"`,
      { sandbox: right },
    );
    expect(seen['stdout'].text.trim()).toBe('ECONNREFUSED');
    expect(existsSync(join(corral.workspace, 'file'))).toBe(false);
    for (const sandbox of [left, right]) await corral.call('sandbox', { action: 'delete', sandbox });
    expect(withEnvironment(`MARK=${mark}`)).toEqual([]);
  });

  it('may be for one call only', async () => {
    await run('echo shared > /tmp/shared-file');
    const once = await run('ls /tmp/shared-file 2>/dev/null; pwd', { sandbox: 'ephemeral' });
    expect(once).toMatchObject({ status: 'finished', outcome: { code: 0 }, stdout: { text: `${corral.workspace}\n` } });
    expect(once['sandbox_id']).not.toBe((await run('true'))['sandbox_id']);
    const alive = async (): Promise<string[]> =>
      (await corral.call('sandbox', { action: 'list' }))['sandboxes'].map((one: Answer) => one['sandbox_id']);
    expect(await eventually(async () => !(await alive()).includes(once['sandbox_id']))).toBe(true);
    expect((await corral.call('read_output', { execution_id: once['execution_id'] }))['stdout'].text).toContain(corral.workspace);
  });

  it('refuse what the operator did not allow', async () => {
    for (const wish of [{ driver: 'host' }, { network: 'host' }]) {
      const error = await corral.refusal('sandbox', { action: 'create', ...wish });
      expect(error).toMatchObject({ code: 'denied', hint: expect.stringContaining('operator') });
    }
    expect(await corral.refusal('sandbox', { action: 'inspect', sandbox: 'no-such' })).toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('list'),
    });
    expect((await corral.refusal('sandbox', { action: 'delete' })).code).toBe('invalid_input');
  });

  it('hold to their limits', async () => {
    const sandbox = await create({ limits: { processes: 20, file_bytes: 1_000_000 } });
    const forks = await run('for i in $(seq 60); do sleep 5 & done; wait', { sandbox, timeout_seconds: 4 });
    expect(`${forks['stderr']?.text ?? ''}`).toMatch(/fork|resource/i);
    expect((await run('head -c 5000000 /dev/zero > big; stat -c %s big', { sandbox }))['stdout'].text.trim()).toBe('1000000');
    await corral.call('sandbox', { action: 'delete', sandbox });
    expect((await run('echo fine'))['stdout'].text).toBe('fine\n');
  });
});

describe('the description', () => {
  it('names what works here, and what it says is true', async () => {
    const here = await corral.call('describe_environment');
    expect(here).toMatchObject({ driver: 'bubblewrap', network: 'none', workdir: corral.workspace });
    expect(here['writable']).toContain('/tmp');
    const names = (here['languages'] as { name: string }[]).map(({ name }) => name);
    expect(names).toContain('bash');
    expect(names).toContain('javascript');
    for (const program of here['programs'] as string[])
      expect((await run(`command -v ${program}`))['outcome'], program).toEqual({ kind: 'exited', code: 0 });
  });
});
