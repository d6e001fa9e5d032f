import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround, type ShellServer } from './support/server.ts';

let ground: Ground;
let server: ShellServer;

beforeAll(async () => {
  ground = await openGround();
  server = await ground.open();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  ground?.[Symbol.dispose]();
});

const STAMP = String.raw`\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\]`;
const ended = (text: string): boolean => !text.includes('(status: running)');

describe('start', () => {
  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no command', { command: [] }, 'Command cannot be empty'],
    ['a command that is text', { command: 'ls' }, "'command' must be an array"],
    ['no directory', { directory: '' }, 'Directory is required'],
    ['a relative directory', { directory: 'x' }, 'Directory must be an absolute path: x'],
    ['a directory that is not there', { directory: '/does/not/exist' }, "Directory '/does/not/exist' does not exist"],
    ['no description', { description: undefined }, 'Description is required'],
    ['a command that is not listed', { command: ['rm', '--version'] }, 'Command not allowed: rm'],
    ['a stage that is not listed', { command: ['ls', '|', 'rm'] }, 'Command not allowed: rm'],
    ['an operator', { command: ['echo', 'a', '&&', 'id'] }, 'Unexpected shell operator: &&'],
    ['a command that is not there', { command: ['absent'] }, 'Error starting background process: command not found: absent'],
    ['a variable that loads code', { envs: { LD_PRELOAD: '/tmp/x.so' } }, 'Environment variable not allowed: LD_PRELOAD'],
    ['variables that are no object', { envs: ['A=1'] }, "'envs' must be an object of strings"],
    ['labels that are no texts', { labels: 'web' }, "'labels' must be an array of strings"],
    ['an encoding that is none', { encoding: 'klingon' }, 'unknown encoding: klingon'],
    ['a negative timeout', { timeout: -1 }, "'timeout' must be between 0 and 31536000"],
  ])('refuses %s', async (_, args, message) => {
    const answer = await server.call('shell_bg_start', { command: ['true'], directory: ground.work, description: 'd', ...args });
    expect(answer).toMatchObject({ isError: true, structured: false, blocks: [`Error executing command: ${message}`] });
  });

  it('runs no shell: what looks like one is text', async () => {
    const id = await server.start(['echo', 'a;id', '$(id)', '']);
    const { blocks } = await server.logsUntil(id, ended, { add_time_prefix: false });
    expect(blocks[1]).toBe('---\nstdout: 1 lines\n---\na;id $(id) \n');
  });

  it('gives stdin and closes it', async () => {
    const fed = await server.start(['cat'], { stdin: 'one\ntwo\n' });
    const hungry = await server.start(['cat']);
    expect((await server.logsUntil(fed, ended, { add_time_prefix: false })).blocks[1]).toBe('---\nstdout: 2 lines\n---\none\ntwo\n');
    expect((await server.logsUntil(hungry, ended)).blocks[1]).toBe('---\nstdout: 0 lines\n---\n');
  });

  it('sets variables, of which PATH does not change what an allowed name means', async () => {
    const id = await server.start(['env', '|', 'grep', '^[FP]'], { envs: { FOO: 'bar', PATH: '/nowhere' } });
    expect((await server.logsUntil(id, ended, { add_time_prefix: false })).blocks[1]).toMatch(/^FOO=bar$/m);
    const plain = await server.start(['env'], { envs: { PATH: '/nowhere' } });
    expect((await server.logsUntil(plain, ended, { add_time_prefix: false })).blocks[1]).toMatch(/^PATH=\/nowhere$/m);
  });

  it('runs pipelines and redirections', async () => {
    const id = await server.start(['printf', 'b\\na\\n', '|', 'tee', 'kept.txt', '>', 'other.txt']);
    await server.logsUntil(id, ended);
    const read = await server.execute(['cat', 'kept.txt', 'other.txt']);
    expect(read.blocks[1]).toBe('---\nstdout:\n---\nb\na\nb\na\n');
  });

  it('ends what runs over its time', async () => {
    const id = await server.start(['sleep', '60'], { timeout: 1 });
    const { blocks } = await server.logsUntil(id, ended);
    expect(blocks[0]).toBe(
      `**Process ${id} (status: terminated)**\nCommand: sleep 60\nDescription: a test\nStatus: Process was terminated with exit code -1`,
    );
  });
});

