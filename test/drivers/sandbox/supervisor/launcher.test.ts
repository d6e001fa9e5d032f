import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { LaunchOptions } from '../../../../src/drivers/sandbox/supervisor/launch-options.ts';
import type { SupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import { identify, isAlive, waitUntilGone } from '../../../../src/drivers/sandbox/supervisor/process-identity.ts';
import { eventually, failure, temporaryState } from '../../../support/sandboxes.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

let folder: string;
let launcher: SupervisorLauncher;

beforeEach(() => {
  const state = temporaryState();
  folder = state.path;
  mkdirSync(join(folder, 'log'));
  launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
  onTestFinished(async () => {
    await launcher[Symbol.asyncDispose]();
    state[Symbol.dispose]();
  });
});

const options = (argv: readonly string[], change: Partial<LaunchOptions> = {}): LaunchOptions => ({
  sandbox: 's',
  socketPath: join(folder, 'sock'),
  logFolder: join(folder, 'log'),
  journalPath: join(folder, 'journal'),
  bootLogPath: join(folder, 'boot.log'),
  configuration: new Uint8Array(),
  cgroups: [],
  stagingFolder: '',
  staged: [],
  argv,
  env: [],
  data: [],
  ...change,
});
const sh = (script: string): string[] => ['/bin/sh', '-c', script];

/** What was launched and may outlive a failed test is ended after it. */
const endAfter = async (pid: number) => {
  const process = (await identify(pid))!;
  onTestFinished(async () => {
    if (await isAlive(process)) globalThis.process.kill(pid, 'SIGKILL');
  });
  return process;
};

describe('the launcher', () => {
  test('starts programs with their descriptors, tells their info and their end', async () => {
    const { pid, info, ended } = await launcher.launch(
      options(sh('cat /dev/fd/10 /dev/fd/11 /dev/fd/6; printf told >&8; exec 8>&-; env; pwd; exit 7'), {
        data: [Buffer.from('first '), Buffer.from('second ')],
        configuration: Buffer.from('settings\n'),
        env: ['A=b'],
      }),
    );
    expect(pid).toBeGreaterThan(1);
    expect(await info).toBe('told');
    expect(((await ended) >> 8) & 0xff).toBe(7);
    const log = readFileSync(join(folder, 'boot.log'), 'utf8');
    expect(log).toContain('first second settings\n');
    expect(log).toContain('A=b');
    expect(log).not.toContain('HOME=');
    expect(existsSync(join(folder, 'sock'))).toBe(true);
  });

  test('says why a program could not be executed', async () => {
    const error = await failure(launcher.launch(options(['/no/such/program'])));
    expect(error.message).toContain('/no/such/program');
  });

  test('ends a process only if it is still the same one', async () => {
    const { pid, ended } = await launcher.launch(options(sh('exec sleep 60')));
    const process = await endAfter(pid);
    await launcher.kill({ pid, startTicks: process.startTicks + 1 }).catch(() => {}); // refused or ignored: either is right
    expect(await isAlive(process)).toBe(true);
    await launcher.kill(process);
    expect((await ended) & 0x7f).toBe(9);
  });

  test('ends with it what it began and has not told of yet', async () => {
    const { pid, info, ended } = await launcher.launch(options(sh('sleep 60 8>&- & printf $! >&8; exec 8>&-; wait')));
    const process = await endAfter(pid);
    const begun = await endAfter(Number(await info));
    await launcher.kill(process);
    expect((await ended) & 0x7f).toBe(9);
    await eventually(async () => !(await isAlive(begun)), 'end of what it began');
  });

  test('that died rejects what waits for it, and is started anew', async () => {
    const first = await launcher.launch(options(sh('exec sleep 60')));
    const process = await endAfter(first.pid);
    globalThis.process.kill(launcher.pid!, 'SIGKILL');
    expect(await failure(first.ended)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('SIGKILL') });
    await eventually(() => launcher.pid === undefined, 'notice of the death');
    expect(await isAlive(process)).toBe(true);
    const second = await launcher.launch(options(sh('exit 0'), { socketPath: join(folder, 'sock2') }));
    expect(await second.ended).toBe(0);
    await launcher.kill(process);
    expect(await waitUntilGone(process, 2000)).toBe(true);
  });

  test('that is disposed ends, launches nothing more, and leaves alive what it launched', async () => {
    const { pid } = await launcher.launch(options(sh('exec sleep 60')));
    const process = await endAfter(pid);
    const own = (await identify(launcher.pid!))!;
    await launcher[Symbol.asyncDispose]();
    expect(await isAlive(own)).toBe(false);
    expect(await isAlive(process)).toBe(true);
    expect((await failure(launcher.launch(options(sh('true'))))).code).toBe('unavailable');
  });

  test('that is not there is unavailable, with what to do', async () => {
    const missing = createSupervisorLauncher({ supervisorPath: join(folder, 'nothing') });
    const error = await failure(missing.launch(options(sh('true'))));
    expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('doctor') });
    await missing[Symbol.asyncDispose]();
  });

  test('sees nothing of the server: no environment, no descriptor, no session', async () => {
    launcher.warm();
    const pid = launcher.pid!;
    // It is not dumpable: an ordinary user may not even look.
    if (process.getuid?.() === 0) expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    else expect(() => readFileSync(`/proc/${pid}/environ`)).toThrow('EACCES');
    await eventually(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('launch'), 'the program');
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    expect(Number(fields[3])).toBe(pid);
  });
});
