import { chownSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createBubblewrapDriver } from '../../../../src/drivers/sandbox/bubblewrap/driver.ts';
import type { BubblewrapDriverOptions } from '../../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import { describeSandboxDriverContract } from '../../../contract/sandbox-driver.ts';
import { realGroups } from '../../../support/real-groups.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import { startServer } from '../../../support/sandbox-server.ts';
import {
  aCommand,
  aSpec,
  ENV,
  createListener,
  failure,
  processesWith,
  runToEnd,
  temporaryState,
  text,
} from '../../../support/sandboxes.ts';
import type { SupervisedHandle } from '../../../../src/drivers/sandbox/supervisor/handle.ts';
import { isAlive, waitUntilGone } from '../../../../src/drivers/sandbox/supervisor/process-identity.ts';
import { SHELL_PROGRAMS } from '../../../support/shell-programs.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

describeSandboxDriverContract('bubblewrap', {
  open: async () => {
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    const groups = realGroups(launcher);
    return {
      driver: createBubblewrapDriver({ launcher, supervisorPath: supervisorPath(), cgroups: groups.cgroups }),
      [Symbol.asyncDispose]: async () => {
        await launcher[Symbol.asyncDispose]();
        groups[Symbol.dispose]();
      },
    };
  },
  spec: process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {},
  processesWith,
  kill: async (_driver, sandbox) => void process.kill((sandbox.handle as SupervisedHandle).supervisor.pid, 'SIGKILL'),
  programs: SHELL_PROGRAMS,
  skip: whyNoBubblewrap(),
});

