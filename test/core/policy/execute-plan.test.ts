import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { planSteps, type PlanPlace } from '../../../src/core/policy/execute-plan.ts';
import { parseShell } from '../../../src/core/policy/shell/parse.ts';
import type { PlanCommand, ShellPlan } from '../../../src/core/policy/shell/plan.ts';
import { createHostDriver } from '../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import { openPlanLab, withPaths, type PlanLab } from '../../support/plan-lab.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import { aCommand, aSpec, createListener, eventually, runToEnd, temporaryState, text } from '../../support/sandboxes.ts';
import { supervisorPath } from '../../support/supervisor.ts';

const PLACE: PlanPlace = { roots: ['/w'], home: '/home/x' };

const parsed = (shell: string): ShellPlan => {
  const result = parseShell(shell);
  if (!result.ok) throw new Error(result.reason);
  return result.plan;
};

const changed = (plan: ShellPlan, change: Partial<PlanCommand>): ShellPlan => ({
  ...plan,
  steps: plan.steps.map((step) => ({
    ...step,
    stages: step.stages.map((stage) => ({ ...stage, ...change })) as unknown as typeof step.stages,
  })),
});

const bytesOf = (plan: ShellPlan, place: PlanPlace = PLACE): string =>
  Buffer.from((planSteps(plan, '/runner', place)[0] ?? []).slice(2).join(''), 'base64').toString('latin1');

const u32 = (value: number): string => String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
const str = (value: string): string => u32(Buffer.byteLength(value)) + Buffer.from(value).toString('latin1');
const list = (...items: readonly string[]): string => u32(items.length) + items.join('');
const word = (...parts: readonly (readonly [number, string])[]): string =>
  `\0${list(...parts.map(([kind, value]) => String.fromCharCode(kind) + str(value)))}`;
const plain = (value: string): string => word([0, value]);
const header = `\x01\0${list(str('/w'))}${list()}`;
const NOT_KNOWN = '\0'.repeat(16);

describe('the encoding of a plan', () => {
  test('is what the reference says', () => {
    const plan = changed(parsed('LC_ALL=C a "x y" *.ts ~/é <in 2>&1 >>"o u" </dev/null'), { path: '/bin/a' });
    const redirects = list(`\0\x03${str('in')}`, '\x02\x01\x01', `\x01\x05${str('o u')}`, '\0\x02');
    const words = list(plain('a'), plain('x y'), word([1, '*'], [0, '.ts']), plain('/home/x/é'));
    expect(bytesOf(plan)).toBe(`${header}${u32(1)}\0\0\x01${str('/bin/a')}${NOT_KNOWN}${list(str('LC_ALL=C'))}${redirects}${words}`);
  });

  test('holds lists, pipelines, folders, documents and times', () => {
    const command = (name: string, redirects = list()): string => `${str('')}${NOT_KNOWN}${list()}${redirects}${list(plain(name))}`;
    expect(bytesOf(parsed("a | b && cd d || time c <<'E'\nx\nE\n"))).toBe(
      `${header}${u32(3)}\0\0\x02${command('a')}${command('b')}\x01\0\0${str('d')}\x02\x01\x01${command('c', list(`\0\x06${str('x\n')}`))}`,
    );
  });

  test('holds what the decision added', () => {
    const plan = changed(parsed('git log *'), { path: '/bin/git', insert: { at: 1, words: ['-c', 'x=y'] }, inside: [2] });
    const place: PlanPlace = {
      ...PLACE,
      readable: ['/etc/hosts'],
      report: true,
      programs: new Map([['/bin/git', { device: 0x0102n, inode: 7n }]]),
    };
    const words = list(plain('git'), plain('-c'), plain('x=y'), plain('log'), `\x01${list(`\x01${str('*')}`)}`);
    expect(bytesOf(plan, place)).toBe(
      `\x01\x01${list(str('/w'))}${list(str('/etc/hosts'))}${u32(1)}\0\0\x01${str('/bin/git')}\x02\x01${'\0'.repeat(6)}\x07${'\0'.repeat(7)}${list()}${list()}${words}`,
    );
  });

  test('is cut so that each argument fits, and refused when it is too large', () => {
    const [argv = []] = planSteps(parsed(`say ${'x'.repeat(60_000)}`), '/runner', {
      ...PLACE,
      readable: Array.from({ length: 10 }, () => `/${'r'.repeat(60_000)}`),
    });
    expect(argv.slice(0, 2)).toEqual(['/runner', 'run-plan']);
    expect(argv.length).toBeGreaterThan(8);
    expect(Math.max(...argv.map((argument) => argument.length))).toBeLessThan(128 * 1024);
    const large = (): unknown =>
      planSteps(parsed('say x'), '/runner', { ...PLACE, readable: Array.from({ length: 20 }, () => `/${'r'.repeat(60_000)}`) });
    expect(large).toThrow(CorralError);
    expect(large).toThrow(/more than 1048576 bytes/);
    expect(() => planSteps(parsed('say x'), '/runner', { ...PLACE, roots: ['/a\0b'] })).toThrow(/NUL/);
  });
});

