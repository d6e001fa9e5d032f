import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCgroups } from '../../../../src/drivers/sandbox/cgroups/cgroups.ts';
import { findHierarchy } from '../../../../src/drivers/sandbox/cgroups/hierarchy.ts';
import type { LaunchOptions } from '../../../../src/drivers/sandbox/supervisor/launch-options.ts';
import { failure, temporaryState } from '../../../support/sandboxes.ts';
import { imitateUnified } from '../../../support/imitated-groups.ts';
import type { Imitation, ImitationOptions } from '../../../support/imitated-groups.ts';

const MOUNT = '/sys/fs/cgroup';
const PLACE = '/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope';
const LAUNCHER = 4242;

const imitate = (change: Partial<ImitationOptions> = {}): Imitation =>
  imitateUnified({
    mount: MOUNT,
    place: PLACE,
    controllers: ['cpu', 'memory', 'pids'],
    members: [process.pid, LAUNCHER],
    ...change,
  });

/** A launcher whose programs do to the group what the kernel would have told of them. */
const open = (groups: Imitation, kernel: { kills: boolean; counts: boolean } = { kills: true, counts: true }) => {
  const state = temporaryState();
  onTestFinished(() => state[Symbol.dispose]());
  const launched: LaunchOptions[] = [];
  const cgroups = createCgroups({
    files: groups,
    isRoot: false,
    stateDir: state.path,
    supervisorPath: '/nowhere/corral-supervisor',
    launcher: {
      pid: LAUNCHER,
      warm: () => {},
      kill: async () => {},
      launch: async (options) => {
        launched.push(options);
        const folder = options.cgroups[0]!.replace(/\/cgroup\.procs$/, '');
        if (kernel.kills) groups.contents.set(`${folder}/memory.events`, 'oom 1\noom_kill 1\n');
        if (kernel.counts) groups.contents.set(`${folder}/pids.events`, 'max 1\n');
        return { pid: 1, info: Promise.resolve(''), ended: Promise.resolve(kernel.kills ? 9 : 0x500) };
      },
    },
  });
  return { cgroups, launched, state };
};

describe('control groups of version 2 (imitated)', () => {
  test('are class A once a limit was seen to hold, and the proof leaves no group', async () => {
    const groups = imitate();
    const { cgroups, launched } = open(groups);
    expect(await cgroups.support()).toEqual({ class: 'A', source: 'cgroup2', cpus: true });
    expect(launched[0]!.argv).toEqual(['/nowhere/corral-supervisor', 'hit-limits']);
    expect([...groups.members.keys()].filter((folder) => folder.includes('/corral/'))).toEqual([]);
  });

  test.each([
    ['memory', { kills: false, counts: true }],
    ['processes', { kills: true, counts: false }],
  ])('that only imitate a limit of %s are class C, and why is said', async (what, kernel) => {
    const { cgroups } = open(imitate(), kernel);
    expect(await cgroups.support()).toMatchObject({ class: 'C', source: 'proc', why: expect.stringContaining(`a limit of ${what}`) });
  });

  test('a proof is remembered until the machine starts anew, and not across places', async () => {
    const groups = imitate();
    const { cgroups, launched, state } = open(groups);
    await cgroups.support();
    const second = createCgroups({
      files: groups,
      isRoot: false,
      stateDir: state.path,
      supervisorPath: '',
      launcher: { pid: LAUNCHER, warm: () => {}, kill: async () => {}, launch: () => Promise.reject(new Error('not again')) },
    });
    expect(await second.support()).toMatchObject({ class: 'A' });
    const elsewhere = createCgroups({
      files: imitate({ place: '/elsewhere' }),
      isRoot: false,
      stateDir: state.path,
      supervisorPath: '',
      launcher: { pid: LAUNCHER, warm: () => {}, kill: async () => {}, launch: () => Promise.reject(new Error('anew')) },
    });
    expect(await elsewhere.support()).toMatchObject({ class: 'C', why: expect.stringContaining('anew') });
    expect(launched).toHaveLength(1);
  });

  test('the server moves into a leaf, so that its group can hand out controllers', async () => {
    const groups = imitate();
    await open(groups).cgroups.make('s1', {});
    expect(groups.members.get(`${MOUNT}${PLACE}/corral-server`)).toEqual(new Set([process.pid, LAUNCHER]));
    expect(groups.contents.get(`${MOUNT}${PLACE}/cgroup.subtree_control`)).toBe('memory pids cpu');
  });

  test('a group with other processes is left as it was', async () => {
    const groups = imitate({ members: [process.pid, LAUNCHER, 77] });
    const error = await failure(open(groups).cgroups.make('s1', { memoryBytes: 1e8 }));
    expect(error.message).toContain("processes that are not Corral's");
    expect(groups.members.get(`${MOUNT}${PLACE}`)).toEqual(new Set([process.pid, LAUNCHER, 77]));
    expect(groups.members.size).toBe(1);
  });

  test("the kernel's root group hands out controllers with processes in it", async () => {
    const groups = imitate({ place: '/', isRootGroup: true });
    const { folders } = await open(groups).cgroups.make('s1', {});
    expect(folders[0]).toMatch(/^\/sys\/fs\/cgroup\/corral\/[0-9a-f]{8}\.s1$/);
    expect(groups.members.has(`${MOUNT}/corral-server`)).toBe(false);
  });

  test('limits are written as this version has them', async () => {
    const groups = imitate();
    const { folders, joins, figures } = await open(groups).cgroups.make('s1', { memoryBytes: 1 << 28, processes: 50, cpus: 1.5 });
    const [folder = ''] = folders;
    const of = (name: string): string | undefined => groups.contents.get(join(folder, name));
    expect([of('memory.max'), of('memory.swap.max'), of('pids.max'), of('cpu.max')]).toEqual(['268435456', '0', '66', '150000 100000']);
    expect(joins).toEqual([`${folder}/cgroup.procs`]);
    expect(figures).toEqual(
      ['memory.events', 'memory.current', 'pids.events', 'pids.current', 'cpu.stat'].map((name) => `${folder}/${name}`),
    );
  });

  test('without a cpu controller a limit of CPUs is refused, and nothing is left', async () => {
    const groups = imitate({ controllers: ['memory', 'pids'] });
    const { cgroups } = open(groups);
    expect((await failure(cgroups.make('s1', { cpus: 1 }))).code).toBe('unsupported');
    expect([...groups.members.keys()].some((folder) => folder.endsWith('.s1'))).toBe(false);
    expect(await cgroups.support()).toEqual({ class: 'A', source: 'cgroup2', cpus: false });
  });

  test('a limit that does not read back is not believed', async () => {
    const groups = imitate();
    const deaf = {
      ...groups,
      write: async (path: string, text: string) => (path.endsWith('pids.max') ? undefined : groups.write(path, text)),
    };
    expect((await failure(open(deaf).cgroups.make('s1', { processes: 9 }))).message).toContain('pids.max reads "max"');
  });

  test('the sweep removes groups of sandboxes that are gone, of this state folder alone', async () => {
    const groups = imitate();
    const [one, other] = [open(groups), open(groups)];
    for (const name of ['alive', 'dead']) await one.cgroups.make(name, {});
    await other.cgroups.make('foreign', {});
    expect(await one.cgroups.sweep(async () => new Set(['alive']))).toBe(1);
    expect(
      [...groups.members.keys()]
        .flatMap((folder) => /\.(\w+)$/.exec(folder)?.[1] ?? [])
        .filter((name) => name !== 'scope')
        .sort(),
    ).toEqual(['alive', 'foreign']);
  });

  test('records are asked after the look: a sandbox that is recorded first is never taken for a leftover', async () => {
    const groups = imitate();
    const records = new Set<string>();
    /** Another server records and makes one while this one looks. */
    const list = async (path: string): Promise<readonly string[]> => {
      records.add('young');
      await cgroups.make('young', {});
      return groups.list(path);
    };
    const { cgroups } = open({ ...groups, list });
    await cgroups.make('dead', {});
    expect(await cgroups.sweep(async () => new Set(records))).toBe(1);
    expect([...groups.members.keys()].some((folder) => folder.endsWith('.young'))).toBe(true);
  });
});

