import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InputWait, Sandbox, SandboxCommand, SandboxSpec } from '../../src/ports/sandbox.ts';
import { aCommand, aSpec, createListener, ENV, eventually, temporaryState } from '../support/sandboxes.ts';
import type { DriverFactory, Listener } from '../support/sandboxes.ts';
import { NEVER_WAITING, WAITING } from '../support/waiting-programs.ts';
import type { WaitingProgram } from '../support/waiting-programs.ts';

export interface InputWaitHarness {
  readonly open: DriverFactory;
  readonly spec: Partial<SandboxSpec>;
  /** Its supervisor has no rights over processes that do not let themselves be looked at. */
  readonly ordinary: boolean;
  readonly skip?: string | undefined;
}

const PTY = { cols: 80, rows: 24 };
/** Programs of any size start and reach their prompt within it, on a busy machine. */
const PROMPT_MS = 15_000;
const TERMINAL_ENV = { ...ENV, TERM: 'xterm-256color', HOME: '/tmp', npm_config_update_notifier: 'false' };

const missing = ({ needs = [] }: WaitingProgram): string | undefined => needs.find((name) => !existsSync(join('/usr/bin', name)));

/** The supervisor may have to be built first. */
const SETUP_MS = 60_000;

/** Which programs are seen waiting for input, and which never. */
export const describeInputWaits = (name: string, harness: InputWaitHarness): void => {
  describe.skipIf(harness.skip !== undefined)(
    `waiting for input: ${name}${harness.skip === undefined ? '' : ` (skipped: ${harness.skip})`}`,
    () => {
      let opened: Awaited<ReturnType<DriverFactory>>;
      let state: ReturnType<typeof temporaryState>;
      let spec: SandboxSpec;
      let sandbox: Sandbox;
      let listener: Listener;

      const begin = async (program: Pick<WaitingProgram, 'argv' | 'pty'>): Promise<SandboxCommand> => {
        const command = aCommand(program.argv, spec.workdir, {
          env: TERMINAL_ENV,
          keepStdinOpen: true,
          ...(program.pty === true && { pty: PTY }),
        });
        await sandbox.start(command);
        return command;
      };
      const waitOf = async ({ execution }: SandboxCommand): Promise<InputWait | undefined> => (await sandbox.inspect(execution)).inputWait;
      const untilWaiting = async (command: SandboxCommand): Promise<InputWait> => {
        let found: InputWait | undefined;
        await eventually(async () => (found = await waitOf(command)) !== undefined, 'waiting for input', PROMPT_MS);
        return found!;
      };
      const type = (command: SandboxCommand, text: string): Promise<void> => sandbox.write(command.execution, Buffer.from(text), false);

      beforeAll(async () => {
        state = temporaryState();
        opened = await harness.open();
        spec = aSpec(state, harness.spec);
        sandbox = await opened.driver.create(spec);
        listener = createListener(sandbox);
        await sandbox.files.write(join(spec.workdir, 'text'), Buffer.from('line\n'.repeat(500)));
      }, SETUP_MS);
      afterAll(async () => {
        await sandbox?.end(0);
        await opened?.[Symbol.asyncDispose]();
        state?.[Symbol.dispose]();
      });

      test.for(WAITING.map((program) => [program.name, program] as const))('%s waits', async ([_name, program], { skip }) => {
        const absent = missing(program);
        skip(absent !== undefined, `${absent} is not installed`);
        const command = await begin(program);
        const { program: who, on, hidden, forMs } = await untilWaiting(command);
        expect({ on, hidden }).toEqual({ on: program.pty === true ? 'terminal' : 'pipe', hidden: program.hidden === true });
        expect(who).toMatch(program.who);
        expect(forMs).toBeGreaterThanOrEqual(100);
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test('none of those that go on by themselves ever does', async () => {
        const present = NEVER_WAITING.filter((program) => missing(program) === undefined);
        const commands = await Promise.all(present.map(begin));
        await Promise.all(commands.map(({ execution }) => sandbox.watch(execution, true)));
        await Promise.all(
          present.map(async ({ name: what, quiet }, index) => {
            const { execution } = commands[index]!;
            if (quiet !== true)
              await eventually(() => listener.outputs.some((one) => one.execution === execution), `output of ${what}`, PROMPT_MS);
          }),
        );
        for (let look = 0; look < 4; look += 1) {
          await new Promise((resolve) => setTimeout(resolve, 400));
          const waits = await Promise.all(
            commands.map(async (command, index) => ((await waitOf(command)) === undefined ? [] : [present[index]!.name])),
          );
          expect(waits.flat()).toEqual([]);
        }
        const told = listener.inputs.filter(({ wait }) => wait !== undefined).map(({ execution }) => execution);
        expect(present.filter((_program, index) => told.includes(commands[index]!.execution)).map((program) => program.name)).toEqual([]);
        await Promise.all(commands.map(({ execution }) => sandbox.terminate(execution, { graceMs: 0 })));
      });

      test('a shell on a terminal waits, works, and waits again', async () => {
        const shell = await begin({ argv: ['bash', '--norc', '-i'], pty: true });
        const first = await untilWaiting(shell);
        await sandbox.watch(shell.execution, true);
        await type(shell, 'sleep 1; echo slept\n');
        expect(await waitOf(shell)).toBeUndefined();
        await listener.input(shell.execution, (wait) => wait === undefined);
        const again = await untilWaiting(shell);
        expect(again.pid).toBe(first.pid);
        await type(shell, 'cat\n');
        await eventually(async () => (await waitOf(shell))?.program === 'cat', 'cat in the foreground');
        await type(shell, '\u0003');
        await eventually(async () => (await waitOf(shell))?.program === 'bash', 'the shell again');
        await sandbox.terminate(shell.execution, { graceMs: 0 });
      });

      test('half a line leaves a program waiting, a whole one does not', async () => {
        const command = await begin({ argv: ['sh', '-c', 'read x; echo "$x"; exec sleep 60'], pty: true });
        await untilWaiting(command);
        await eventually(async () => ((await waitOf(command))?.forMs ?? 0) > 600, 'a long wait');
        await type(command, 'half');
        const anew = await untilWaiting(command);
        expect(anew.program).toBe('sh');
        expect(anew.forMs, 'since somebody typed').toBeLessThan(600);
        await type(command, ' whole\n');
        await eventually(async () => (await waitOf(command)) === undefined, 'going on');
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(await waitOf(command)).toBeUndefined();
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test('a program that leaves what was typed unread is not asked for more', async ({ skip }) => {
        skip(!existsSync('/usr/bin/python3'), 'python3 is not installed');
        const script =
          'import select; e = select.epoll(); e.register(0, select.EPOLLIN | select.EPOLLET); e.poll(); print("typed", flush=True); e.poll()';
        const command = await begin({ argv: ['/usr/bin/python3', '-c', script] });
        await untilWaiting(command);
        await sandbox.watch(command.execution, true);
        await type(command, 'x');
        await listener.output(command.execution, 6);
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(await waitOf(command)).toBeUndefined();
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test('of a process that does not let itself be looked at, nothing is claimed', async ({ skip }) => {
        skip(!existsSync('/usr/bin/python3'), 'python3 is not installed');
        skip(!harness.ordinary, 'the supervisor may look at every process');
        const script = 'import ctypes, time; ctypes.CDLL(None).prctl(4, 0); print("hidden", flush=True); input()';
        const command = await begin({ argv: ['/usr/bin/python3', '-c', script] });
        await sandbox.watch(command.execution, true);
        await listener.output(command.execution, 7);
        await eventually(async () => (await sandbox.inspect(command.execution)).inputUnknown === true, 'an honest answer');
        expect(await waitOf(command)).toBeUndefined();
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test.for([
        ['a poll', 'p = select.poll(); p.register(0, select.POLLIN); p.poll()', true],
        ['a select', 'select.select([0], [], [])', true],
        ['a sleep', 'time.sleep(60)', false],
      ] as const)('%s that goes on after a stop is what it was', async ([_what, call, waits], { skip }) => {
        skip(!existsSync('/usr/bin/python3'), 'python3 is not installed');
        const command = await begin({ argv: ['/usr/bin/python3', '-c', `import select, time; print("up", flush=True); ${call}`] });
        await sandbox.watch(command.execution, true);
        await listener.output(command.execution, 3);
        await sandbox.signal(command.execution, constants.signals.SIGSTOP);
        await eventually(async () => (await waitOf(command)) === undefined, 'nobody waits while it is stopped');
        await sandbox.signal(command.execution, constants.signals.SIGCONT);
        if (waits) await untilWaiting(command);
        else await new Promise((resolve) => setTimeout(resolve, 400));
        expect((await waitOf(command)) !== undefined).toBe(waits);
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });

      test('nobody waits after the end of input', async () => {
        const command = await begin({ argv: ['sh', '-c', 'cat; exec sleep 60'] });
        await untilWaiting(command);
        await sandbox.write(command.execution, new Uint8Array(), true);
        await eventually(async () => (await waitOf(command)) === undefined, 'going on');
        await sandbox.terminate(command.execution, { graceMs: 0 });
      });
    },
  );
};
