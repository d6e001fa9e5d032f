import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTicks } from '../../../src/lib/process.ts';
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(() => place[Symbol.dispose]());

describe('corral run', () => {
  it.each([
    ['shell text', ['run', 'echo out; echo err >&2; exit 7'], { code: 7, stdout: 'out\n', stderr: 'err\n' }],
    ['a program and its arguments', ['run', '--', 'printf', '%s-%s', 'a b', '$HOME'], { code: 0, stdout: 'a b-$HOME', stderr: '' }],
    ['arguments that look like options, without --', ['run', 'printf', '%s', '--json'], { code: 0, stdout: '--json', stderr: '' }],
    ['one word after -- as a program', ['run', '--', 'true'], { code: 0, stdout: '', stderr: '' }],
    ['under the name exec', ['exec', 'exit 3'], { code: 3, stdout: '', stderr: '' }],
    ['variables', ['run', '-e', 'A=1=2', '--env', 'B', 'echo $A $B'], { code: 0, stdout: '1=2 here\n', stderr: '' }],
    ['a signal', ['run', 'kill -KILL $$'], { code: 137 }],
    ['a deadline', ['run', '--timeout', '0.3', 'sleep 30'], { code: 124 }],
    ['a program that is not there', ['run', '--', 'no-such-program'], { code: 125, stdout: '' }],
    ['a folder outside', ['run', '--cwd', '/etc', 'true'], { code: 2, stdout: '' }],
    ['a sandbox that is not there', ['run', '--sandbox', 'snothing', 'true'], { code: 125, stdout: '' }],
  ])('%s', async (_name, args, expected) => {
    expect(await place.run(args, { env: { B: 'here' } })).toMatchObject(expected);
  });

  it('says what went wrong, and what to do', async () => {
    expect((await place.run(['run', '--', 'no-such-program'])).stderr).toMatch(/^corral: "no-such-program" was not found.*\nhint: .+\n$/);
    expect((await place.run(['run', '--timeout', '0.2', 'sleep 9'])).stderr).toMatch(/deadline/);
  });

  it('has the current folder as its workspace', async () => {
    const { code, stdout } = await place.run(['run', 'pwd; echo written > made']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${place.project}\n` });
    expect(readFileSync(join(place.project, 'made'), 'utf8')).toBe('written\n');
  });

  it('gets a private one where the current folder may not be it, and says so', async () => {
    const { code, stdout, stderr } = await place.run(['run', 'pwd'], { cwd: '/etc' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '/workspace\n' });
    expect(stderr).toMatch(/^corral: The workspace \/etc is a system folder.*empty one of its own/);
  });

  it('loses no byte of much output, of either stream', async () => {
    const { code, stdout, stderr } = await place.run(['run', 'seq 1 400000; seq 1 200000 >&2; head -c 100000 /dev/zero']);
    expect(code).toBe(0);
    const lines = (count: number): string => `${Array.from({ length: count }, (_, index) => index + 1).join('\n')}\n`;
    expect(stdout === lines(400_000) + '\0'.repeat(100_000)).toBe(true);
    expect(stderr === lines(200_000)).toBe(true);
  });

  it('shows output while the program runs, and passes input on as it comes', async () => {
    await using shell = place.start(['run', 'while read line; do echo "got $line"; done; echo end'], { openInput: true });
    shell.write('one\n');
    await shell.said('got one\n');
    shell.write('two\n');
    await shell.said('got two\n');
    shell.endInput();
    expect(await shell.ended).toMatchObject({ code: 0, stdout: 'got one\ngot two\nend\n' });
  });

  it('passes bytes on as they are', async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const { stdout } = await place.run(['run', 'sha256sum; '], { input });
    const { createHash } = await import('node:crypto');
    expect(stdout.split(' ')[0]).toBe(createHash('sha256').update(input).digest('hex'));
  });

  it('a program that does not read its input ends all the same', async () => {
    await using quick = place.start(['run', 'exit 4'], { openInput: true });
    expect(await quick.ended).toMatchObject({ code: 4, stderr: '' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the whole tree', async (signal, code) => {
    await using tree = place.start(['run', '(setsid sleep 1000 & echo "in the background"; sleep 1000) & echo started; wait']);
    await tree.said('in the background');
    tree.kill(signal);
    expect(await tree.ended).toMatchObject({ code });
    const { executions } = JSON.parse((await place.run(['ps', '--json'])).stdout);
    expect(executions).toEqual([]);
    expect(JSON.parse((await place.run(['sandbox', 'ls', '--json'])).stdout)).toEqual({ sandboxes: [] });
  });

  it('a reader that goes away ends it quietly', async () => {
    await using endless = place.start(['run', 'yes']);
    await endless.said('y\ny\n');
    endless.closeOutput();
    expect(await endless.ended).toMatchObject({ code: 141, stderr: '' });
  });

  it('--json gives one result, with the exit code it ends with', async () => {
    const { code, stdout, stderr } = await place.run(['run', '--json', 'echo out; echo err >&2; exit 5']);
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'finished',
      outcome: { kind: 'exited', code: 5 },
      stdout: { text: 'out\n' },
      stderr: { text: 'err\n' },
      exit_code: 5,
    });
    const failed = await place.run(['run', '--json', '--', 'no-such-program']);
    expect(failed.code).toBe(125);
    expect(JSON.parse(failed.stdout)).toMatchObject({ error: { code: 'failed_to_start' } });
  });

  it('--pty gives it a terminal', async () => {
    const { code, stdout } = await place.run(['run', '--pty', 'test -t 1 && echo terminal']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'terminal\r\n' });
  });
});

describe('executions that go on', () => {
  it('are listed, read, followed and ended by other processes, and nobody else ends them', async () => {
    const detached = await place.run([
      'run',
      '--detach',
      '--label',
      'job=train',
      'for i in 1 2 3; do echo line $i; done; echo oops >&2; sleep 1000',
    ]);
    expect(detached).toMatchObject({ code: 0, stderr: '' });
    const id = detached.stdout.trim();
    expect(id).toMatch(/^x[a-z2-7]{11}$/);
    const { executions } = JSON.parse((await place.run(['ps', '--json'])).stdout);
    expect(executions).toMatchObject([{ execution_id: id, status: 'running', labels: { job: 'train' } }]);
    const table = await place.run(['ps']);
    expect(table.stdout.split('\n')[1]).toMatch(new RegExp(`^${id}  running  .*ago .* for i in 1 2 3`));

    const prefix = id.slice(0, 6);
    await using follower = place.start(['logs', '-f', prefix]);
    await follower.said('line 3\n');
    expect(await place.run(['logs', prefix])).toMatchObject({ code: 0, stdout: 'line 1\nline 2\nline 3\n', stderr: 'oops\n' });
    expect(await place.run(['logs', '--stream', 'stderr', prefix])).toMatchObject({ code: 0, stdout: 'oops\n', stderr: '' });
    expect((await place.run(['logs', '--tail', '2', '--stream', 'stdout', id])).stdout).toBe('line 2\nline 3\n');
    expect((await place.run(['logs', '--grep', 'e [13]', '--stream', 'stdout', id])).stdout).toBe('1:line 1\n3:line 3\n');

    expect(await place.run(['run', 'true'])).toMatchObject({ code: 0 });
    const sandbox = executions[0].sandbox_id;
    expect(await place.run(['run', '--sandbox', sandbox, 'echo beside it'])).toMatchObject({ code: 0, stdout: 'beside it\n' });
    expect(JSON.parse((await place.run(['ps', '--json'])).stdout).executions).toHaveLength(1);

    expect(await place.run(['kill', prefix])).toMatchObject({ code: 0, stdout: `${id}  cancelled\n`, stderr: '' });
    expect(await follower.ended).toMatchObject({ code: 0, stdout: 'line 1\nline 2\nline 3\n', stderr: 'oops\n' });
    expect(JSON.parse((await place.run(['ps', '--json'])).stdout).executions).toEqual([]);

    expect((await place.run(['sandbox', 'ls'])).stdout).toMatch(new RegExp(`${sandbox}  running  `));
    expect(await place.run(['sandbox', 'rm', sandbox.slice(0, 5)])).toMatchObject({ code: 0, stdout: `${sandbox}  ended\n` });
    expect(JSON.parse((await place.run(['sandbox', 'ls', '--json'])).stdout)).toEqual({ sandboxes: [] });
    expect((await place.run(['logs', id])).stdout).toBe('line 1\nline 2\nline 3\n');
  });

  it('a beginning of several names is refused with those names', async () => {
    const { code, stderr } = await place.run(['logs', 'x']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^corral: "x" begins the names of (many|\d+): x[a-z2-7]{11}, x/);
  });
});

it('a run leaves no launcher and no supervisor behind', async () => {
  await using sleeper = place.start(['run', 'echo here; sleep 1000']);
  await sleeper.said('here');
  const children = readFileSync(`/proc/${sleeper.pid}/task/${sleeper.pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(children.length).toBeGreaterThan(0);
  sleeper.kill('SIGTERM');
  await sleeper.ended;
  await expect.poll(() => children.filter((pid) => startTicks(pid) !== undefined)).toEqual([]);
});