describe('list', () => {
  it('says so when there is nothing, and shows a table when there is', async () => {
    using alone = await openGround();
    await using other = await alone.open();
    expect((await other.call('shell_bg_list')).blocks).toEqual(['No background processes found']);
    const web = await other.start(['sh', '-c', 'sleep 60 # a rather long command line'], {
      description: 'Start app',
      labels: ['nodejs', 'app'],
    });
    const done = await other.start(['true'], { description: 'quick', labels: ['job'] });
    const broken = await other.start(['sh', '-c', 'exit 7'], { description: 'broken' });
    await other.logsUntil(broken, ended);
    await other.logsUntil(done, ended);
    const [table = ''] = (await other.call('shell_bg_list')).blocks;
    const [header, line, ...rows] = table.split('\n');
    expect(header).toBe('ID | STATUS | START TIME | COMMAND | DESCRIPTION | LABELS');
    expect(line).toBe('-'.repeat(100));
    expect(rows.map((row) => row.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, 'WHEN'))).toEqual([
      `${web} | running | WHEN | sh -c sleep 60 # a rather l... | Start app | nodejs, app`,
      `${done} | completed | WHEN | true | quick | job`,
      `${broken} | failed | WHEN | sh -c exit 7 | broken | `,
    ]);
    const ids = async (args: Readonly<Record<string, unknown>>): Promise<readonly string[]> =>
      ((await other.call('shell_bg_list', args)).blocks[0] ?? '')
        .split('\n')
        .slice(2)
        .map((row) => row.slice(0, 5));
    expect(await ids({ labels: ['app', 'job'] })).toEqual([web, done]);
    expect(await ids({ status: 'running' })).toEqual([web]);
    expect(await ids({ status: 'failed', labels: ['job'] })).toEqual([]);
    expect(await other.call('shell_bg_list', { status: 'sleeping' })).toMatchObject({
      isError: true,
      blocks: ['Error executing command: Status must be one of: running, completed, failed, terminated, error'],
    });
    expect((await other.call('shell_bg_clean', { pids: [done, web, 'fffff0'] })).blocks).toEqual([
      `Process ${done} has been cleaned\nProcess ${web} is still running; stop it first\nProcess with ID fffff0 not found`,
    ]);
    expect(await ids({})).toEqual([web, broken]);
  });
});

describe('stop', () => {
  it('ends the whole tree, and says which', async () => {
    // Of this run alone: others may look for theirs at the same time.
    const nap = `6${String(process.pid)}.125`;
    const id = await server.start(['sh', '-c', `sleep ${nap} & sleep ${nap}`], { description: 'Start app' });
    const answer = await server.call('shell_bg_stop', { process_id: id });
    expect(answer.blocks).toEqual([
      `Process ${id} has been gracefully stopped\nCommand: sh -c sleep ${nap} & sleep ${nap}\nDescription: Start app`,
    ]);
    expect(answer.ms).toBeLessThan(3000);
    expect(
      (
        await server.execute([
          'sh',
          '-c',
          `cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "sleep ${nap.replace('.', '[.]')}" || true`,
        ])
      ).blocks[1],
    ).toBe('---\nstdout:\n---\n0\n');
    expect((await server.call('shell_bg_logs', { process_id: id })).blocks[0]).toMatch(/^\*\*Process .* \(status: terminated\)\*\*\n/);
    expect((await server.call('shell_bg_stop', { process_id: id })).blocks[0]).toMatch(/is not running any more \(status: terminated\)/);
  });

  it('by force does not wait for what will not go', async () => {
    const id = await server.start(['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']);
    await server.logsUntil(id, (text) => text.includes('ready'));
    const answer = await server.call('shell_bg_stop', { process_id: id, force: true });
    expect(answer.blocks[0]).toMatch(
      new RegExp(`^Process ${id} has been forcefully terminated\nCommand: sh -c trap .*\nDescription: a test$`),
    );
    expect(answer.ms).toBeLessThan(1000);
  });

  it('knows what it does not know', async () => {
    expect(await server.call('shell_bg_stop', { process_id: 'nope' })).toMatchObject({
      isError: true,
      blocks: ['Error executing command: Process with ID nope not found'],
    });
    expect(await server.call('shell_bg_logs', {})).toMatchObject({
      isError: true,
      blocks: ['Error executing command: Process with ID undefined not found'],
    });
  });
});

