import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHostDriver } from '../../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import type { SupervisedHandle } from '../../../src/drivers/sandbox/supervisor/handle.ts';
import { isAlive } from '../../../src/lib/process.ts';
import { aSpec, eventually } from '../../support/sandboxes.ts';
import { supervisorPath } from '../../support/supervisor.ts';
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
/** Where bubblewrap makes a pid namespace or not. */
const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(async () => {
  await launcher[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

/** A living sandbox in the place's state folder that no record names. */
const plantSandbox = async () => {
  const driver = createHostDriver({ launcher, supervisorPath: supervisorPath(), form: 'plain' });
  const spec = aSpec({ path: place.stateDir, workspace: place.project }, { network: 'host', leaseMs: 60_000 });
  const sandbox = await driver.create(spec);
  const { supervisor } = sandbox.handle as SupervisedHandle;
  await sandbox[Symbol.asyncDispose]();
  return { id: spec.id, folder: spec.folder, lives: () => isAlive(supervisor.pid, supervisor.startTicks) };
};

it('gc removes what is old and what nobody remembers, and nothing else', { timeout: 120_000 }, async () => {
  const host = ['--driver', 'host'];
  const folderOf = (id: string): string => join(place.stateDir, 'sandboxes', id);
  const sandboxOf = async (id: string): Promise<string> =>
    JSON.parse((await place.run(['ps', '--all', '--json'])).stdout).executions.find(
      (one: { execution_id: string }) => one.execution_id === id,
    ).sandbox_id;

  // Old output over the quota of its sandbox, and a log that no record names beside it.
  const old = JSON.parse((await place.run(['run', ...host, '--json', 'seq 1 20000'])).stdout);
  writeFileSync(join(folderOf(old.sandbox_id), 'log', 'xnobodysdog1.out'), 'x'.repeat(1000));
  // A folder that no record names.
  mkdirSync(join(folderOf('snobody001'), 'work'), { recursive: true });
  writeFileSync(join(folderOf('snobody001'), 'work', 'file'), 'y'.repeat(500));
  // A server that died with its sandbox.
  await using victim = place.start(['run', ...host, 'echo here; sleep 1000']);
  await victim.said('here');
  const running = JSON.parse((await place.run(['ps', '--json'])).stdout).executions[0].execution_id;
  const lostSandbox = await sandboxOf(running);
  victim.kill('SIGKILL');
  await victim.ended;
  // A sandbox of a server that is gone, which lives on, and one of a server that lives.
  const kept = (await place.run(['run', ...host, '--detach', 'sleep 1000'])).stdout.trim();
  await using beside = place.start(['run', ...host, 'echo beside; sleep 1000']);
  await beside.said('beside');
  const planted = await plantSandbox();
  const hidden = await plantSandbox();
  rmSync(hidden.folder, { recursive: true });
  const temporary = join(place.project, 'tmp');
  mkdirSync(join(temporary, 'corral-driver-probe-old'), { recursive: true });
  mkdirSync(join(temporary, 'corral-driver-probe-new'));
  utimesSync(join(temporary, 'corral-driver-probe-old'), new Date(0), new Date(0));
  // The sandbox of the dead server ends, too, as by the out-of-memory killer.
  const { supervisor } = JSON.parse(readFileSync(join(folderOf(lostSandbox), 'handle.json'), 'utf8')) as SupervisedHandle;
  process.kill(supervisor.pid, 'SIGKILL');
  await eventually(() => !isAlive(supervisor.pid, supervisor.startTicks), 'the end of the sandbox');

  const gc = async (...more: string[]) => {
    const ended = await place.run(['gc', '--json', '--sandbox-log-bytes', '1', ...more], { env: { TMPDIR: temporary } });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return JSON.parse(ended.stdout);
  };
  const found = {
    executions: { count: 1, bytes: 108_894 },
    logs: { count: 1, bytes: 1000 },
    folders: { count: 2, bytes: expect.any(Number) },
    servers: 1,
    supervisors: 2,
    probes: 1,
    sandboxes: 1,
    waiting: 1,
  };
  expect(await gc('--dry-run')).toMatchObject({ dry_run: true, ...found });
  expect(existsSync(folderOf('snobody001'))).toBe(true);
  expect([planted.lives(), hidden.lives()]).toEqual([true, true]);

  expect(await gc()).toMatchObject({ dry_run: false, ...found });
  expect([planted.lives(), hidden.lives()]).toEqual([false, false]);
  expect([existsSync(folderOf('snobody001')), existsSync(planted.folder)]).toEqual([false, false]);
  expect(existsSync(join(folderOf(old.sandbox_id), 'log', 'xnobodysdog1.out'))).toBe(false);
  expect(readdirSync(temporary)).toEqual(['corral-driver-probe-new']);
  const { executions } = JSON.parse((await place.run(['ps', '--all', '--json'])).stdout);
  const statusOf = (id: string) => executions.find((one: { execution_id: string }) => one.execution_id === id);
  expect(statusOf(old.execution_id)).toBeUndefined();
  expect(statusOf(running)).toMatchObject({ status: 'finished', outcome: { kind: 'lost' } });
  expect(statusOf(kept)).toMatchObject({ status: 'running' });
  expect((await place.run(['logs', kept])).code).toBe(0);

  // What lives was left alone, and a second round finds nothing.
  expect(await gc()).toMatchObject({
    executions: { count: 0 },
    logs: { count: 0 },
    folders: { count: 0 },
    servers: 0,
    supervisors: 0,
    waiting: 1,
  });
  expect((await place.run(['kill', kept])).stdout).toBe(`${kept}  cancelled\n`);
  beside.kill('SIGTERM');
  expect((await beside.ended).stdout).toBe('beside\n');
  expect((await place.run(['gc'])).stdout).toMatch(/^nothing to remove\nleft alone: 1 living sandbox/);
  expect((await place.run(['sandbox', 'rm', await sandboxOf(kept)])).code).toBe(0);
});