describe.skipIf(whyNoBubblewrap() !== undefined)('a plan in a bubblewrap sandbox', () => {
  let lab: PlanLab;
  beforeAll(async () => {
    lab = await openPlanLab();
  });
  afterAll(async () => lab[Symbol.asyncDispose]());

  const SYSTEM = new Map(['cat', 'sleep', 'sh', 'env', 'wc', 'pwd'].map((name) => [name, realpathSync(`/usr/bin/${name}`)]));
  const stepsOf = (shell: string, change: Partial<PlanPlace> = {}): readonly (readonly string[])[] =>
    planSteps(
      withPaths(parsed(shell), (name) => SYSTEM.get(name) ?? (name.startsWith('no') ? undefined : join(lab.bin, name))),
      lab.sandbox.planRunner ?? '',
      {
        roots: [lab.workspace],
        home: '/home',
        ...change,
      },
    );
  const run = (shell: string, change: Partial<PlanPlace> = {}, stdin?: string) =>
    lab.run(stepsOf(shell, change)[0] ?? [], {
      env: { PATH: '/usr/bin', LAB_LOG: '/dev/null' },
      ...(stdin !== undefined && { stdin: Buffer.from(stdin) }),
    });

  test('gets input, reports every status, and ends as its last program does', async () => {
    expect(await run('up | cat', {}, 'some input')).toEqual({ code: 0, stdout: 'SOME INPUT', stderr: '' });
    expect(await run('no1 2>/dev/null; seven | ok && say x', { report: true })).toEqual({
      code: 0,
      stdout: 'x\n',
      stderr: 'corral: statuses 127 7|0 0\n',
    });
    expect(await run('ok; seven')).toMatchObject({ code: 7 });
    const { outcome } = await runToEnd(
      lab.sandbox,
      lab.listener,
      aCommand(stepsOf('boom')[0] ?? [], lab.workspace, { env: { LAB_LOG: '/dev/null' } }),
    );
    expect(outcome).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
  });

  test('executes the program that was decided on, and no other in its place', async () => {
    const path = SYSTEM.get('cat') ?? '';
    const { dev: device, ino: inode } = statSync(path, { bigint: true });
    expect(await run('cat /proc/self/comm', { programs: new Map([[path, { device, inode }]]) })).toEqual({
      code: 0,
      stdout: 'cat\n',
      stderr: '',
    });
    expect(await run('cat /proc/self/comm', { programs: new Map([[path, { device, inode: inode + 1n }]]) })).toEqual({
      code: 126,
      stdout: '',
      stderr: 'corral: cat: is not the file that was decided on\n',
    });
  });

  test('stays in its roots', async () => {
    expect(await run('say x > made && cat < made')).toMatchObject({ code: 0, stdout: 'x\n' });
    expect(await run('say x > /tmp/made')).toMatchObject({ code: 1, stderr: 'corral: /tmp/made: leads outside the workspace\n' });
    expect(await run('cat < /etc/passwd')).toMatchObject({ code: 1, stdout: '' });
    expect(await run('wc -c < /etc/passwd', { readable: ['/etc/passwd'] })).toMatchObject({ code: 0 });
    expect(await run('say x > .bashrc')).toMatchObject({ code: 1, stderr: 'corral: .bashrc: a hidden file is not written to\n' });
    expect(await run('cd /; pwd')).toMatchObject({
      code: 0,
      stdout: `${lab.workspace}\n`,
      stderr: 'corral: cd: /: leads outside the workspace\n',
    });
    expect(await run('say x', { roots: ['/usr'] })).toMatchObject({
      code: 125,
      stderr: 'corral: the working directory lies outside the workspace\n',
    });
    expect(await run('say x', { roots: [lab.workspace, '/no/such'] })).toMatchObject({ code: 125, stdout: '' });
  });

  test('feeds documents larger than a pipe, one after the other', async () => {
    const body = `${'0123456789abcde\n'.repeat(2000)}`;
    expect(await run(`count <<'EOF'\n${body}EOF\nfor x in a b c; do count <<'EOF'\n${body}EOF\ndone`)).toMatchObject({
      code: 0,
      stdout: `${String(body.length)}\n`.repeat(4),
    });
  });

  test('is ended as a whole', async () => {
    const [argv = []] = stepsOf('sleep 321 | sleep 321; sleep 321');
    const command = aCommand(argv, lab.workspace, { env: {} });
    const before = await lab.sandbox.stats();
    await lab.sandbox.start(command);
    await eventually(async () => (await lab.sandbox.stats()).processes >= before.processes + 3, 'three processes');
    expect((await lab.sandbox.terminate(command.execution, { graceMs: 200, cause: 'cancelled' })).survivors).toEqual([]);
    expect((await lab.listener.exit(command.execution)).outcome).toMatchObject({ kind: 'cancelled' });
    await eventually(async () => (await lab.sandbox.stats()).processes === before.processes, 'nothing left');
  });

  test('that is malformed runs nothing', async () => {
    const [argv = []] = stepsOf('say x > malformed');
    const blob = Buffer.from(argv[2] ?? '', 'base64');
    const runner = lab.sandbox.planRunner ?? '';
    for (const wrong of [
      '',
      'x',
      'AQ==',
      blob.subarray(0, -1).toString('base64'),
      Buffer.concat([blob, blob]).toString('base64'),
      blob.fill(2, 0, 1).toString('base64'),
    ]) {
      const { code, stdout, stderr } = await lab.run([runner, 'run-plan', wrong]);
      expect({ code, stdout, stderr }).toEqual({ code: 125, stdout: '', stderr: expect.stringMatching(/^corral: not a plan: /) });
    }
  });
});

describe.each(['plain', 'pid-namespace'] as const)('a plan on the host, form %s', (form) => {
  test.skipIf(form === 'pid-namespace' && whyNoBubblewrap() !== undefined)('runs where the supervisor is', async () => {
    const state = temporaryState();
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    const sandbox = await createHostDriver({ launcher, supervisorPath: supervisorPath(), form }).create(aSpec(state, { network: 'host' }));
    onTestFinished(async () => {
      await sandbox.end(0);
      await sandbox[Symbol.asyncDispose]();
      await launcher[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    });
    expect(sandbox.planRunner).toBe(supervisorPath());
    const plan = changed(parsed('cat | cat'), { path: '/usr/bin/cat' });
    const [argv = []] = planSteps(plan, sandbox.planRunner ?? '', { roots: [state.workspace], home: '/' });
    const exit = await runToEnd(sandbox, createListener(sandbox), aCommand(argv, state.workspace, { stdin: Buffer.from('through') }));
    expect([exit.outcome, text(exit.inline?.stdout)]).toEqual([{ kind: 'exited', code: 0 }, 'through']);
  });
});
