import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../../src/ports/sandbox.ts';
import { aCommand, aSpec, createListener, eventually, failure, newId, runToEnd, temporaryState, text } from '../support/sandboxes.ts';
import type { DriverFactory, Listener } from '../support/sandboxes.ts';

/** What the programs of a driver are called. Each is the argv of one step. */
export interface Vocabulary {
  readonly print: (line: string) => string[];
  readonly complain: (line: string) => string[];
  readonly exit: (code: number) => string[];
  readonly raise: (signal: string) => string[];
  readonly sleep: (ms: number) => string[];
  readonly cat: () => string[];
  readonly spam: (bytes: number) => string[];
  readonly printenv: (name: string) => string[];
  readonly pwd: () => string[];
  /** Prints "ready", ignores SIGTERM and stays. */
  readonly stubborn: () => string[];
  /** Leaves a process in a session of its own behind, which holds no stream, and ends with 0. */
  readonly leaveBehind: (mark: string) => string[];
  /** The same, and the process prints `line` after `ms` and ends. */
  readonly printLater: (ms: number, line: string) => string[];
  /** Leaves such a process behind and stays, too. */
  readonly stayWithChild: (mark: string) => string[];
  readonly listen: (port: number) => string[];
  readonly link: (target: string, path: string) => string[];
}

export interface Harness {
  readonly open: DriverFactory;
  readonly programs: Vocabulary;
  /** What this driver needs in every specification. */
  readonly spec: Partial<SandboxSpec>;
  /** Outside processes with this mark in their command line. */
  readonly processesWith: (mark: string) => readonly number[];
  /** Ends the sandbox from outside, as an out-of-memory killer would. */
  readonly kill: (driver: SandboxDriver, sandbox: Sandbox) => Promise<void>;
  /** The reason why it cannot run here. */
  readonly skip?: string | undefined;
}

const mark = (): string => `7${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`;

/** Longer than a socket address can be. */
const deepFolder = (top: string): string => {
  const folder = join(top, 'sandboxes', ...Array.from({ length: 8 }, () => 'a-folder-with-a-long-name'), newId());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
};

/** The supervisor may have to be built first. */
const SETUP_MS = 60_000;

