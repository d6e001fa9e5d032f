import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBubblewrapDriver } from '../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createHostDriver } from '../../src/drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import type { Sandbox, SandboxDriver, SandboxSpec, Termination } from '../../src/ports/sandbox.ts';
import { type Cell, endTree, HARD_TREES, installKillLab } from '../support/kill-matrix.ts';
import { UNPRIVILEGED, whyNoBubblewrap } from '../support/run-bubblewrap.ts';
import { canFreeze, freeze } from '../support/freezer.ts';
import { aCommand, aSpec, createListener, eventually, type Listener, newId, temporaryState } from '../support/sandboxes.ts';
import { markedProcesses } from '../support/survivors.ts';
import { supervisorPath } from '../support/supervisor.ts';

/** Trees that are hard to end, on every driver that starts real programs, with and without a grace: nobody may be left. */

/** `npm run kill-matrix` does more. */
const ROUNDS = Number(process.env['CORRAL_KILL_ROUNDS'] ?? 1);
const GRACES_MS = [0, 200];
const PROMISED_MS = 100;
/** A timer that comes later than this says that the machine is overloaded. */
const OVERLOADED_MS = 10;
const MAX_PROCESSES = 64;

const SIGKILL = 9;

interface Place {
  readonly name: string;
  readonly open: (launcher: ReturnType<typeof createSupervisorLauncher>) => SandboxDriver;
  readonly spec: Partial<SandboxSpec>;
  readonly tracing: boolean;
  readonly skip: string | undefined;
}

const bubblewrapMissing = whyNoBubblewrap();
const PLACES: readonly Place[] = [
  {
    name: 'bubblewrap',
    open: (launcher) => createBubblewrapDriver({ launcher, supervisorPath: supervisorPath() }),
    spec: process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {},
    tracing: false,
    skip: bubblewrapMissing,
  },
  {
    name: 'host, pid namespace',
    open: (launcher) => createHostDriver({ launcher, supervisorPath: supervisorPath(), form: 'pid-namespace' }),
    spec: { network: 'host' },
    tracing: true,
    skip: bubblewrapMissing,
  },
  {
    name: 'host, plain',
    open: (launcher) => createHostDriver({ launcher, supervisorPath: supervisorPath(), form: 'plain' }),
    spec: { network: 'host' },
    tracing: true,
    skip: undefined,
  },
];

const describeCell = (place: string, { tree, graceMs, stood, overMs, lateMs, survivors }: Cell): string =>
  [
    place.padEnd(20),
    tree.padEnd(16),
    String(graceMs).padStart(5),
    String(stood).padStart(5),
    String(survivors.length).padStart(9),
    Math.max(0, overMs).toFixed(0).padStart(6),
    `${lateMs.toFixed(0).padStart(6)}${lateMs > OVERLOADED_MS ? ' overloaded' : ''}`,
  ].join(' ');

const table: string[] = [`${'driver'.padEnd(20)} ${'tree'.padEnd(16)} grace stood survivors overMs lateMs`];

afterAll(() => process.stdout.write(`${table.join('\n')}\n`));

describe.each(PLACES)('every tree ends: $name', ({ name, open, spec, tracing, skip }) => {
  const state = temporaryState();
  const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
  let sandbox: Sandbox;
  let listener: Listener;
  let lab: string;
  let limitsProcesses: boolean;
  let made: SandboxSpec;

  beforeAll(async () => {
    if (skip !== undefined) return;
    const driver = open(launcher);
    const probe = await driver.probe();
    if (!probe.available) throw new Error(probe.reason);
    limitsProcesses = probe.capabilities.limits.includes('processes') || spec.uid !== undefined;
    lab = installKillLab(state.workspace);
    made = aSpec(state, spec);
    sandbox = await driver.create(made);
    listener = createListener(sandbox);
  });
  afterAll(async () => {
    await (sandbox as Sandbox | undefined)?.end(0);
    await launcher[Symbol.asyncDispose]();
    state[Symbol.dispose]();
  });

  const cells = HARD_TREES.flatMap((tree) =>
    GRACES_MS.map((graceMs) => ({ tree, graceMs, title: `${tree.name}, ${String(graceMs)} ms: ${tree.about}` })),
  );

  test.for(cells)('$title', { timeout: 30_000 * ROUNDS }, async ({ tree, graceMs }, context) => {
    context.skip(skip !== undefined, skip);
    context.skip(tree.needsTracing === true && !tracing, 'ptrace is denied inside');
    context.skip(tree.needsProcessLimit === true && !limitsProcesses, 'this driver does not limit processes here');
    for (let round = 0; round < ROUNDS; round += 1) {
      const limits = tree.needsProcessLimit === true ? { processes: MAX_PROCESSES } : {};
      const cell = await endTree({ sandbox, listener, lab, cwd: made.workdir, tree, graceMs, limits });
      table.push(describeCell(name, cell));
      expect(cell.survivors, 'who is left, seen from outside').toEqual([]);
      expect(cell.told, 'who is left, as the sandbox says').toEqual([]);
      // A machine that lets our own timers wait lets the supervisor wait, too.
      const allowedMs = cell.lateMs > OVERLOADED_MS ? PROMISED_MS + 10 * cell.lateMs : PROMISED_MS;
      expect(cell.overMs, `ms after the grace; timers came ${cell.lateMs.toFixed(0)} ms late`).toBeLessThan(allowedMs);
    }
  });

  test('the look from outside finds who was left by a lesser way of ending', async (context) => {
    context.skip(skip !== undefined, skip);
    const tree = HARD_TREES.find((one) => one.name === 'setsid');
    if (tree === undefined) throw new Error('no such tree');
    const end = async (execution: string): Promise<Termination> => {
      await sandbox.signal(execution, SIGKILL);
      return { ended: 1, survivors: [] };
    };
    const cell = await endTree({ sandbox, listener, lab, cwd: made.workdir, tree, graceMs: 0, end });
    expect(cell.survivors.length).toBeGreaterThan(0);
  });

  // What is frozen by the freezer of cgroup v1 is in a wait that even SIGKILL does not end: a disk or a network file system that hangs.
  test('what cannot be ended is told by name, and ends as soon as it can', { timeout: 30_000 }, async (context) => {
    context.skip(skip !== undefined, skip);
    context.skip(!canFreeze(), 'needs root and the freezer of cgroup v1');
    const mark = `hard${newId()}`;
    const { execution, ...command } = aCommand([lab, 'children', mark], made.workdir);
    await sandbox.start({ execution, ...command });
    await eventually(() => markedProcesses(mark).length === 4, 'the tree');
    const [frozen, ...others] = markedProcesses(mark)
      .map(({ pid }) => pid)
      .toReversed();
    using freezer = freeze([frozen ?? 0]);
    const { survivors } = await sandbox.terminate(execution, { graceMs: 0, cause: 'cancelled' });
    expect(survivors).toEqual([expect.stringMatching(/^\d+ kill-lab$/)]);
    expect(markedProcesses(mark).map(({ pid }) => pid)).toEqual([frozen]);
    expect(others).toHaveLength(3);
    freezer.thaw();
    await eventually(() => markedProcesses(mark).length === 0, 'the end of what was frozen');
  });
});
