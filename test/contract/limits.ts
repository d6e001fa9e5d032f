import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Capabilities, SandboxCommand, SandboxDriver, SandboxLimits, SandboxSpec } from '../../src/ports/sandbox.ts';
import { aCommand, aSpec, createListener, eventually, runToEnd, temporaryState, text } from '../support/sandboxes.ts';
import type { DriverFactory } from '../support/sandboxes.ts';

export interface LimitsHarness {
  readonly open: DriverFactory;
  /** What this driver needs in every specification. */
  readonly spec: Partial<SandboxSpec>;
  /** What the machine must let it have, for this run to prove anything. */
  readonly kept: readonly (keyof SandboxLimits)[];
  readonly skip?: string | undefined;
}

const MIB = 1024 * 1024;
const PROCESSES = 48;

const perl = (program: string): string[] => ['perl', '-e', program];
const sh = (script: string): string[] => ['sh', '-c', script];

/** Each is bounded by itself: it ends or stops growing when no limit stops it. */
const ATTACKS = {
  burn: perl('1 while time - $^T < 20'),
  burnTwice: sh("perl -e '1 while time - $^T < 20' & perl -e '1 while time - $^T < 20' & wait"),
  burnInTurns: sh(`i=0; while [ $i -lt 400 ]; do perl -e '1 for 1..2_000_000'; i=$((i+1)); done`),
  burnOrphaned: sh(`i=0; while [ $i -lt 100 ]; do (perl -e '1 for 1..3_000_000' &); sleep 0.1; i=$((i+1)); done`),
  allocate: perl('my @x; push @x, "x" x 4_194_304 for 1..100; sleep 20'),
  allocateBelowShell: sh("perl -e 'my @x; push @x, q(x) x 4_194_304 for 1..100; sleep 20'; echo survived; sleep 20"),
  shareMemory: perl(
    'my $fd = syscall(319, my $n = "m", 0); exit 9 if $fd < 0; open(my $f, ">&=", $fd) or exit 8; my $x = "x" x 1_048_576; syswrite($f, $x) for 1..400; sleep 20',
  ),
  forkBomb: perl('$SIG{ALRM} = sub { exit }; alarm 20; my $n = 0; while ($n < 5000) { my $pid = fork; $n++ if defined $pid }'),
  threadsHeld: perl('my $n = 0; for (1..28) { my $pid = fork; if (!$pid) { sleep 3; exit } } 1 while wait > 0; print "done"'),
  bigFile: sh('head -c 3000000 /dev/zero > big; exit $?'),
  bigFileAlone: perl('open(my $f, ">", "alone"); my $x = "x" x 65_536; syswrite($f, $x) for 1..60'),
  manyFiles: sh('i=0; while [ $i -lt 400 ]; do head -c 524288 /dev/zero > part$i; i=$((i+1)); sleep 0.02; done'),
} as const;

