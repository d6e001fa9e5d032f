import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArena } from '../../support/escapes.ts';
import type { Arena } from '../../support/escapes.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';

const missing = whyNoBubblewrap();

/** Sends a signal by a way that the filter cannot see: a pipe whose owner is pid 1 tells it "readable" with a signal of our choice. */
const signalByPipe = (signal: number): string => `
import fcntl, os, sys
r, w = os.pipe()
F_SETSIG = 10
try:
    fcntl.fcntl(r, fcntl.F_SETOWN, 1)
    fcntl.fcntl(r, F_SETSIG, ${signal})
    fcntl.fcntl(r, fcntl.F_SETFL, fcntl.fcntl(r, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(w, b"x")
    print("sent")
except OSError as e:
    print("refused", e.errno)
`;

describe.skipIf(missing !== undefined)(`signals inside${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let arena: Arena;
  beforeAll(() => {
    arena = openArena();
  });
  afterAll(() => arena[Symbol.asyncDispose]());

  test('kill -9 -1 ends what the command may reach, and neither the supervisor nor a neighbour', async () => {
    const [here, there] = [await arena.enter(), await arena.enter()];
    await there.runner.leave(['/bin/sleep', '60'], 60_000);
    const { exit } = await here.runner.run(['/bin/sh', '-c', 'kill -9 -1; echo alive'], 10_000);
    expect(['exited', 'signalled', 'lost']).toContain(exit.outcome.kind);
    expect(here.runner.lost).toBeUndefined();
    expect((await here.runner.run(['/bin/echo', 'still here'], 10_000)).text).toBe('still here\n');
    expect((await there.sandbox.list()).filter((one) => one.exit === undefined)).toHaveLength(1);
  });

  test.for([
    ['SIGTERM', 15],
    ['SIGSTOP', 19],
    ['SIGKILL', 9],
    ['SIGHUP', 1],
    ['SIGCHLD', 17],
    ['SIGUSR1', 10],
  ] as const)('%s to pid 1 through a pipe is refused and ends nothing', async ([, signal], { skip }) => {
    const { runner } = await arena.enter();
    const script = `command -v python3 >/dev/null || { echo "no python3"; exit; }; exec python3 -I -c '${signalByPipe(signal)}'`;
    const { text } = await runner.run(['/bin/sh', '-c', script], 10_000);
    if (text === 'no python3\n') skip('there is no python3 outside the home folder');
    expect(text).toBe('refused 1\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(runner.lost).toBeUndefined();
    expect((await runner.run(['/bin/echo', 'still here'], 10_000)).text).toBe('still here\n');
  });
});
