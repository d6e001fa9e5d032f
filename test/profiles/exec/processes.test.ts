import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOf, isMachinery, readProcesses } from '../../../src/core/profiles/exec/processes.ts';
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

const HEADER = 'PID\tPPID\tCPU\tMEM\tCOMMAND';

/** Starts something that outlasts its call, and gives its number as the command saw it. */
const start = async (command: string): Promise<number> => {
  const text = await server.run(`${command} >/dev/null 2>&1 & echo "pid $!"`);
  return Number(/pid (\d+)/.exec(text)?.[1]);
};

const rows = async (name_filter?: string): Promise<readonly (readonly string[])[]> =>
  (await server.text('list_processes', name_filter === undefined ? {} : { name_filter }))
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));

describe('list_processes', () => {
  it('shows what commands see, by the numbers that they see', async () => {
    const pid = await start(`sleep 3001${MARK}`);
    const text = await server.text('list_processes');
    expect(text.split('\n')[0]).toBe(HEADER);
    const found = (await rows()).find((row) => row[4] === `sleep 3001${MARK}`);
    expect(found).toEqual([
      String(pid),
      expect.stringMatching(/^\d+$/),
      expect.stringMatching(/^\d+\.\d$/),
      expect.stringMatching(/^\d+\.\d$/),
      `sleep 3001${MARK}`,
    ]);
    expect(await server.text('kill_process', { pid })).toBe(`Process ${String(pid)} terminated`);
  });

  it('filters by name, and shows the header alone when nothing is called so', async () => {
    const pid = await start(`sleep 3002${MARK}`);
    expect((await rows('SLEEP')).map((row) => row[4])).toContain(`sleep 3002${MARK}`);
    expect((await rows(`3002${MARK}`)).map((row) => row[4])).toEqual([`sleep 3002${MARK}`]);
    expect(await server.text('list_processes', { name_filter: 'no such thing' })).toBe(HEADER);
    await server.text('kill_process', { pid });
  });

  it('tells who works and who keeps much', async () => {
    const pid = await start(`python3 -c "x = bytearray(200_000_000)\nwhile True: pass"`);
    let row: readonly string[] = [];
    for (let tries = 0; tries < 200 && !(Number(row[2]) >= 1 && Number(row[3]) > 0); tries += 1)
      row = (await rows('bytearray')).find((one) => one[0] === String(pid)) ?? [];
    expect(Number(row[2])).toBeGreaterThanOrEqual(1);
    expect(Number(row[3])).toBeGreaterThan(0);
    await server.text('kill_process', { pid });
  });

  it('keeps Corral, and the look itself, out of it', async () => {
    const machinery = /corral-supervisor|\/run\/corral\/supervisor|grep -azH|\/proc\/uptime/;
    expect((await rows()).filter((row) => machinery.test(row[4] ?? ''))).toEqual([]);
  });

  it('has one row for a process, whatever it calls itself', async () => {
    const pid = await start(`sh -c 'exec sleep 3003' "a\tb\nPID"`);
    const tricky = await start(`python3 -c 'import ctypes,time; ctypes.CDLL(None).prctl(15, b"x) S 1\\n7 (y", 0, 0, 0); time.sleep(3004)'`);
    for (let tries = 0; tries < 100 && !(await rows('3004')).some((row) => row[0] === String(tricky)); tries += 1);
    const all = await rows();
    for (const row of all) expect(row).toHaveLength(5);
    expect(all.some((row) => row[0] === '7' && row[4] === '[y]')).toBe(false);
    await server.text('kill_process', { pid });
    await server.text('kill_process', { pid: tricky });
  });
});

