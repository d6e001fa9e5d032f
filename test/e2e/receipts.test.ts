import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, SERVER, type Answer, type Corral, startCorral, temporaryFolder } from './support/corral.ts';
import { eventually } from './support/processes.ts';

const TMPFS = 0x01021994;

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

const run = (command: string, more: Record<string, unknown> = {}, on = corral): Promise<Answer> =>
  on.call('execute_command', { command, ...more });
const sorted = (paths: readonly string[]): string[] => paths.toSorted((a, b) => (a < b ? -1 : 1));
const receiptOf = async (id: string, on = corral): Promise<Answer> => {
  const { executions } = await on.call('list_executions', { execution_id: id });
  expect(executions).toHaveLength(1);
  return executions[0];
};
const runAndAsk = async (command: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  receiptOf((await run(command, more))['execution_id']);

describe('the receipt of an execution in bubblewrap', () => {
  it('says how it ended, when, where and by whom', async () => {
    const before = Date.now();
    const answer = await run('echo out; echo err >&2; exit 3', { labels: { a: 'b' } });
    expect(answer).not.toHaveProperty('files');
    const receipt = await receiptOf(answer['execution_id']);
    expect(receipt).toMatchObject({
      execution_id: answer['execution_id'],
      sandbox_id: answer['sandbox_id'],
      status: 'finished',
      outcome: { kind: 'exited', code: 3 },
      command: 'echo out; echo err >&2; exit 3',
      cwd: corral.workspace,
      caller: 'local',
      labels: { a: 'b' },
      rule: 'no rules in force',
      files: { complete: true },
      output: {
        stdout: { bytes: 4, lines: 1, sha256: createHash('sha256').update('out\n').digest('hex') },
        stderr: { bytes: 4, lines: 1, sha256: createHash('sha256').update('err\n').digest('hex') },
      },
    });
    expect(Date.parse(receipt['started'])).toBeGreaterThanOrEqual(before - 1000);
    expect(Date.parse(receipt['ended'])).toBeGreaterThanOrEqual(Date.parse(receipt['started']));
  });

  it('says what the kernel says of its isolation, not what was asked for', async () => {
    const { isolation, driver, network, limits } = await runAndAsk('true');
    expect({ driver, network }).toEqual({ driver: 'bubblewrap', network: 'none' });
    expect(isolation).toMatchObject({ measured: true, capabilities: 'none', no_new_privileges: true, seccomp: true });
    expect(isolation.namespaces).toEqual(expect.arrayContaining(['ipc', 'mnt', 'net', 'pid', 'user', 'uts']));
    expect(['A', 'B', 'C']).toContain(limits.class);
    expect(limits).toMatchObject({ processes: 1024, open_files: 4096 });
  });

  it('on the host says that there is none', async () => {
    await using host = await startCorral({ args: ['--driver', 'host'] });
    const answer = await run('echo 1 > made', {}, host);
    const receipt = await receiptOf(answer['execution_id'], host);
    expect(receipt).toMatchObject({
      driver: 'host',
      network: 'host',
      isolation: { measured: true, uid: process.getuid?.(), seccomp: false },
      files: { created: ['made'], complete: true },
    });
    expect(receipt['isolation'].namespaces).not.toContain('net');
  });

  it('hashes output that has files', async () => {
    const { output } = await runAndAsk('seq 1 300000');
    const text = Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(output.stdout).toEqual({ bytes: text.length, lines: 300_000, sha256: createHash('sha256').update(text).digest('hex') });
  });

  it('measures the processor time of the whole tree', async () => {
    const burn = 'i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done';
    const answer = await run(`sh -c '${burn}; times' & ${burn}; wait; times`);
    // Each shell tells its own and its children's: minutes and seconds.
    const told = [...(answer['stdout'].text as string).matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)].map(
      ([, minutes, seconds]) => Number(minutes) * 60_000 + Number(seconds) * 1000,
    );
    const [, , own = 0, children = 0] = told;
    const { usage } = await receiptOf(answer['execution_id']);
    expect(own + children).toBeGreaterThan(40);
    expect(Math.abs(usage.cpu_user_ms - (own + children))).toBeLessThan(Math.max(60, (own + children) * 0.15));
    expect(usage.peak_rss_bytes).toBeGreaterThan(100_000);
    expect(usage.voluntary_switches + usage.involuntary_switches).toBeGreaterThan(0);
  });

  it('counts what was written to the disk (needs a disk below the workspace)', async (context) => {
    if (statfsSync(corral.workspace).type === TMPFS) return context.skip('the folder for temporary files is in memory');
    const { usage } = await runAndAsk('dd if=/dev/zero of=big bs=1M count=8 conv=fsync; rm big');
    expect(usage.written_bytes).toBeGreaterThanOrEqual(8 * 1024 * 1024);
    expect(usage.written_bytes).toBeLessThan(9 * 1024 * 1024);
  });

  it('tells the ports it opened, live and afterwards', async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = await run(
      `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 1) or die; sleep 60'`,
      {
        wait_seconds: 0,
      },
    );
    expect(
      (await corral.call('wait', { execution_id: server['execution_id'], until: `port:${port}`, wait_seconds: 20 }))['satisfied'],
    ).toBe(true);
    const live = await receiptOf(server['execution_id']);
    expect(live).toMatchObject({ status: 'running', now: { ports: [port] } });
    expect(['proc', 'cgroup1', 'cgroup2']).toContain(live['now'].source);
    expect(live['now'].processes).toBeGreaterThanOrEqual(1);
    expect(live['output'].stdout).not.toHaveProperty('sha256');
    const seen = execFileSync(process.execPath, [SERVER, 'ps', '--live', '--state-dir', corral.stateDir], {
      encoding: 'utf8',
      env: cleanEnvironment(),
    });
    expect(seen).toMatch(new RegExp(`^${server['execution_id']} .* ${port} +${live['now'].source} `, 'm'));
    await corral.call('terminate', { execution_id: server['execution_id'] });
    expect(await receiptOf(server['execution_id'])).toMatchObject({ ports: [port], outcome: { kind: 'cancelled' } });
  });

  it('of one that does not exist is refused', async () => {
    expect(await corral.refusal('list_executions', { execution_id: 'nothing' })).toMatchObject({ code: 'not_found' });
  });
});