describe('finding a hierarchy', () => {
  const find = (groups: Imitation, isRoot = false) => findHierarchy(groups, isRoot);

  test('a server that has moved into its leaf finds the group above it', async () => {
    expect(await find(imitate({ place: `${PLACE}/corral-server` }))).toMatchObject({ version: 0 });
    const groups = imitate();
    groups.contents.set('/proc/self/cgroup', `0::${PLACE}/corral-server\n`);
    expect(await find(groups)).toEqual({ version: 2, unified: `${MOUNT}${PLACE}`, cpu: true });
  });

  test('what is not delegated is named, with the command that does it', async () => {
    expect(await find(imitate({ mayWrite: false }))).toMatchObject({
      version: 0,
      why: expect.stringContaining('not delegated'),
      fix: expect.stringContaining('systemd-run --user --scope -p Delegate=yes'),
    });
  });

  test('a place outside of what is mounted is none', async () => {
    const groups = imitate();
    groups.contents.set('/proc/self/cgroup', '0::/../../other\n');
    groups.contents.set('/proc/self/mountinfo', `31 23 0:28 /inner ${MOUNT} rw - cgroup2 cgroup2 rw\n`);
    expect(await find(groups)).toMatchObject({ version: 0 });
  });

  test('version 1 is for root, controllers mounted together or apart', async () => {
    const groups = imitate({ controllers: [] });
    groups.contents.set('/proc/self/cgroup', '4:memory:/own\n3:cpu,cpuacct:/\n2:pids:/\n0::/\n');
    groups.contents.set(
      '/proc/self/mountinfo',
      ['memory', 'pids', 'cpu,cpuacct'].map((name) => `3 2 0:3 / ${MOUNT}/${name} rw - cgroup cgroup rw,${name}`).join('\n'),
    );
    expect(await find(groups, true)).toEqual({
      version: 1,
      memory: `${MOUNT}/memory/own`,
      pids: `${MOUNT}/pids`,
      cpu: `${MOUNT}/cpu,cpuacct`,
      cpuacct: `${MOUNT}/cpu,cpuacct`,
    });
    expect(await find(groups, false)).toMatchObject({ version: 0, why: expect.stringContaining('for root') });
  });

  test('no /proc, no groups', async () => {
    const groups = imitate();
    groups.contents.delete('/proc/self/cgroup');
    expect(await find(groups)).toMatchObject({ version: 0 });
  });
});