describe('kill_process', () => {
  it('ends one that ignores SIGTERM', async () => {
    const pid = await start(`sh -c 'trap "" TERM; while :; do sleep 0.2; done'`);
    await server.run('sleep 0.3');
    const answer = await server.call('kill_process', { pid });
    expect(answer).toMatchObject({ text: `Process ${String(pid)} terminated`, isError: false });
    expect(await server.run(`kill -0 ${String(pid)} 2>&1 && grep -v zombie /proc/${String(pid)}/status`)).toContain('Status: Failed');
  });

  it.each([0, -1, -5, -999_999, 4_194_304, 999_999_999])('finds no process %d', async (pid) => {
    expect(await server.call('kill_process', { pid })).toMatchObject({ text: `Error: Process ${String(pid)} not found`, isError: false });
    expect(await server.run('true')).toContain('Status: Success');
  });

  it('takes its number as a string, and nothing that is none', async () => {
    expect(await server.text('kill_process', { pid: '999999' })).toBe('Error: Process 999999 not found');
    for (const pid of ['1; true', 1.5, null, 'x', [1]]) expect((await server.call('kill_process', { pid })).isError).toBe(true);
  });

  it('leaves Corral alone: the first process, supervisors, the server', async () => {
    const denied = (pid: number): string => `Error: Permission denied to terminate process ${String(pid)}: it is part of Corral`;
    expect(await server.text('kill_process', { pid: 1 })).toBe(denied(1));
    const text = await server.run(
      'for p in /proc/[0-9]*; do read -r name <$p/comm; [ "$name" = corral-supervis ] && echo "own ${p#/proc/}"; done; true',
    );
    const own = [...text.matchAll(/own (\d+)/g)].map((match) => Number(match[1]));
    expect(own.length).toBeGreaterThan(0);
    for (const pid of own) expect(await server.text('kill_process', { pid })).toMatch(/it is part of Corral|not found/);
    // Where commands see the machine itself the server is among what they see; elsewhere there is no such process.
    expect(await server.text('kill_process', { pid: server.pid })).toMatch(/it is part of Corral|not found/);
    expect(await server.run('echo alive')).toContain('alive');
  });

  it('says when it may not (needs to be root)', async (context) => {
    if (process.getuid?.() === 0) return context.skip('root may end everything');
    expect(await server.text('kill_process', { pid: 2 })).toMatch(
      /^Error: (?:Permission denied to terminate process 2|Process 2 not found)$/,
    );
  });
});

describe('the table of processes', () => {
  const stat = (pid: number, parent: number, name: string): string =>
    `${String(pid)} (${name}) S ${String(parent)} 1 1 0 -1 4194304 100 0 0 0 500 500 0 0 20 0 1 0 99000 1000000 2560 18446744073709551615 1 1`;
  const HEAD = 'self 90 pid:[4026531836] 4096\nMemTotal:       1024000 kB\n1000.00 4000.00\n';

  it('is read from what the kernel says', () => {
    const { processes, namespace } = readProcesses(
      `${HEAD}${stat(5, 1, 'worker (x) S')}\n${stat(90, 1, 'sh')}\n${stat(91, 90, 'grep')}\n\0/proc/5/cmdline:prog\0/proc/5/cmdline:a b\nc:/proc/6/cmdline:\0`,
    );
    expect(namespace).toBe('pid:[4026531836]');
    expect(processes).toEqual([
      {
        pid: 5,
        parent: 1,
        name: 'worker (x) S',
        state: 'S',
        argv: ['prog', 'a b\nc:/proc/6/cmdline:'],
        cpuPercent: expect.closeTo(100, 5) as number,
        memoryPercent: expect.closeTo(1, 5) as number,
      },
    ]);
    expect(processes.map(commandOf)).toEqual(['prog a b c:/proc/6/cmdline:']);
  });

  it('is empty of what is no table', () => {
    for (const text of ['', '\0', 'x\ny\nz\n5 (', 'self\n\n\n\0/proc/x/cmdline:y']) expect(readProcesses(text).processes).toEqual([]);
  });

  it('knows what is Corral', () => {
    const [one] = readProcesses(`${HEAD}${stat(5, 1, 'x')}\n`).processes;
    if (one === undefined) throw new Error('not read');
    expect(isMachinery({ ...one, name: 'corral-supervis' })).toBe(true);
    expect(isMachinery({ ...one, name: 'bwrap', argv: ['bwrap', '--args', '10', '--', '/opt/corral-supervisor', 'serve'] })).toBe(true);
    expect(isMachinery({ ...one, name: 'supervisor', argv: ['/run/corral/supervisor', 'serve', 's1'] })).toBe(true);
    expect(isMachinery({ ...one, argv: ['vim', 'corral-supervisor.c'] })).toBe(false);
  });
});