describe('changed files', () => {
  it('are told as created, changed and removed, also in folders it made itself', async () => {
    await run('mkdir kinds; cd kinds; echo 1 > stays; echo 1 > goes; echo 1 > moves');
    const { files } = await runAndAsk(
      'cd kinds; mkdir -p new/deep/er; echo 2 > new/deep/er/file; echo 2 >> stays; rm goes; mv moves moved; echo x > t; rm t',
    );
    expect(files).toMatchObject({ complete: true });
    expect(sorted(files.created)).toEqual(['kinds/moved', 'kinds/new/', 'kinds/new/deep/', 'kinds/new/deep/er/', 'kinds/new/deep/er/file']);
    expect(files.changed).toEqual(['kinds/stays']);
    expect(sorted(files.removed)).toEqual(['kinds/goes', 'kinds/moves']);
  });

  it('are bounded: a hundred by name, the others counted', async () => {
    const { files } = await runAndAsk('mkdir many; seq -f many/%.0f 1 10000 | xargs touch');
    expect(files.created.length + files.more).toBe(10_001);
    expect(files.created).toHaveLength(100);
    expect(files.complete).toBe(true);
  });

  it('of two at once are with both, which says so', async () => {
    const first = await run('echo 1 > first; while ! [ -e second ]; do sleep 0.01; done', { wait_seconds: 0 });
    expect(await eventually(() => existsSync(join(corral.workspace, 'first')))).toBe(true);
    const second = await run('echo 2 > second');
    await corral.call('wait', { execution_id: first['execution_id'] });
    const { files } = await receiptOf(first['execution_id']);
    expect(files).toMatchObject({ created: ['first', 'second'], complete: true, why: expect.stringContaining('others') });
    expect((await receiptOf(second['execution_id']))['files'].why).toContain('others');
    expect((await runAndAsk('rm first second'))['files']).toEqual({ removed: ['first', 'second'], complete: true });
  });

  it('with the worst names come through as JSON, and reach no terminal as they are', async () => {
    const answer = await run(
      String.raw`mkdir names; cd names; touch "$(printf 'new\nline')" "$(printf '\033]0;owned\007')" "$(printf '\377\376')" "$(printf 'a\342\200\256b')"`,
    );
    const { files } = await receiptOf(answer['execution_id']);
    expect(sorted(files.created)).toEqual(
      sorted(['names/', 'names/\u001B]0;owned\u0007', 'names/a\u202Eb', 'names/new\nline', 'names/\uFFFD\uFFFD']),
    );
    const argv = [SERVER, 'receipt', answer['execution_id'] as string, '--state-dir', corral.stateDir];
    const shown = execFileSync(process.execPath, argv, { encoding: 'utf8', env: cleanEnvironment() });
    expect(shown).toContain(String.raw`names/new\nline`);
    expect(shown).toContain(String.raw`\x1b]0;owned\x07`);
    expect(/[^\n\u0020-\u007E\u00A0-\uFFFD]|\u202E/.exec(shown)).toBe(null);
  });

  it('are not looked for where the operator does not want it', async () => {
    await using other = await startCorral({ env: { CORRAL_TRACK_CHANGES: 'false' } });
    const answer = await run('echo 1 > made', {}, other);
    expect(await receiptOf(answer['execution_id'], other)).not.toHaveProperty('files');
  });

  it('and all else of a receipt survive kill -9 of the server', async () => {
    using folder = temporaryFolder();
    const [stateDir, workspace, rules] = ['state', 'work', 'rules.yaml'].map((name) => join(folder.path, name)) as [string, string, string];
    mkdirSync(workspace);
    writeFileSync(rules, 'version: 1\nrules:\n  - id: all\n    effect: allow\n    shell: real\n    unsafe: true\n');
    const first = await startCorral({ stateDir, workspace, args: ['--rules', rules] });
    const running = await run('echo 1 > early; sleep 0.5; echo 2 > late; seq 1 9 >&2', { wait_seconds: 0 }, first);
    expect(await eventually(() => existsSync(join(workspace, 'early')))).toBe(true);
    process.kill(first.pid, 'SIGKILL');
    await first.close();
    expect(await eventually(() => existsSync(join(workspace, 'late')))).toBe(true);

    await using second = await startCorral({ stateDir, workspace, args: ['--rules', rules] });
    await second.call('wait', { execution_id: running['execution_id'] });
    const receipt = await receiptOf(running['execution_id'], second);
    expect(receipt).toMatchObject({
      outcome: { kind: 'exited', code: 0 },
      files: { created: ['early', 'late'], complete: true },
      rule: { verdict: 'allow', rule: 'all', file: rules },
      isolation: { measured: true, seccomp: true },
      output: { stderr: { bytes: 18, lines: 9 } },
    });
    expect(receipt['usage'].cpu_system_ms + receipt['usage'].cpu_user_ms).toBeGreaterThan(0);
  });
});
