import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attacksOf, compileProbe, readAnswers } from '../../../src/core/doctor/escapes/compile.ts';
import type { Answers } from '../../../src/core/doctor/escapes/compile.ts';
import { ESCAPE_PROBES } from '../../../src/core/doctor/escapes/probes.ts';
import { settleNeighbour } from '../../../src/core/doctor/escapes/run-probes.ts';
import { attackBesideShell, attackInTheOpen, openArena, openRange, PROCESSES } from '../../support/escapes.ts';
import type { Arena } from '../../support/escapes.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';

const missing = whyNoBubblewrap();
const range = await openRange();
afterAll(() => range[Symbol.asyncDispose]());

/**
 * Attacks that succeed for an ordinary user of any machine: each shows that its probe can fail. The others depend on the machine: on what is
 * installed, on settings of the kernel, or on being root.
 */
const SUCCEED_IN_THE_OPEN: Readonly<Record<string, readonly string[]>> = {
  'host-files': ['readable-file', 'state-folder', 'home-0', 'var-log', 'sys-kernel'],
  'host-writes': ['open-folder'],
  'kernel-facts': ['interrupts'],
  network: ['loopback', 'abstract-socket'],
  sockets: ['audit'],
  namespaces: ['new-user', 'enter', 'hidden-flags', 'mount-by-descriptor'],
  'system-calls': ['ptrace', 'read-memory', 'keyring', 'add-key', 'open-handle', 'file-handle', 'quota', 'filter', 'personality'],
  terminal: ['push', 'push-high-bits', 'console', 'console-high-bits', 'discipline', 'discipline-high-bits'],
  privileges: ['new-privileges', 'no-filter'],
  'server-secrets': ['environments', 'command-lines'],
  descriptors: ['inherited'],
  neighbours: ['processes', 'file-in-tmp', 'file-in-dev-shm'],
  processes: ['many'],
};

/** Pid 1 without the supervisor's own defences and without the filter. */
const SUCCEED_BESIDE_A_SHELL = [
  ...['read-environ', 'read-mem', 'read-maps', 'read-auxv', 'write-mem', 'descriptors', 'oom-score'],
  ...['read-memory', 'open', 'limits', 'priority', 'priority-of-user', 'disk-priority', 'processors'],
];

/** Files that only root may open; opening them changes nothing. */
const SUCCEED_AS_ROOT = ['kernel-core-pattern', 'kernel-hostname', 'vm-drop-caches'];

describe.skipIf(missing !== undefined)(`escapes${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const seen = new Map<string, Answers>();
  let arena: Arena;

  beforeAll(async () => {
    arena = openArena();
    const [here, there] = [await arena.enter({ processes: PROCESSES }), await arena.enter()];
    await settleNeighbour(there.runner, range.context.neighbour, there.spec);
    for (const probe of ESCAPE_PROBES) {
      const attacks = attacksOf(probe, range.context);
      const { text } = await here.runner.run(['/bin/sh', '-c', compileProbe(attacks, range.context.arch)], 30_000);
      seen.set(probe.id, readAnswers(attacks, text));
    }
  }, 90_000);

  afterAll(() => arena[Symbol.asyncDispose]());

  describe.each(ESCAPE_PROBES)('$id', (probe) => {
    const attacks = attacksOf(probe, range.context).map(({ name }) => name);

    test('the probe came to its end, with every attack made', () => {
      expect(seen.get(probe.id)).toMatchObject({ complete: true, notMade: [] });
    });

    test.each(attacks)('%s is refused inside', (name) => {
      expect(seen.get(probe.id)?.refused).toContain(name);
      expect(seen.get(probe.id)?.succeeded).not.toContain(name);
    });
  });

  describe('the same attacks without a sandbox', () => {
    test('no probe is without an attack that is shown to succeed', () => {
      const shown = [...Object.keys(SUCCEED_IN_THE_OPEN), 'supervisor', 'kernel-settings'];
      expect(shown.toSorted()).toEqual(ESCAPE_PROBES.map(({ id }) => id).toSorted());
    });

    test.each(ESCAPE_PROBES.filter(({ id }) => SUCCEED_IN_THE_OPEN[id] !== undefined))(
      '$id succeeds',
      { timeout: 40_000 },
      async (probe) => {
        const answers = await attackInTheOpen(probe, range.context);
        expect(answers.complete).toBe(true);
        expect(answers.succeeded).toEqual(expect.arrayContaining([...(SUCCEED_IN_THE_OPEN[probe.id] ?? ['none'])]));
      },
    );

    test.skipIf(process.getuid?.() !== 0)('kernel-settings succeeds as root (skipped for others)', async () => {
      const probe = ESCAPE_PROBES.find(({ id }) => id === 'kernel-settings');
      if (probe === undefined) throw new Error('no such probe');
      expect((await attackInTheOpen(probe, range.context, true)).succeeded).toEqual(expect.arrayContaining(SUCCEED_AS_ROOT));
    });

    test('supervisor: a shell as pid 1 is read, opened, starved and slowed', { timeout: 40_000 }, async () => {
      const probe = ESCAPE_PROBES.find(({ id }) => id === 'supervisor');
      if (probe === undefined) throw new Error('no such probe');
      const { succeeded } = await attackBesideShell(probe, range.context);
      expect(succeeded).toEqual(expect.arrayContaining(SUCCEED_BESIDE_A_SHELL));
    });
  });
});
