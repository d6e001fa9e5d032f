import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecServer, type Ground, MARK, openGround } from './support/server.ts';

let ground: Ground;
let server: ExecServer;
beforeAll(async () => {
  ground = await openGround();
  server = await ground.open();
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  ground[Symbol.dispose]();
});

const sync = async (command: readonly string[], more = {}): Promise<unknown> => {
  const answer = await server.call('run_command_sync', { command, ...more });
  expect(answer).toMatchObject({ isError: false, structured: false });
  return JSON.parse(answer.text);
};

const ran = { returncode: 0, execution_time: expect.any(Number) as number, timed_out: false };

describe('run_command_sync', () => {
  it('answers JSON, in the order of the original', async () => {
    const { text } = await server.call('run_command_sync', { command: ['sh', '-c', 'echo out; echo err >&2; exit 5'] });
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['stdout', 'stderr', 'returncode', 'execution_time', 'timed_out']);
    expect(JSON.parse(text)).toEqual({ ...ran, stdout: 'out\n', stderr: 'err\n', returncode: 5 });
  });

  it('gives the words to the program as they are', async () => {
    expect(await sync(['printf', '%s|', 'a b', '$HOME', '*', ''])).toEqual({ ...ran, stdout: 'a b|$HOME|*||', stderr: '' });
    expect(await sync(['echo', '$((1+1))'], { shell: true })).toEqual({ ...ran, stdout: '2\n', stderr: '' });
  });

  it('keeps to the streams, the folder and the signal', async () => {
    expect(await sync(['sh', '-c', 'echo o; echo e >&2'], { output_type: 'STDERR' })).toEqual({ ...ran, stdout: '', stderr: 'e\n' });
    expect(await sync(['pwd'], { working_directory: '/usr' })).toEqual({ ...ran, stdout: '/usr\n', stderr: '' });
    expect(await sync(['sh', '-c', 'kill -KILL $$'])).toMatchObject({ returncode: -9, timed_out: false });
  });

  it('ends what takes too long, with all that it started', async () => {
    const began = performance.now();
    expect(await sync(['sh', '-c', `echo before; trap '' TERM; setsid sleep 81${MARK} & sleep 82${MARK}`], { wait_time: 1 })).toEqual({
      stdout: 'before\n',
      stderr: 'Command timed out after 1 seconds',
      returncode: -1,
      execution_time: expect.closeTo(1, 0) as number,
      timed_out: true,
    });
    expect(performance.now() - began).toBeLessThan(2500);
    expect(await server.text('list_processes', { name_filter: MARK })).toBe('PID\tPPID\tCPU\tMEM\tCOMMAND');
    expect(await sync(['sleep', '9'], { timeout: 0 })).toMatchObject({ returncode: -1, timed_out: true });
  });

  it('tells what cannot be started', async () => {
    const failed = { stdout: '', returncode: -1, execution_time: 0, timed_out: false };
    expect(await sync(['nosuchprogram'])).toEqual({
      ...failed,
      stderr: "Error executing command: [Errno 2] No such file or directory: 'nosuchprogram'",
    });
    expect(await sync(['true'], { working_directory: '/nonexistent' })).toEqual({
      ...failed,
      stderr: "Error executing command: [Errno 2] No such file or directory: '/nonexistent'",
    });
    expect(await sync([])).toMatchObject({ ...failed, stderr: expect.stringMatching(/^Error executing command: /) as string });
    expect(await sync([''])).toMatchObject({ ...failed, stderr: expect.stringMatching(/^Error executing command: /) as string });
    expect(await sync(['/etc/passwd'])).toMatchObject({ ...failed, stderr: expect.stringMatching(/^Error executing command: /) as string });
    expect(await sync(['true', 'x'.repeat(200_000)])).toMatchObject({
      ...failed,
      stderr: expect.stringMatching(/^Error executing command: /) as string,
    });
  });

  it('refuses what is no list of words, and a wrong output_type', async () => {
    for (const command of ['ls', null, [1], ['a\0b']]) expect((await server.call('run_command_sync', { command })).isError).toBe(true);
    expect(await server.call('run_command_sync', { command: ['true'], output_type: 'x' })).toMatchObject({
      text: "'x' is not a valid OutputType",
      isError: true,
    });
  });

  it('shows bytes that are no text, and much of it', async () => {
    expect(await sync(['printf', 'a\\377'])).toMatchObject({ stdout: 'a\\xff' });
    expect(await sync(['seq', '100000'])).toMatchObject({ stdout: expect.stringMatching(/^1\n2\n[^]*\n100000\n$/) as string });
  });
});