/** What limits mean, for every driver whose programs are real: each attack ends by name, and what stands beside it goes on. */
export const describeLimitsContract = (name: string, harness: LimitsHarness): void => {
  describe.skipIf(harness.skip !== undefined)(`limits: ${name}${harness.skip === undefined ? '' : ` (skipped: ${harness.skip})`}`, () => {
    let opened: Awaited<ReturnType<DriverFactory>>;
    let driver: SandboxDriver;
    let capabilities: Capabilities;

    beforeAll(async () => {
      opened = await harness.open();
      driver = opened.driver;
      const probe = await driver.probe();
      if (!probe.available) throw new Error(`${probe.reason} ${probe.fix}`);
      capabilities = probe.capabilities;
    });
    afterAll(async () => {
      await opened?.[Symbol.asyncDispose]();
    });

    const make = async (limits: SandboxLimits) => {
      const state = temporaryState();
      const spec = aSpec(state, { ...harness.spec, limits });
      const sandbox = await driver.create(spec);
      onTestFinished(async () => {
        await sandbox.end(0);
        state[Symbol.dispose]();
      });
      const listener = createListener(sandbox);
      const start = async (argv: readonly string[], change: Partial<SandboxCommand> = {}) => {
        const command = aCommand(argv, spec.workdir, { graceMs: 0, wallMs: 25_000, ...change });
        await sandbox.start(command);
        return command.execution;
      };
      const run = (argv: readonly string[], change: Partial<SandboxCommand> = {}) =>
        runToEnd(sandbox, listener, aCommand(argv, spec.workdir, { graceMs: 0, wallMs: 25_000, ...change }));
      /** The sandbox has survived, and answers. */
      const answers = async (): Promise<void> => {
        const exit = await run(sh('echo alive'));
        expect([exit.outcome, text(exit.inline?.stdout)]).toEqual([{ kind: 'exited', code: 0 }, 'alive\n']);
      };
      return { state, sandbox, listener, start, run, answers };
    };

    test('says who keeps what, and keeps what this machine permits', () => {
      expect(capabilities.kept).toEqual(expect.arrayContaining([...harness.kept]));
      for (const limit of capabilities.kept) expect(capabilities.limits).toContain(limit);
      expect(capabilities.kept).not.toContain('diskBytes');
      expect(capabilities.support.class === 'C').toBe(!harness.kept.includes('memoryBytes'));
    });

    describe('processor time', () => {
      test.each([
        ['one process', ATTACKS.burn],
        ['two at once, none over the limit by itself', ATTACKS.burnTwice],
        ['many one after the other', ATTACKS.burnInTurns],
        ['many whose parents are gone', ATTACKS.burnOrphaned],
      ])('of the whole tree: %s', async (_what, argv) => {
        const { run, answers } = await make({ cpuSeconds: 1 });
        const { outcome, usage, message } = await run(argv);
        expect(outcome.kind).toBe('cpu_limit');
        expect(message).toMatch(/^it used 1\.\d\d s of CPU time, 1 s are allowed$/);
        expect((usage.userUs + usage.systemUs) / 1e6).toBeLessThan(2);
        await answers();
      });

      test('of one execution, where the sandbox has no limit; its neighbour goes on', async () => {
        const { run, start, listener, sandbox } = await make({});
        const neighbour = await start(['sleep', '20']);
        expect((await run(ATTACKS.burn, { limits: { cpuSeconds: 1 } })).outcome.kind).toBe('cpu_limit');
        expect(listener.exits.has(neighbour)).toBe(false);
        await sandbox.terminate(neighbour, { graceMs: 0, cause: 'cancelled' });
      });

      test('the first cause wins', async () => {
        const { run } = await make({ cpuSeconds: 2 });
        expect((await run(ATTACKS.burn, { wallMs: 300 })).outcome.kind).toBe('timed_out');
      });

      test('a program that stays below ends as it likes', async () => {
        const { run } = await make({ cpuSeconds: 5 });
        expect((await run(perl('1 for 1..1_000_000; exit 7'))).outcome).toEqual({ kind: 'exited', code: 7 });
      });
    });

    describe('memory', () => {
      test.each([
        ['a program', ATTACKS.allocate],
        ['a child of a shell', ATTACKS.allocateBelowShell],
      ])('of the sandbox: %s; its neighbour goes on', async (_what, argv) => {
        const { run, start, listener, sandbox, answers } = await make({ memoryBytes: 128 * MIB });
        const neighbour = await start(['sleep', '20']);
        const { outcome, message } = await run(argv);
        expect(outcome.kind).toBe('memory_limit');
        expect(message).toMatch(/^the sandbox used \d+ MiB of memory, 128 MiB are allowed$/);
        expect(listener.exits.has(neighbour)).toBe(false);
        await sandbox.terminate(neighbour, { graceMs: 0, cause: 'cancelled' });
        await answers();
      });

      test('that no process maps is counted or cannot be had', async (context) => {
        const shown = capabilities.kept.includes('memoryBytes') || capabilities.isolation === 'namespace';
        if (!shown) context.skip(`${name} cannot see memory that no process maps`);
        const { run, answers } = await make({ memoryBytes: 128 * MIB });
        const { outcome } = await run(ATTACKS.shareMemory);
        if (capabilities.kept.includes('memoryBytes')) expect(outcome.kind).toBe('memory_limit');
        else expect(outcome).toEqual({ kind: 'exited', code: 9 });
        await answers();
      });

      test('of one execution, where the sandbox has no limit', async () => {
        const { run } = await make({});
        const { outcome, message } = await run(ATTACKS.allocate, { limits: { memoryBytes: 100 * MIB } });
        expect([outcome.kind, message]).toEqual([
          'memory_limit',
          expect.stringMatching(/^it used \d+ MiB of memory, 100 MiB are allowed$/),
        ]);
      });
    });

    describe('processes', () => {
      test('a fork bomb ends by name, soon, and the sandbox goes on', async (context) => {
        if (!capabilities.limits.includes('processes')) context.skip(`${name} cannot limit processes here`);
        const { run, answers } = await make({ processes: PROCESSES });
        const { outcome, message, durationMs } = await run(ATTACKS.forkBomb);
        expect(outcome.kind).toBe('process_limit');
        expect(message).toMatch(/processes and threads and tried to start more, 48 are allowed in the sandbox$/);
        expect(durationMs).toBeLessThan(5000);
        await answers();
      });

      test('a tree that comes near is left alone', async (context) => {
        if (!capabilities.limits.includes('processes')) context.skip(`${name} cannot limit processes here`);
        const { run } = await make({ processes: PROCESSES });
        const exit = await run(ATTACKS.threadsHeld);
        expect([exit.outcome, text(exit.inline?.stdout)]).toEqual([{ kind: 'exited', code: 0 }, 'done']);
      });

      test('of one execution, where the sandbox has no limit', async () => {
        const { run } = await make({});
        const { outcome, message } = await run(ATTACKS.threadsHeld, { limits: { processes: 10 } });
        expect([outcome.kind, message]).toEqual([
          'process_limit',
          expect.stringMatching(/^it had \d+ processes and threads, 10 are allowed$/),
        ]);
      });
    });

    describe('files', () => {
      test('one too large: a program that the kernel ends, and a shell that says so', async () => {
        const { run, answers, state } = await make({ fileBytes: MIB });
        const alone = await run(ATTACKS.bigFileAlone);
        expect(alone).toMatchObject({
          outcome: { kind: 'file_size_limit', signal: 'SIGXFSZ' },
          message: 'it wrote a file beyond 1048576 bytes, the most that one may have',
        });
        expect((await run(ATTACKS.bigFile)).outcome).toMatchObject({ kind: 'file_size_limit', code: 153 });
        expect(statSync(join(state.workspace, 'big')).size).toBe(MIB);
        await answers();
      });

      test('an exit code of 153 by itself is an exit code', async () => {
        const { run } = await make({ fileBytes: MIB });
        expect((await run(sh('echo small > small; exit 153'))).outcome).toEqual({ kind: 'exited', code: 153 });
      });

      test('too many: what writes is ended, what removes is not', async () => {
        const { run, state, answers } = await make({ diskBytes: 24 * MIB });
        const { outcome, message } = await run(ATTACKS.manyFiles);
        expect(outcome.kind).toBe('disk_limit');
        expect(message).toMatch(/^the files of the sandbox took \d+ MiB, 24 MiB are allowed$/);
        expect(readdirSync(state.workspace).length).toBeLessThan(400);
        await answers();
        expect((await run(sh('n=0; for f in part*; do rm -f $f; n=$((n+1)); [ $n -gt 8 ] || sleep 0.15; done'))).outcome).toEqual({
          kind: 'exited',
          code: 0,
        });
        expect(readdirSync(state.workspace)).toEqual([]);
      });
    });

    test('whatever goes on inside, terminate is answered and nothing is left', { timeout: 60_000 }, async () => {
      const { start, sandbox, listener, answers } = await make(
        capabilities.limits.includes('processes') ? { processes: 128, memoryBytes: 256 * MIB } : { memoryBytes: 256 * MIB },
      );
      for (const attack of [ATTACKS.forkBomb, ATTACKS.burnTwice, ATTACKS.manyFiles]) {
        const bounded = attack === ATTACKS.forkBomb && !capabilities.limits.includes('processes') ? ATTACKS.threadsHeld : attack;
        const execution = await start(bounded);
        await eventually(async () => (await sandbox.stats()).processes > 1, 'the attack has begun');
        const before = performance.now();
        expect(await sandbox.terminate(execution, { graceMs: 0, cause: 'cancelled' })).toMatchObject({ survivors: [] });
        expect(performance.now() - before).toBeLessThan(5000);
        expect(['cancelled', 'process_limit']).toContain((await listener.exit(execution)).outcome.kind);
      }
      await answers();
    });

    test('the group goes with the sandbox', async (context) => {
      if (capabilities.support.class === 'C') context.skip('no control group here');
      const { sandbox } = await make({ memoryBytes: 128 * MIB });
      const folders = sandbox.handle['groups'] as readonly string[];
      expect(folders.map((folder) => existsSync(folder))).toEqual(folders.map(() => true));
      await sandbox.end(0);
      expect(folders.map((folder) => existsSync(folder))).toEqual(folders.map(() => false));
    });
  });
};