/** What every driver promises: the meaning of `src/ports/sandbox.ts`. */
export const describeSandboxDriverContract = (name: string, harness: Harness): void => {
  const { programs } = harness;
  describe.skipIf(harness.skip !== undefined)(
    `sandbox driver contract: ${name}${harness.skip === undefined ? '' : ` (skipped: ${harness.skip})`}`,
    () => {
      let opened: Awaited<ReturnType<DriverFactory>>;
      let driver: SandboxDriver;
      let state: ReturnType<typeof temporaryState>;
      let spec: SandboxSpec;
      let sandbox: Sandbox;
      let listener: Listener;
      const isolated = (): boolean => capabilities.isolation !== 'none';
      let capabilities: { isolation: string; network: readonly string[]; limits: readonly string[]; pty: boolean; survivesServer: boolean };

      const make = async (change: Partial<SandboxSpec> = {}) => {
        const made = aSpec(state, { ...harness.spec, ...change });
        const one = await driver.create(made);
        return { spec: made, sandbox: one, listener: createListener(one) };
      };
      const run = (argv: readonly string[], change = {}) => runToEnd(sandbox, listener, aCommand(argv, spec.workdir, change));

      beforeAll(async () => {
        state = temporaryState();
        opened = await harness.open();
        driver = opened.driver;
        const probe = await driver.probe();
        if (!probe.available) throw new Error(`${probe.reason} ${probe.fix}`);
        capabilities = probe.capabilities;
        ({ spec, sandbox, listener } = await make());
      }, SETUP_MS);
      afterAll(async () => {
        await sandbox?.end(0);
        await opened?.[Symbol.asyncDispose]();
        state?.[Symbol.dispose]();
      });

      describe('running', () => {
        test('gives every byte of both streams, the exit code and both sizes', async () => {
          const exit = await run(programs.print('héllo'));
          expect(exit.outcome).toEqual({ kind: 'exited', code: 0 });
          expect(text(exit.inline?.stdout)).toBe('héllo\n');
          expect(exit.stdout).toEqual({ bytes: 7, newlines: 1 });
          expect(exit.stderr).toEqual({ bytes: 0, newlines: 0 });
          expect(exit.background).toBe(0);
          expect(exit.durationMs).toBeGreaterThan(0);
          const failed = await run(programs.complain('no'));
          expect(text(failed.inline?.stderr)).toBe('no\n');
        });

        test('tells pid and start before or with the exit, and the exit once', async () => {
          const before = Date.now();
          const command = aCommand(programs.exit(0), spec.workdir);
          const started = await sandbox.start(command);
          const exit = await listener.exit(command.execution);
          expect(started.pid).toBeGreaterThan(1);
          expect(started.startedMs).toBeGreaterThanOrEqual(before - 1000);
          expect(exit.startedMs).toBe(started.startedMs);
          expect(listener.exits.get(command.execution)).toHaveLength(1);
        });

        test.each([1, 42, 255])('gives exit code %i as a result', async (code) => {
          expect((await run(programs.exit(code))).outcome).toEqual({ kind: 'exited', code });
        });

        test.each(['SIGTERM', 'SIGKILL'])('names the signal %s that ended a program', async (signal) => {
          const { outcome } = await run(programs.raise(signal));
          expect(outcome).toEqual({ kind: 'signalled', signal });
        });

        test('keeps the output in log files, whatever its size', async () => {
          const bytes = 300_000;
          const command = aCommand(programs.spam(bytes), spec.workdir);
          const exit = await runToEnd(sandbox, listener, command);
          expect(exit.stdout.bytes).toBe(bytes);
          expect(exit.inline).toBeUndefined();
          const log = readFileSync(join(spec.folder, 'log', `${command.execution}.out`));
          expect(log.length).toBe(bytes);
          expect(log.filter((byte) => byte === 10).length).toBe(exit.stdout.newlines);
          expect(existsSync(join(spec.folder, 'log', `${command.execution}.err`))).toBe(false);
        });

        test('runs in the named directory with exactly the named environment', async () => {
          expect(text((await run(programs.pwd())).inline?.stdout)).toBe(`${spec.workdir}\n`);
          const exit = await run(programs.printenv('GREETING'), { env: { PATH: spec.env['PATH'] ?? '', GREETING: 'a=b c' } });
          expect(text(exit.inline?.stdout)).toBe('a=b c\n');
          expect(text((await run(programs.printenv('GREETING'))).inline?.stdout).trim()).toBe('');
        });

        test('runs steps in order and stops at the first that fails', async () => {
          const steps = [programs.print('one'), programs.exit(3), programs.print('two')];
          const exit = await run([], { steps });
          expect(exit).toMatchObject({ step: 1, outcome: { kind: 'exited', code: 3 } });
          expect(text(exit.inline?.stdout)).toBe('one\n');
        });

        test('runs many at once and mixes nothing up', async () => {
          const results = await Promise.all(Array.from({ length: 24 }, async (_, index) => run(programs.print(`number ${index}`))));
          expect(results.map(({ inline }) => text(inline?.stdout))).toEqual(Array.from({ length: 24 }, (_, index) => `number ${index}\n`));
        });
      });

      describe('failing to start', () => {
        test('names a program that is not there, and where it was looked for', async () => {
          const error = await failure(sandbox.start(aCommand(['no-such-program'], spec.workdir)));
          expect(error.code).toBe('failed_to_start');
          expect(error.message).toBe(`"no-such-program" was not found in PATH (${spec.env['PATH']}).`);
          expect(error.hint).toContain('describe_environment');
        });

        test('names a working directory that is not there', async () => {
          const error = await failure(sandbox.start(aCommand(programs.exit(0), join(spec.workdir, 'nowhere'))));
          expect(error).toMatchObject({ code: 'failed_to_start', message: expect.stringContaining('nowhere') });
        });

        test('refuses a second execution of the same name, and the first goes on', async () => {
          const command = aCommand(programs.sleep(60_000), spec.workdir);
          await sandbox.start(command);
          expect((await failure(sandbox.start(command))).code).toBe('conflict');
          await sandbox.terminate(command.execution, { graceMs: 0, cause: 'cancelled' });
          expect((await listener.exit(command.execution)).outcome.kind).toBe('cancelled');
        });

        test('does not start what was cancelled before', async () => {
          expect((await failure(sandbox.start(aCommand(programs.exit(0), spec.workdir), AbortSignal.abort()))).code).toBe('cancelled');
        });
      });

      describe('standard input', () => {
        test('is what was given, then its end', async () => {
          const exit = await run(programs.cat(), { stdin: Buffer.from('given\0bytes') });
          expect(text(exit.inline?.stdout)).toBe('given\0bytes');
        });

        test('is empty when nothing was given', async () => {
          expect((await run(programs.cat())).stdout.bytes).toBe(0);
        });

        test('can be written until it is ended, and not after', async () => {
          const command = aCommand(programs.cat(), spec.workdir, { keepStdinOpen: true });
          await sandbox.start(command);
          await sandbox.write(command.execution, Buffer.from('one '), false);
          await sandbox.write(command.execution, Buffer.from('two'), true);
          const late = failure(sandbox.write(command.execution, Buffer.from('three'), false));
          expect(text((await listener.exit(command.execution)).inline?.stdout)).toBe('one two');
          expect((await late).code).toMatch(/conflict|not_found/);
        });

        test('of an unknown execution is refused', async () => {
          expect((await failure(sandbox.write('nobody', Buffer.from('x'), false))).code).toBe('not_found');
        });
      });

      describe('ending', () => {
        test('ends the tree, also what left its session, and says so', async () => {
          const sign = mark();
          const command = aCommand(programs.stayWithChild(sign), spec.workdir);
          await sandbox.start(command);
          if (capabilities.survivesServer) await eventually(() => harness.processesWith(sign).length > 0, 'the child');
          const { ended, survivors } = await sandbox.terminate(command.execution, { graceMs: 200, cause: 'cancelled' });
          expect(survivors).toEqual([]);
          expect(ended).toBeGreaterThan(0);
          expect(harness.processesWith(sign)).toEqual([]);
          expect((await listener.exit(command.execution)).outcome.kind).toBe('cancelled');
        });

        test('forces what ignores the first signal, after the grace', async () => {
          const command = aCommand(programs.stubborn(), spec.workdir);
          await sandbox.start(command);
          await sandbox.watch(command.execution, true);
          await listener.output(command.execution, 6);
          const began = performance.now();
          await sandbox.terminate(command.execution, { graceMs: 200 });
          expect(performance.now() - began).toBeGreaterThanOrEqual(190);
          expect((await listener.exit(command.execution)).outcome).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
        });

        test('sends a signal to a running program', async () => {
          const command = aCommand(programs.sleep(60_000), spec.workdir);
          await sandbox.start(command);
          await sandbox.signal(command.execution, 15);
          expect((await listener.exit(command.execution)).outcome).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
        });

        test('happens at the wall clock deadline', async () => {
          const exit = await run(programs.sleep(60_000), { wallMs: 150, graceMs: 100 });
          expect(exit.outcome).toMatchObject({ kind: 'timed_out', signal: expect.stringMatching(/SIGTERM|SIGKILL/) });
          expect(exit.durationMs).toBeGreaterThanOrEqual(140);
        });

        test('happens at the output limit, with exactly so many bytes kept', async () => {
          const command = aCommand(programs.spam(50_000_000), spec.workdir, { outputBytes: 100_000 });
          const exit = await runToEnd(sandbox, listener, command);
          expect(exit.outcome.kind).toBe('output_limit');
          expect(exit.stdout.bytes + exit.stderr.bytes).toBe(100_000);
          expect(readFileSync(join(spec.folder, 'log', `${command.execution}.out`)).length).toBe(100_000);
        });

        test('counts what lives on in the background, and ends it when asked', async () => {
          const sign = mark();
          const command = aCommand(programs.leaveBehind(sign), spec.workdir);
          const exit = await runToEnd(sandbox, listener, command);
          expect(exit).toMatchObject({ outcome: { kind: 'exited', code: 0 }, background: 1 });
          expect((await sandbox.terminate(command.execution, { graceMs: 100 })).survivors).toEqual([]);
          expect(harness.processesWith(sign)).toEqual([]);
        });

        test('keeps what the background prints afterwards, and tells when it is done', async () => {
          const command = aCommand(programs.printLater(300, 'late'), spec.workdir);
          const exit = await runToEnd(sandbox, listener, command);
          expect(exit.durationMs).toBeLessThan(290);
          await listener.close(command.execution);
          await eventually(() => existsSync(join(spec.folder, 'log', `${command.execution}.out`)), 'the log');
          expect(readFileSync(join(spec.folder, 'log', `${command.execution}.out`), 'utf8')).toBe('late\n');
        });
      });

      describe('looking', () => {
        test('lists what runs and what ended until it is acknowledged', async () => {
          const running = aCommand(programs.sleep(60_000), spec.workdir, { meta: '{"a":1}' });
          await sandbox.start(running);
          const done = aCommand(programs.print('x'), spec.workdir);
          const exit = await runToEnd(sandbox, listener, done);
          const before = new Map((await sandbox.list()).map((one) => [one.execution, one]));
          expect(before.get(running.execution)).toMatchObject({ meta: '{"a":1}', stdoutBytes: 0 });
          expect(before.get(running.execution)?.exit).toBeUndefined();
          expect(before.get(done.execution)?.exit).toMatchObject({ outcome: exit.outcome, stdout: exit.stdout });
          sandbox.acknowledge(done.execution);
          sandbox.acknowledge(running.execution);
          const names = async () => (await sandbox.list()).map(({ execution }) => execution);
          await eventually(async () => !(await names()).includes(done.execution), 'forgetting what was acknowledged');
          expect(await names()).toContain(running.execution);
          await sandbox.terminate(running.execution, { graceMs: 0 });
        });

        test('tells the growth of a watched execution', async () => {
          const command = aCommand(programs.stubborn(), spec.workdir);
          await sandbox.start(command);
          await sandbox.watch(command.execution, true);
          expect(await listener.output(command.execution, 6)).toMatchObject({ stdoutBytes: 6, stderrBytes: 0 });
          await sandbox.terminate(command.execution, { graceMs: 0 });
        });

        test('waits for a port, says when nobody listens, and can be cancelled', async () => {
          const port = 20_000 + Math.floor(Math.random() * 10_000);
          expect(await sandbox.waitPort(port, 60)).toBe(false);
          const abort = new AbortController();
          const cancelled = failure(sandbox.waitPort(port, 60_000, abort.signal));
          setTimeout(() => abort.abort(), 50);
          expect((await cancelled).code).toBe('cancelled');
          const command = aCommand(programs.listen(port), spec.workdir);
          await sandbox.start(command);
          expect(await sandbox.waitPort(port, 10_000)).toBe(true);
          await sandbox.terminate(command.execution, { graceMs: 0 });
        });

        test('waits for a file, says when there is none, and can be cancelled', async () => {
          const path = join(spec.workdir, 'awaited');
          expect(await sandbox.waitFile(path, 60)).toBe(false);
          const abort = new AbortController();
          const cancelled = failure(sandbox.waitFile(path, 60_000, abort.signal));
          setTimeout(() => abort.abort(), 50);
          expect((await cancelled).code).toBe('cancelled');
          const appears = sandbox.waitFile(path, 10_000);
          await sandbox.files.write(path, Buffer.from('x'));
          expect(await appears).toBe(true);
          expect((await failure(sandbox.waitFile('/etc/passwd', 1000))).code).toBe('denied');
          expect((await failure(sandbox.waitFile('relative', 1000))).code).toBe('invalid_input');
        });

        test('tells which files of the workspaces an execution changed', async () => {
          const name = `made-${newId()}`;
          const { changes } = await run(programs.link('nowhere', join(spec.workdir, name)));
          expect(changes).toEqual({ created: [name], changed: [], removed: [], more: 0, complete: true });
          expect((await run(programs.print('x'))).changes).toEqual({ created: [], changed: [], removed: [], more: 0, complete: true });
        });

        test('tells nothing of files where nobody wants to know', async () => {
          const other = await make({ trackChanges: false });
          const command = aCommand(programs.link('nowhere', join(other.spec.workdir, `made-${newId()}`)), other.spec.workdir);
          expect((await runToEnd(other.sandbox, other.listener, command)).changes).toBeUndefined();
          await other.sandbox.end(0);
        });

        test('sees no file behind a link that leads outside', async () => {
          await run(programs.link('/etc/passwd', join(spec.workdir, 'passwd')));
          expect(await sandbox.waitFile(join(spec.workdir, 'passwd'), 60)).toBe(false);
        });

        test('tells who waits for input and for how long, and that a sleep does not', async () => {
          const waits = aCommand(programs.cat(), spec.workdir, { keepStdinOpen: true });
          const sleeps = aCommand(programs.sleep(60_000), spec.workdir, { keepStdinOpen: true });
          await sandbox.start(waits);
          await sandbox.start(sleeps);
          await expect.poll(async () => (await sandbox.inspect(waits.execution)).inputWait, { timeout: 5000 }).toBeDefined();
          const { inputWait } = await sandbox.inspect(waits.execution);
          expect(inputWait).toMatchObject({ program: 'cat', on: 'pipe', hidden: false });
          expect(inputWait?.forMs).toBeGreaterThanOrEqual(100);
          expect(await sandbox.inspect(sleeps.execution)).not.toHaveProperty('inputWait');
          await sandbox.write(waits.execution, Buffer.from('x'), true);
          await listener.exit(waits.execution);
          expect((await failure(sandbox.inspect(waits.execution))).code).toBe('not_found');
          expect((await failure(sandbox.inspect('nobody'))).code).toBe('not_found');
          await sandbox.terminate(sleeps.execution, { graceMs: 0 });
        });

        test('tells whoever watches when a wait for input begins and ends', async () => {
          const command = aCommand(programs.cat(), spec.workdir, { keepStdinOpen: true });
          await sandbox.start(command);
          await sandbox.watch(command.execution, true);
          const { wait } = await listener.input(command.execution);
          expect(wait).toMatchObject({ program: 'cat', on: 'pipe', hidden: false });
          await sandbox.write(command.execution, Buffer.from('line\n'), false);
          await listener.input(command.execution, (one) => one === undefined);
          await eventually(() => listener.inputs.filter((one) => one.execution === command.execution).length === 3, 'the next wait');
          expect(listener.inputs.at(-1)?.wait).toMatchObject({ program: 'cat' });
          await sandbox.terminate(command.execution, { graceMs: 0 });
        });

        test('measures what an execution uses while it runs, and tells the ports it listens on', async () => {
          const port = 20_000 + Math.floor(Math.random() * 10_000);
          const command = aCommand(programs.listen(port), spec.workdir);
          await sandbox.start(command);
          expect(await sandbox.waitPort(port, 10_000)).toBe(true);
          const { metrics, inputUnknown } = await sandbox.inspect(command.execution);
          expect(inputUnknown).toBeUndefined();
          expect(metrics).toMatchObject({ processes: 1, ports: [port] });
          expect(metrics.peakProcesses).toBeGreaterThanOrEqual(1);
          expect(metrics.peakRssBytes).toBeGreaterThanOrEqual(metrics.rssBytes);
          if (capabilities.survivesServer) expect(metrics.rssBytes).toBeGreaterThan(100_000);
          const other = aCommand(programs.sleep(60_000), spec.workdir);
          await sandbox.start(other);
          expect((await sandbox.inspect(other.execution)).metrics.ports).toEqual([]);
          await sandbox.terminate(other.execution, { graceMs: 0 });
          await sandbox.terminate(command.execution, { graceMs: 0 });
          if (capabilities.survivesServer) expect((await listener.exit(command.execution)).ports).toEqual([port]);
        });

        test('gives figures', async () => {
          const command = aCommand(programs.sleep(60_000), spec.workdir);
          await sandbox.start(command);
          const stats = await sandbox.stats();
          expect(stats.running).toBeGreaterThanOrEqual(1);
          expect(stats.processes).toBeGreaterThanOrEqual(1);
          expect(stats.logBytes).toBeGreaterThan(0);
          await sandbox.terminate(command.execution, { graceMs: 0 });
        });
      });

      describe('files', () => {
        const at = (path: string): string => join(spec.workdir, path);

        test('are written, read, listed, renamed and removed', async () => {
          const { files } = sandbox;
          await files.makeDirectory(at('d/e'), true);
          expect(await files.write(at('d/e/a.txt'), Buffer.from('hello'))).toEqual({ size: 5 });
          expect(await files.write(at('d/e/a.txt'), Buffer.from(' you'), { append: true })).toEqual({ size: 9 });
          const { data, size, eof } = await files.read(at('d/e/a.txt'), 2, 100);
          expect([text(data), size, eof]).toEqual(['llo you', 9, true]);
          expect(await files.stat(at('d/e/a.txt'))).toMatchObject({ name: 'a.txt', kind: 'file', size: 9 });
          await files.write(at('d/e/b'), Buffer.from('b'));
          await files.rename(at('d/e/b'), at('d/e/c'), false);
          expect((await files.list(at('d/e'))).entries.map((entry) => entry.name)).toEqual(['a.txt', 'c']);
          expect(await files.list(at('d/e'), { after: 'a.txt', max: 1 })).toMatchObject({ more: false, entries: [{ name: 'c' }] });
          expect((await failure(files.remove(at('d'), false))).code).toBe('conflict');
          expect((await files.remove(at('d'), true)).removed).toBe(4);
          expect((await failure(files.stat(at('d')))).code).toBe('not_found');
        });

        test('of several chunks are whole', async () => {
          const data = Buffer.alloc(2_500_000, 'abcdefg');
          expect(await sandbox.files.write(at('big'), data)).toEqual({ size: data.length });
          const parts: Uint8Array[] = [];
          for (let offset = 0, eof = false; !eof;) {
            const part = await sandbox.files.read(at('big'), offset, 1024 * 1024);
            parts.push(part.data);
            offset += part.data.length;
            ({ eof } = part);
          }
          expect(Buffer.concat(parts).equals(data)).toBe(true);
          const names = (await sandbox.files.list(spec.workdir)).entries.map((entry) => entry.name);
          expect(names.filter((entry) => entry.startsWith('.corral'))).toEqual([]);
        });

        test('that exist are not replaced by an exclusive write', async () => {
          await sandbox.files.write(at('mine'), Buffer.from('1'), { exclusive: true });
          expect((await failure(sandbox.files.write(at('mine'), Buffer.from('2'), { exclusive: true }))).code).toBe('conflict');
          expect(text((await sandbox.files.read(at('mine'), 0, 10)).data)).toBe('1');
        });

        test.each(['/etc/passwd', '/', 'relative'])('outside the roots are refused: %s', async (path) => {
          expect((await failure(sandbox.files.read(path, 0, 10))).code).toMatch(/denied|invalid_input/);
          expect((await failure(sandbox.files.write(path, Buffer.from('x')))).code).toMatch(/denied|invalid_input/);
        });

        test('outside the roots are refused by way of ".."', async () => {
          expect((await failure(sandbox.files.read(`${spec.workdir}/../../../../../../etc/passwd`, 0, 10))).code).toMatch(
            /denied|not_found/,
          );
        });

        test('behind a link that leads outside are refused', async () => {
          await run(programs.link('/etc', at('out')));
          await run(programs.link('../../../../../../etc', at('up')));
          expect((await sandbox.files.stat(at('out'))).kind).toBe('link');
          for (const way of ['out/passwd', 'up/passwd'])
            expect((await failure(sandbox.files.read(at(way), 0, 10))).code, way).toBe('denied');
          expect((await failure(sandbox.files.write(at('out/planted'), Buffer.from('x')))).code).toBe('denied');
        });

        test('that are folders are not read', async () => {
          expect((await failure(sandbox.files.read(spec.workdir, 0, 10))).code).toBe('invalid_input');
        });
      });

      describe('lives', () => {
        test('is found again after the connection was closed, with what ended meanwhile', async () => {
          const one = await make();
          const short = aCommand(programs.sleep(100), spec.workdir);
          const long = aCommand(programs.sleep(60_000), spec.workdir);
          await one.sandbox.start(short);
          await one.sandbox.start(long);
          await one.sandbox[Symbol.asyncDispose]();
          expect((await failure(one.sandbox.list())).code).toBe('unavailable');
          expect(one.listener.lost).toEqual([]);
          await new Promise((resolve) => setTimeout(resolve, 300));
          const again = (await driver.open(one.spec.id, one.spec.folder))!;
          const heard = createListener(again);
          const found = new Map((await again.list()).map((execution) => [execution.execution, execution]));
          expect(found.get(short.execution)?.exit?.outcome).toEqual({ kind: 'exited', code: 0 });
          expect(found.get(long.execution)?.exit).toBeUndefined();
          await again.terminate(long.execution, { graceMs: 0, cause: 'cancelled' });
          expect((await heard.exit(long.execution)).outcome.kind).toBe('cancelled');
          await again.end(0);
        });

        test('leaves nothing when it is ended, tells so once, and is not found again', async () => {
          const sign = mark();
          const one = await make();
          await one.sandbox.start(aCommand(programs.stayWithChild(sign), spec.workdir));
          if (capabilities.survivesServer) await eventually(() => harness.processesWith(sign).length > 0, 'the child');
          await one.sandbox.end(100);
          expect(harness.processesWith(sign)).toEqual([]);
          expect(one.listener.lost).toHaveLength(1);
          expect((await failure(one.sandbox.stats())).code).toBe('lost');
          expect(await driver.open(one.spec.id, one.spec.folder)).toBeUndefined();
          await one.sandbox.end(0);
        });

        test('ends itself, with all that is in it, when its lease ends', async () => {
          const sign = mark();
          const one = await make({ leaseMs: 700 });
          await one.sandbox.start(aCommand(programs.stayWithChild(sign), spec.workdir));
          for (let round = 0; round < 4; round += 1) {
            await new Promise((resolve) => setTimeout(resolve, 300));
            await one.sandbox.renew(700);
          }
          expect(one.listener.lost).toEqual([]);
          await one.listener.gone(5000);
          await eventually(() => harness.processesWith(sign).length === 0, 'the end of the tree');
          expect(await driver.open(one.spec.id, one.spec.folder)).toBeUndefined();
        });

        test('ends at the end of its lifetime, however often the lease is renewed', async () => {
          const one = await make({ lifetimeMs: 600 });
          const renewing = setInterval(() => void one.sandbox.renew(60_000).catch(() => {}), 100);
          try {
            await one.listener.gone(5000);
          } finally {
            clearInterval(renewing);
          }
        });

        test('that is killed from outside is told as lost, leaves nothing, and is remembered', async () => {
          const sign = mark();
          const one = await make();
          const done = aCommand(programs.exit(7), spec.workdir);
          await runToEnd(one.sandbox, one.listener, done);
          const running = aCommand(programs.stayWithChild(sign), spec.workdir);
          await one.sandbox.start(running);
          const pending = failure(one.sandbox.waitPort(1, 60_000));
          await harness.kill(driver, one.sandbox);
          await one.listener.gone(5000);
          expect((await pending).code).toBe('lost');
          expect((await failure(one.sandbox.start(aCommand(programs.exit(0), spec.workdir)))).code).toBe('lost');
          await eventually(() => harness.processesWith(sign).length === 0, 'the end of the tree');
          expect(one.listener.lost).toHaveLength(1);
          const recalled = new Map((await driver.recall(one.spec.folder)).map((execution) => [execution.execution, execution]));
          expect(recalled.get(done.execution)?.exit?.outcome).toEqual({ kind: 'exited', code: 7 });
          expect(recalled.get(running.execution)?.pid).toBeGreaterThan(1);
          expect(recalled.get(running.execution)?.exit).toBeUndefined();
          expect(await driver.open(one.spec.id, one.spec.folder)).toBeUndefined();
        });

        test('is not made when the call was cancelled before', async () => {
          const wanted = aSpec(state, harness.spec);
          expect((await failure(driver.create(wanted, AbortSignal.abort()))).code).toBe('cancelled');
          expect(await driver.open(wanted.id, wanted.folder)).toBeUndefined();
        });

        test('is refused when it asks for what the driver does not have', async () => {
          const missing = (['none', 'host'] as const).find((mode) => !capabilities.network.includes(mode));
          const limit = (['memoryBytes', 'processes', 'fileBytes', 'cpuSeconds', 'openFiles'] as const).find(
            (one) => !capabilities.limits.includes(one),
          );
          if (missing !== undefined)
            expect((await failure(driver.create(aSpec(state, { ...harness.spec, network: missing })))).code).toBe('unsupported');
          if (limit !== undefined)
            expect((await failure(driver.create(aSpec(state, { ...harness.spec, limits: { [limit]: 1_000_000 } })))).code).toBe(
              'unsupported',
            );
        });

        test('does not see another one', async ({ skip }) => {
          if (!isolated()) skip(`the driver "${name}" says that it isolates nothing`);
          const other = await make();
          const sign = mark();
          const theirs = aCommand(programs.leaveBehind(sign), spec.workdir);
          await runToEnd(other.sandbox, other.listener, theirs);
          const seen = await run(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "; ls /tmp']);
          expect(text(seen.inline?.stdout)).not.toContain(sign);
          await other.sandbox.files.write('/tmp/theirs', Buffer.from('x'));
          expect((await failure(sandbox.files.stat('/tmp/theirs'))).code).toBe('not_found');
          await run(['sh', '-c', 'kill -9 -1; true']);
          expect(harness.processesWith(sign)).toHaveLength(1);
          await other.sandbox.end(0);
        });
      });

      test('a sandbox in a very deep folder works', async () => {
        const one = await make({ folder: deepFolder(state.path) });
        expect((await runToEnd(one.sandbox, one.listener, aCommand(programs.exit(0), spec.workdir))).outcome.code).toBe(0);
        await one.sandbox.end(0);
      });
    },
  );
};