describe('logs', () => {
  let id: string;
  /** Between the first lines and the last. */
  let between: Date;

  beforeAll(async () => {
    id = await server.start(['sh', '-c', 'echo out1; echo err1 >&2; sleep 1; echo out2; echo err2 >&2; printf prompt; exit 4'], {
      description: 'talks',
    });
    await server.logsUntil(id, (text) => text.includes('err1'), { with_stderr: true });
    await sleep(300);
    between = new Date();
    await server.logsUntil(id, ended);
  });

  it('tell how it stands, and each line with the time it was printed', async () => {
    const { blocks } = await server.call('shell_bg_logs', { process_id: id, with_stderr: true });
    expect(blocks[0]).toBe(
      `**Process ${id} (status: failed)**\nCommand: sh -c echo out1; echo err1 >&2; sleep 1; echo o...\nDescription: talks\nStatus: Process failed with exit code 4`,
    );
    expect(blocks[1]).toMatch(new RegExp(`^---\nstdout: 3 lines\n---\n${STAMP} out1\n${STAMP} out2\n${STAMP} prompt\n$`));
    expect(blocks[2]).toMatch(new RegExp(`^---\nstderr: 2 lines\n---\n${STAMP} err1\n${STAMP} err2\n$`));
    const times = [...(blocks[1] ?? '').matchAll(/\[([^\]]+)\]/g)].map(([, stamp = '']) => new Date(stamp).getTime());
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
  });

  it('show of a process that runs what it has printed, also without a line end', async () => {
    const running = await server.start(['sh', '-c', 'printf "name? "; sleep 60']);
    const { blocks } = await server.logsUntil(running, (text) => text.endsWith('name? \n'), { add_time_prefix: false });
    expect(blocks[0]).toBe(
      `**Process ${running} (status: running)**\nCommand: sh -c printf "name? "; sleep 60\nDescription: a test\nStatus: Process is still running`,
    );
    expect(blocks[1]).toBe('---\nstdout: 1 lines\n---\nname? \n');
    await server.call('shell_bg_stop', { process_id: running, force: true });
  });

  it('of one that went well', async () => {
    const fine = await server.start(['true']);
    expect((await server.logsUntil(fine, ended)).blocks).toEqual([
      `**Process ${fine} (status: completed)**\nCommand: true\nDescription: a test\nStatus: Process completed successfully with exit code 0`,
      '---\nstdout: 0 lines\n---\n',
    ]);
  });

  const plain = { add_time_prefix: false };
  it.each<[string, () => Readonly<Record<string, unknown>>, readonly string[]]>([
    ['the last lines', () => ({ ...plain, tail: 2 }), ['---\nstdout: 2 lines\n---\nout2\nprompt\n']],
    ['one line', () => ({ ...plain, tail: 1 }), ['---\nstdout: 1 lines\n---\nprompt\n']],
    ['more lines than there are', () => ({ ...plain, tail: 1000 }), ['---\nstdout: 3 lines\n---\nout1\nout2\nprompt\n']],
    ['stderr alone', () => ({ ...plain, with_stdout: false, with_stderr: true }), ['---\nstderr: 2 lines\n---\nerr1\nerr2\n']],
    ['nothing', () => ({ with_stdout: false }), ['---\nNo output requested. Set with_stdout=true or with_stderr=true to view logs.\n---']],
    ['what came since, in UTC', () => ({ ...plain, since: between.toISOString() }), ['---\nstdout: 2 lines\n---\nout2\nprompt\n']],
    ['what came since, in another zone', () => ({ ...plain, since: inZone(between, 330) }), ['---\nstdout: 2 lines\n---\nout2\nprompt\n']],
    ['what came since, in local time', () => ({ ...plain, since: local(between) }), ['---\nstdout: 2 lines\n---\nout2\nprompt\n']],
    ['what came until', () => ({ ...plain, until: between.toISOString() }), ['---\nstdout: 1 lines\n---\nout1\n']],
    ['what came until, the last of it', () => ({ ...plain, until: between.toISOString(), tail: 1 }), ['---\nstdout: 1 lines\n---\nout1\n']],
    ['a time in which nothing came', () => ({ since: '2001-01-01', until: '2001-01-02T00:00:00' }), ['---\nstdout: 0 lines\n---\n']],
    ['another format of time', () => ({ tail: 1, time_prefix_format: '%%|' }), ['---\nstdout: 1 lines\n---\n[%|] prompt\n']],
  ])('show %s', async (_, args, blocks) => {
    expect((await server.call('shell_bg_logs', { process_id: id, ...args() })).blocks.slice(1)).toEqual(blocks);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string | RegExp]>([
    ['no lines', { tail: 0 }, /greater than 0$/],
    ['less than none', { tail: -3 }, /greater than 0$/],
    [
      'a time that is none',
      { since: 'yesterday' },
      "Error executing command: 'since' must be a valid ISO format datetime string (e.g. '2021-01-01T00:00:00')",
    ],
    [
      'a day that is none',
      { until: '2021-02-30' },
      "Error executing command: 'until' must be a valid ISO format datetime string (e.g. '2021-01-01T00:00:00')",
    ],
    ['a flag that is none', { with_stdout: 'no' }, "Error executing command: 'with_stdout' must be a boolean"],
  ])('refuse %s', async (_, args, message) => {
    const answer = await server.call('shell_bg_logs', { process_id: id, ...args });
    expect(answer.isError).toBe(true);
    expect(answer.blocks[0]).toMatch(
      message instanceof RegExp ? message : new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`),
    );
  });

  it('lose nothing to long lines, odd bytes and other encodings', async () => {
    const long = await server.start(['sh', '-c', 'head -c 150000 /dev/zero | tr "\\0" x; echo; echo after']);
    const { blocks } = await server.logsUntil(long, ended, plain);
    expect(blocks[1]).toBe(`---\nstdout: 2 lines\n---\n${'x'.repeat(150_000)}\nafter\n`);
    const odd = await server.start(['printf', 'a\\377\\nb\\n']);
    expect((await server.logsUntil(odd, ended, plain)).blocks[1]).toBe('---\nstdout: 2 lines\n---\na\\xff\nb\n');
    const chinese = await server.start(['printf', '\\304\\343\\n\\272\\303\\n'], { encoding: 'gbk' });
    expect((await server.logsUntil(chinese, ended, plain)).blocks[1]).toBe('---\nstdout: 2 lines\n---\n你\n好\n');
    const wide = await server.start(['printf', 'a\\0\\n\\0b\\0'], { encoding: 'utf-16le' });
    expect((await server.logsUntil(wide, ended, plain)).blocks[1]).toBe('---\nstdout: 2 lines\n---\na\nb\n');
  });

  it('stay within an answer, the latest first', async () => {
    const much = await server.start(['seq', '1', '500000']);
    const { blocks, ms } = await server.logsUntil(much, ended, plain);
    expect(blocks[1]).toMatch(/^---\nstdout: 10000 lines\n---\n\.\.\. \(older output left out\)\n490001\n/);
    expect(blocks[1]?.endsWith('\n500000\n')).toBe(true);
    expect(ms).toBeLessThan(1000);
  });

  it('wait for the end when they are told to', async () => {
    const soon = await server.start(['sh', '-c', 'sleep 0.5; echo done']);
    expect((await server.call('shell_bg_logs', { process_id: soon, follow_seconds: 5, ...plain })).blocks[1]).toBe(
      '---\nstdout: 1 lines\n---\ndone\n',
    );
  });

  it('are for nobody else to read', async () => {
    const files = readdirSync(ground.state, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && /\.(out|err|ord)$/.test(entry.name),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(statSync(join(file.parentPath, file.name)).mode & 0o077).toBe(0);
    expect(statSync(ground.state).mode & 0o077).toBe(0);
  });
});

it('outlives the server that started it', async () => {
  using alone = await openGround();
  const first = await alone.open();
  const id = await first.start(['sh', '-c', 'echo before; sleep 2; echo after; sleep 60'], { labels: ['kept'] });
  await first.logsUntil(id, (text) => text.includes('before'));
  process.kill(first.pid, 'SIGKILL');
  await first[Symbol.asyncDispose]();
  await using second = await alone.open();
  expect((await second.call('shell_bg_list', { labels: ['kept'] })).blocks[0]).toContain(`${id} | running |`);
  await second.logsUntil(id, (text) => text.includes('after'));
  expect((await second.call('shell_bg_stop', { process_id: id })).blocks[0]).toMatch(/has been gracefully stopped/);
});

it('forgets what ended longer ago than PROCESS_RETENTION_SECONDS', async () => {
  using alone = await openGround();
  await using brief = await alone.open({ env: { PROCESS_RETENTION_SECONDS: '1' } });
  const id = await brief.start(['true']);
  await brief.logsUntil(id, ended);
  await sleep(1200);
  expect((await brief.call('shell_bg_list')).blocks).toEqual(['No background processes found']);
  expect((await brief.call('shell_bg_logs', { process_id: id })).blocks).toEqual([
    `Error executing command: Process with ID ${id} not found`,
  ]);
  await using lasting = await alone.open({ env: { PROCESS_RETENTION_SECONDS: '0' } });
  expect((await lasting.call('shell_bg_list')).blocks[0]).toContain(`${id} | completed |`);
});

it('tells one process in detail, also by its number', async () => {
  const id = await server.start(['sleep', '60'], { labels: ['a', 'b'] });
  const [text = ''] = (await server.call('shell_bg_detail', { pid: id })).blocks;
  expect(text).toMatch(
    new RegExp(
      `^\\*\\*Process ${id} \\(status: running\\)\\*\\*\nCommand: sleep 60\nDescription: a test\nDirectory: ${ground.work}\nLabels: a, b\nPID: \\d+\nStart time: .*\nStatus: Process is still running$`,
    ),
  );
  const pid = Number(/^PID: (\d+)$/m.exec(text)?.[1]);
  expect((await server.call('shell_bg_stop', { pid, force: true })).blocks[0]).toMatch(
    new RegExp(`^Process ${id} has been forcefully terminated`),
  );
});

const two = (value: number): string => String(value).padStart(2, '0');

/** Without a zone, as people write their own time. */
const local = (at: Date): string =>
  `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;

/** The same moment, as a clock so many minutes east of Greenwich shows it. */
const inZone = (at: Date, minutes: number): string =>
  new Date(at.getTime() + minutes * 60_000).toISOString().replace('Z', `+${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`);