describe.skipIf(whyNoBubblewrap() !== undefined)('the bubblewrap driver', () => {
  const isRoot = process.getuid?.() === 0;
  const withDriver = async (options: Partial<BubblewrapDriverOptions> = {}) => {
    const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
    const state = temporaryState();
    onTestFinished(async () => {
      await launcher[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    });
    return { state, launcher, driver: createBubblewrapDriver({ launcher, supervisorPath: supervisorPath(), ...options }) };
  };
  const uid = isRoot ? { uid: UNPRIVILEGED } : {};

  test('proves itself, says its version, and leaves nothing', async () => {
    const { driver, state } = await withDriver();
    vi.stubEnv('TMPDIR', state.path);
    const before = readdirSync(state.path);
    const probe = await driver.probe();
    expect(probe).toMatchObject({
      available: true,
      version: expect.stringMatching(/^bubblewrap \d/),
      capabilities: { isolation: 'namespace' },
    });
    vi.unstubAllEnvs();
    expect(readdirSync(state.path)).toEqual(before);
  });

  test('that misses its program says how to get it', async () => {
    const { driver, state } = await withDriver({ bwrapPath: '/no/bwrap' });
    expect(await driver.probe()).toMatchObject({
      available: false,
      reason: expect.stringContaining('/no/bwrap'),
      fix: expect.stringContaining('install bubblewrap'),
    });
    const spec = aSpec(state, uid);
    expect((await failure(driver.create(spec))).code).toBe('unavailable');
    expect(readdirSync(spec.folder)).toEqual([]);
  });

  test('that fails leaves nothing, and tells what bubblewrap said', async () => {
    const { driver, state } = await withDriver();
    const spec = aSpec(state, { ...uid, mounts: [{ source: state.path, target: `${state.workspace}/no/such`, mode: 'ro' }] });
    writeFileSync(join(state.workspace, 'no'), 'a file where a folder is needed');
    const error = await failure(driver.create(spec));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('bwrap: ') });
    expect(readdirSync(spec.folder)).toEqual([]);
  });

  test('that is told to stop while it makes a sandbox leaves nothing', async () => {
    const { driver, state } = await withDriver();
    for (const delay of [0, 2, 5, 10]) {
      const spec = aSpec(state, uid);
      const abort = new AbortController();
      setTimeout(() => abort.abort(), delay);
      try {
        await (await driver.create(spec, abort.signal)).end(0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'cancelled' });
        expect(readdirSync(spec.folder)).toEqual([]);
      }
      expect(await driver.open(spec.id, spec.folder)).toBeUndefined();
    }
  });

  test('ends what a server left half made', async () => {
    const { driver, state, launcher } = await withDriver();
    const spec = aSpec(state, uid);
    const sandbox = await driver.create(spec);
    const { supervisor } = sandbox.handle as SupervisedHandle;
    await sandbox[Symbol.asyncDispose]();
    rmSync(join(spec.folder, 'handle.json'));
    expect(await driver.open(spec.id, spec.folder)).toBeUndefined();
    expect(await waitUntilGone(supervisor, 2000)).toBe(true);
    expect(launcher.pid).toBeGreaterThan(1);
  });

  test('does not end a sandbox that only its own server cannot reach', async () => {
    const { driver, state } = await withDriver();
    const spec = aSpec(state, uid);
    const sandbox = await driver.create(spec);
    await sandbox[Symbol.asyncDispose]();
    const secret = readFileSync(join(spec.folder, 'secret'));
    writeFileSync(join(spec.folder, 'secret'), Buffer.alloc(64));
    expect((await failure(driver.open(spec.id, spec.folder))).code).toBe('unavailable');
    writeFileSync(join(spec.folder, 'secret'), secret);
    await (await driver.open(spec.id, spec.folder))!.end(0);
  });

  test('ends a supervisor that does not listen, by force', async () => {
    const { driver, state } = await withDriver();
    const sandbox = await driver.create(aSpec(state, uid));
    const listener = createListener(sandbox);
    const { supervisor, launched } = sandbox.handle as SupervisedHandle;
    process.kill(supervisor.pid, 'SIGSTOP');
    await sandbox.end(0);
    expect(await isAlive(supervisor)).toBe(false);
    expect(await isAlive(launched)).toBe(false);
    expect(listener.lost).toHaveLength(1);
  });

  test('is found again after the server that made it was killed, with all that ran and runs', async () => {
    const { driver, state } = await withDriver();
    const spec = aSpec(state, uid);
    const sign = '78000001';
    const server = await startServer(spec, [
      { execution: 'short', steps: [['sh', '-c', 'sleep 0.2; echo done; exit 5']], cwd: '/', env: ENV },
      { execution: 'long', steps: [['sh', '-c', `echo first; sleep 0.4; echo second; sleep ${sign}`]], cwd: '/', env: ENV },
    ]);
    server.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 700));
    const sandbox = (await driver.open(spec.id, spec.folder))!;
    const found = new Map((await sandbox.list()).map((execution) => [execution.execution, execution]));
    expect(found.get('short')?.exit).toMatchObject({ outcome: { kind: 'exited', code: 5 }, stdout: { bytes: 5 } });
    expect(found.get('long')?.exit).toBeUndefined();
    expect(readFileSync(join(spec.folder, 'log', 'long.out'), 'utf8')).toBe('first\nsecond\n');
    expect(processesWith(sign).length).toBeGreaterThan(0);
    await sandbox.end(0);
    expect(processesWith(sign)).toEqual([]);
  });

  test('keeps secrets and handle to its own user', async () => {
    const { driver, state } = await withDriver();
    const spec = aSpec(state, uid);
    await using sandbox = await driver.create(spec);
    for (const name of ['secret', 'handle.json', 'sock']) expect(statSync(join(spec.folder, name)).mode & 0o077, name).toBe(0);
    expect(JSON.stringify(sandbox.handle)).not.toContain(readFileSync(join(spec.folder, 'secret')).toString('base64'));
    await sandbox.end(0);
  });

  test('survives the launcher', async () => {
    const { driver, state, launcher } = await withDriver();
    const sandbox = await driver.create(aSpec(state, uid));
    const listener = createListener(sandbox);
    process.kill(launcher.pid!, 'SIGKILL');
    expect((await runToEnd(sandbox, listener, aCommand(['true'], '/'))).outcome).toEqual({ kind: 'exited', code: 0 });
    await sandbox.end(0);
    expect(listener.lost).toHaveLength(1);
  });

  test.skipIf(!isRoot)('refuses to be root without a private uid', async () => {
    const { driver, state } = await withDriver();
    expect(await failure(driver.create(aSpec(state)))).toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('--unsafe-root'),
    });
    const unsafe = await withDriver({ unsafeRoot: true });
    const sandbox = await unsafe.driver.create(aSpec(unsafe.state));
    await sandbox.end(0);
    expect((await failure(unsafe.driver.create(aSpec(unsafe.state, { limits: { processes: 10 } })))).code).toBe('unsupported');
  });

  test.skipIf(!isRoot)('gives files of a private uid to the owner of the workspace', async () => {
    const { driver, state } = await withDriver();
    chownSync(state.workspace, 4321, 4322);
    const sandbox = await driver.create(aSpec(state, uid));
    const listener = createListener(sandbox);
    const exit = await runToEnd(sandbox, listener, aCommand(['sh', '-c', 'id -u; touch made; stat -c %u .'], state.workspace));
    expect(text(exit.inline?.stdout)).toBe('1000\n1000\n');
    expect(statSync(join(state.workspace, 'made'))).toMatchObject({ uid: 4321, gid: 4322 });
    const { supervisor } = sandbox.handle as SupervisedHandle;
    expect(readFileSync(`/proc/${supervisor.pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${UNPRIVILEGED}\\s`, 'm'));
    await sandbox.end(0);
  });

  test('gives no private uid without being root', async ({ skip }) => {
    skip(isRoot, 'root is who runs the tests');
    const { driver, state } = await withDriver();
    expect((await failure(driver.create(aSpec(state, { uid: 4711 })))).code).toBe('unsupported');
  });
});
