import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox, SandboxCommand, SandboxSpec } from '../../src/ports/sandbox.ts';
import { aCommand, aSpec, createListener, ENV, eventually, failure, temporaryState } from '../support/sandboxes.ts';
import type { DriverFactory, Listener } from '../support/sandboxes.ts';

export interface TerminalHarness {
  readonly open: DriverFactory;
  readonly spec: Partial<SandboxSpec>;
  readonly skip?: string | undefined;
}

/** The supervisor may have to be built first. */
const SETUP_MS = 60_000;

/** What an execution on a terminal is promised, by every driver that has terminals. */
export const describeTerminals = (name: string, harness: TerminalHarness): void => {
  describe.skipIf(harness.skip !== undefined)(
    `terminals: ${name}${harness.skip === undefined ? '' : ` (skipped: ${harness.skip})`}`,
    () => {
      let opened: Awaited<ReturnType<DriverFactory>>;
      let state: ReturnType<typeof temporaryState>;
      let spec: SandboxSpec;
      let sandbox: Sandbox;
      let listener: Listener;

      const begin = async (script: string, size = { cols: 80, rows: 24 }): Promise<SandboxCommand> => {
        const command = aCommand(['bash', '-c', script], spec.workdir, { env: { ...ENV, TERM: 'vt100' }, keepStdinOpen: true, pty: size });
        await sandbox.start(command);
        await sandbox.watch(command.execution, true);
        return command;
      };
      const shown = ({ execution }: SandboxCommand): string => {
        try {
          return readFileSync(join(spec.folder, 'log', `${execution}.out`), 'utf8');
        } catch {
          return ''; // nothing was printed so far
        }
      };
      const until = (command: SandboxCommand, text: string): Promise<void> =>
        eventually(() => shown(command).includes(text), `"${text}" on the terminal`, 10_000);
      const type = (command: SandboxCommand, text: string): Promise<void> => sandbox.write(command.execution, Buffer.from(text), false);

      beforeAll(async () => {
        state = temporaryState();
        opened = await harness.open();
        spec = aSpec(state, harness.spec);
        sandbox = await opened.driver.create(spec);
        listener = createListener(sandbox);
      }, SETUP_MS);
      afterAll(async () => {
        await sandbox?.end(0);
        await opened?.[Symbol.asyncDispose]();
        state?.[Symbol.dispose]();
      });

      test('it is the controlling one of a session of its own, on all three streams, of the size and kind that was asked for', async () => {
        const command = await begin(
          'tty <&0; tty <&1; tty <&2; stty size; echo "$TERM"; ps -o pid=,sid=,tpgid= -p $$ | tr -s " "; echo here >/dev/tty',
          {
            cols: 101,
            rows: 33,
          },
        );
        const exit = await listener.exit(command.execution);
        const [first, second, third, size, kind, ids, last] = shown(command).split('\r\n');
        expect(first).toMatch(/^\/dev\/pts\/\d+$/);
        expect([second, third, size, kind, last]).toEqual([first, first, '33 101', 'vt100', 'here']);
        const [pid, session, foreground] = (ids ?? '').trim().split(' ');
        expect([session, foreground]).toEqual([pid, pid]);
        expect(exit).toMatchObject({ outcome: { kind: 'exited', code: 0 }, stderr: { bytes: 0 } });
      });

      test('a new size is told to the programs at once', async () => {
        const command = await begin('trap "stty size; exit 5" WINCH; echo up; while :; do sleep .02; done');
        await until(command, 'up');
        await sandbox.resize(command.execution, 133, 44);
        expect((await listener.exit(command.execution)).outcome).toEqual({ kind: 'exited', code: 5 });
        expect(shown(command)).toContain('44 133');
      });

      test('Ctrl-C interrupts the whole foreground group, and nothing in the background', async () => {
        const command = await begin(
          'set -m; sleep 61 & trap "echo interrupted" INT; set +m; echo up; sleep 62 | sleep 63; jobs -r | wc -l',
        );
        await until(command, 'up');
        await eventually(async () => (await sandbox.inspect(command.execution)).metrics.processes === 4, 'three sleeps');
        await type(command, '\u0003');
        await until(command, 'interrupted');
        const exit = await listener.exit(command.execution);
        expect(exit).toMatchObject({ outcome: { kind: 'exited', code: 0 }, background: 1 });
        expect(shown(command)).toMatch(/interrupted\r\n1\r\n$/);
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test('Ctrl-Z stops, and the job goes on when it is told to', async () => {
        const command = await begin('set -m; echo up; cat; echo stopped; fg; echo end');
        await until(command, 'up');
        await eventually(async () => (await sandbox.inspect(command.execution)).inputWait?.program === 'cat', 'cat');
        await type(command, '\u001a');
        await until(command, 'stopped');
        await type(command, 'again\n');
        await until(command, 'again\r\nagain');
        await type(command, '\u0004');
        expect((await listener.exit(command.execution)).outcome.code).toBe(0);
      });

      test('the end of input is one, also after half a line, and more may follow', async () => {
        const command = await begin('cat; echo one; cat; echo two');
        await sandbox.write(command.execution, Buffer.from('half'), true);
        await until(command, 'one');
        await sandbox.write(command.execution, Buffer.from('line\n'), true);
        expect((await listener.exit(command.execution)).outcome.code).toBe(0);
        expect(shown(command)).toMatch(/halfhalfone\r\nline\r\nline\r\ntwo\r\n$/);
      });

      test('what was printed just before the end is there, however much', async () => {
        const command = await begin('seq 1 50000; printf done');
        const exit = await listener.exit(command.execution, 20_000);
        expect(exit.stdout.newlines).toBe(50_000);
        expect(shown(command).endsWith('50000\r\ndone')).toBe(true);
      });

      test('a daemon that holds the terminal delays no end and loses no output', async () => {
        const command = await begin('(trap "" HUP; sleep .5; echo late) & (setsid sh -c "sleep .7; echo later" &); echo first; sleep .05');
        const exit = await listener.exit(command.execution);
        expect(exit.durationMs).toBeLessThan(400);
        expect(exit.background).toBeGreaterThan(0);
        await listener.close(command.execution);
        expect(shown(command)).toBe('first\r\nlate\r\nlater\r\n');
      });

      test('what ended takes neither input nor a size, and pipes have none', async () => {
        const ended = await begin('true');
        await listener.exit(ended.execution);
        expect((await failure(type(ended, 'x'))).code).toMatch(/conflict|not_found/);
        expect((await failure(sandbox.resize(ended.execution, 80, 24))).code).toMatch(/conflict|not_found/);
        const pipes = aCommand(['cat'], spec.workdir, { keepStdinOpen: true });
        await sandbox.start(pipes);
        expect(await failure(sandbox.resize(pipes.execution, 80, 24))).toMatchObject({
          code: 'invalid_input',
          hint: expect.stringContaining('pty'),
        });
        await sandbox.terminate(pipes.execution, { graceMs: 0 });
      });

      test.each([0, -1, 65, 300, 1.5, Number.NaN])('signal %d does not exist', async (signal) => {
        const command = aCommand(['sleep', '60'], spec.workdir);
        await sandbox.start(command);
        expect(await failure(sandbox.signal(command.execution, signal))).toMatchObject({
          code: 'invalid_input',
          hint: expect.stringContaining('SIGTERM'),
        });
        expect((await failure(sandbox.terminate(command.execution, { graceMs: 0, signal }))).code).toBe('invalid_input');
        expect((await sandbox.inspect(command.execution)).metrics.processes).toBe(1);
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });
    },
  );
};
