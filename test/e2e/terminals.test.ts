import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral, temporaryFolder } from './support/corral.ts';

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

const has = (program: string): boolean => existsSync(join('/usr/bin', program));

/** Starts a program on a terminal; it answers when the program has come to wait for input. */
const open = async (command: string, pty: unknown = true): Promise<Answer> => {
  const answer = await corral.call('execute_command', { command, pty, wait_seconds: 20 });
  expect(answer).toMatchObject({ status: 'running', needs_input: {} });
  return answer;
};

/** Types, and waits until the program wants more or has ended. */
const type = async (answer: Answer, input: { readonly text?: string; readonly keys?: string }): Promise<Answer> => {
  const { execution_id } = answer;
  await corral.call('send_input', { execution_id, ...input });
  return corral.call('wait', { execution_id, wait_seconds: 20 });
};

const screenOf = async ({ execution_id }: Answer): Promise<Answer> =>
  (await corral.call('read_output', { execution_id, screen: true }))['screen'];

describe('programs on a terminal, bubblewrap', () => {
  it('less: pages, ends and leaves', async (context) => {
    if (!has('less')) context.skip('there is no less here');
    await writeFile(join(corral.workspace, 'long.txt'), Array.from({ length: 300 }, (_, index) => `line ${index + 1}\n`).join(''));
    const less = await open('less long.txt', { cols: 40, rows: 10 });
    expect(less).toMatchObject({
      needs_input: { program: 'less', hint: expect.stringContaining('PAGER=cat') },
      screen: { alternate: true, size: { cols: 40, rows: 10 } },
    });
    expect(less).not.toHaveProperty('stdout');
    expect(less['screen'].text).toMatch(/^line 1\n/);
    expect((await type(less, { keys: '<PageDown>' }))['screen'].text).toMatch(/^line 10\n/);
    expect((await type(less, { keys: 'G' }))['screen'].text).toMatch(/line 300\n\(END\)$/);
    expect(await type(less, { keys: 'q' })).toMatchObject({ condition: 'exit', outcome: { code: 0 } });
  });

  it('vim: inserts, moves in application cursor mode, and writes', async (context) => {
    if (!has('vim')) context.skip('there is no vim here');
    const vim = await open('vim -u NONE new.txt', { cols: 60, rows: 12 });
    expect(vim['needs_input'].program).toBe('vim');
    expect((await type(vim, { keys: 'ione<CR>three<Esc>' }))['screen'].text).toMatch(/^one\nthree\n~/);
    await type(vim, { keys: '<Up>otwo<Esc>' });
    expect(await type(vim, { keys: ':wq<CR>' })).toMatchObject({ condition: 'exit', outcome: { code: 0 } });
    expect(await readFile(join(corral.workspace, 'new.txt'), 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('python: a prompt after each line, history by <Up>, the end by <C-d>', async (context) => {
    if (!has('python3')) context.skip('there is no python3 here');
    const python = await open('/usr/bin/python3 -q');
    expect(python['needs_input']).toMatchObject({ prompt: '>>>' });
    expect((await type(python, { text: '6 * 7\n' }))['stdout'].text).toMatch(/\n42\n>>> $/);
    const asked = await type(python, { text: 'name = input("who? ")\n' });
    expect(asked['needs_input'].prompt).toBe('who?');
    await type(python, { keys: 'me<CR>' });
    expect((await type(python, { text: 'name.upper()\n' }))['stdout'].text).toContain("'ME'");
    expect(await type(python, { keys: '<C-d>' })).toMatchObject({ condition: 'exit', outcome: { code: 0 } });
  });

  it('gdb: answers on its prompt (a sandbox lets nobody trace)', async (context) => {
    if (!has('gdb') || !has('cc')) context.skip('there is no gdb or no compiler here');
    await writeFile(join(corral.workspace, 'a.c'), 'int twice(int x) { return 2 * x; }\nint main(void) { return twice(21); }\n');
    await corral.call('execute_command', { command: 'cc -g -O0 -o a.out a.c' });
    const gdb = await open('gdb -q -nx ./a.out');
    expect(gdb['needs_input']).toMatchObject({ prompt: '(gdb)', hint: expect.stringContaining('-batch') });
    await corral.call('send_input', { execution_id: gdb['execution_id'], text: 'break twice\n' });
    const seen = await corral.call('wait', {
      execution_id: gdb['execution_id'],
      until: { screen: 'Breakpoint 1 at .*: file a.c, line 1' },
    });
    expect(seen).toMatchObject({ satisfied: true, condition: 'screen' });
    await type(gdb, { text: 'delete\n' });
    await type(gdb, { keys: 'y<CR>' });
    expect((await type(gdb, { text: 'print sizeof(long)\n' }))['stdout'].text).toContain('$1 = 8');
    expect(await type(gdb, { text: 'quit\n' })).toMatchObject({ condition: 'exit' });
  });

  it('npm init: question by question', { timeout: 60_000 }, async () => {
    await corral.call('execute_command', { command: 'mkdir -p package' });
    let npm = await corral.call('execute_command', {
      command: 'npm init',
      cwd: 'package',
      env: { NPM_CONFIG_UPDATE_NOTIFIER: 'false' },
      pty: true,
      wait_seconds: 30,
    });
    expect(npm['needs_input']).toMatchObject({ prompt: 'package name: (package)', hint: expect.stringContaining('npm init -y') });
    npm = await type(npm, { keys: 'mine<CR>' });
    for (let question = 0; question < 12 && npm['status'] === 'running'; question += 1) npm = await type(npm, { keys: '<CR>' });
    expect(npm).toMatchObject({ outcome: { kind: 'exited', code: 0 } });
    expect(JSON.parse(await readFile(join(corral.workspace, 'package/package.json'), 'utf8'))).toMatchObject({ name: 'mine' });
  });

  it('a question as ssh asks it, and a secret that is not shown', async () => {
    const script = `printf 'Are you sure you want to continue connecting (yes/no)? '; read answer; read -s -p "me@host's password: " secret; echo; echo "$answer \${#secret}"`;
    const ssh = await open(script);
    expect(ssh['needs_input'].prompt).toBe('Are you sure you want to continue connecting (yes/no)?');
    expect(ssh['needs_input']).not.toHaveProperty('hidden');
    const secret = await type(ssh, { keys: 'yes<CR>' });
    expect(secret).toMatchObject({ condition: 'needs_input', needs_input: { prompt: "me@host's password:", hidden: true } });
    expect(secret['hints'].join(' ')).toContain('secret');
    const ended = await type(secret, { text: 'swordfish\n' });
    expect(ended['stdout'].text).toMatch(/yes 9\n$/);
    expect(ended['stdout'].text).not.toContain('swordfish');
  });

  it('what it asks of its terminal is answered once, and not again when the screen is drawn anew', async () => {
    const ask = `printf 'abc\\033[6n'; IFS='[;' read -rs -t 5 -d R _ row col && echo "at $row,$col"; printf '\\033[5n'; cat -v`;
    const asked = await open(ask);
    expect((await screenOf(asked)).text).toMatch(/at 1,4/);
    const { execution_id } = asked;
    for (let look = 0; look < 3; look += 1) await screenOf(asked);
    await corral.call('send_input', { execution_id, keys: '<CR><C-d>' });
    const ended = await corral.call('wait', { execution_id, until: 'exit', wait_seconds: 5 });
    expect(ended['stdout'].text.match(/\^\[\[0n/g)?.length).toBeLessThanOrEqual(2); // as echoed by the terminal, and by cat
  });

  it('a size that changes is known to the program and to the screen', async () => {
    const sized = await open('read x; stty size; read y', { cols: 50, rows: 7 });
    const { execution_id } = sized;
    await corral.call('send_input', { execution_id, resize: { cols: 33 } });
    expect((await type(sized, { keys: '<CR>' }))['stdout'].text).toContain('7 33');
    expect((await screenOf(sized)).size).toEqual({ cols: 33, rows: 7 });
    await corral.call('terminate', { execution_id });
    expect((await screenOf(sized)).text).toContain('7 33');
  });
});

describe('needing input, bubblewrap', () => {
  it('is told of in every answer about it, and never of a program that sleeps', async () => {
    const { execution_id } = await open('read line');
    const sleeping = await corral.call('execute_command', { command: 'sleep 60', pty: true, wait_seconds: 1 });
    expect(sleeping).not.toHaveProperty('needs_input');
    const told = { program: expect.stringMatching(/^(ba)?sh$/), hint: expect.any(String) };
    expect((await corral.call('read_output', { execution_id }))['needs_input']).toMatchObject(told);
    const port = await corral.call('wait', { execution_id, until: 'port:9', wait_seconds: 0.2 });
    expect(port).toMatchObject({ satisfied: false, needs_input: told });
    const { executions } = await corral.call('list_executions', { status: 'running' });
    const of = (id: unknown) => executions.find((one: Answer) => one['execution_id'] === id);
    expect(of(execution_id).needs_input).toMatchObject(told);
    expect(of(sleeping['execution_id'])).not.toHaveProperty('needs_input');
    const first = await corral.call('wait', { executions: [sleeping['execution_id'], execution_id] });
    expect(first).toMatchObject({ condition: 'needs_input', execution_id });
    await corral.call('terminate', { executions: [execution_id, sleeping['execution_id']] });
  });

  it('of a pipe ends a call early only where somebody can answer', async () => {
    const asked = await corral.call('execute_command', { command: 'echo "Go on? [y/n]"; read x; echo "$x"', interactive: true });
    expect(asked['needs_input']).toMatchObject({ prompt: 'Go on? [y/n]' });
    expect(await type(asked, { keys: 'y<CR>' })).toMatchObject({ condition: 'exit', stdout: { text: 'Go on? [y/n]\ny\n' } });
  });
});

describe('bad input, bubblewrap', () => {
  it('is refused with what to do instead, and nothing is sent', async () => {
    const { execution_id } = await corral.call('execute_command', { command: 'cat', interactive: true, wait_seconds: 0 });
    expect(await corral.refusal('send_input', { execution_id, resize: { cols: 10, rows: 10 } })).toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('pty'),
    });
    expect(await corral.refusal('read_output', { execution_id, screen: true })).toMatchObject({ code: 'invalid_input' });
    expect(await corral.refusal('send_input', { execution_id, text: 'never', keys: '<Entr>' })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('<enter>'),
    });
    expect(await corral.refusal('send_input', { execution_id, keys: '<C-c>' })).toMatchObject({ hint: expect.stringContaining('SIGINT') });
    await corral.call('send_input', { execution_id, text: 'seen\n', end: true });
    expect(await corral.call('wait', { execution_id, until: 'exit' })).toMatchObject({ stdout: { text: 'seen\n' } });
    expect(await corral.refusal('send_input', { execution_id, text: 'late' })).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('has ended'),
    });
    const closed = await corral.call('execute_command', { command: 'sleep 30', wait_seconds: 0, interactive: false });
    expect(await corral.refusal('send_input', { execution_id: closed['execution_id'], text: 'x' })).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('closed'),
    });
    await corral.call('terminate', { execution_id: closed['execution_id'] });
  });

  it('of wait: a catastrophic pattern, an unknown execution, a cursor of something else', async () => {
    const { execution_id } = await corral.call('execute_command', { command: `printf '${'a'.repeat(60)}b\\n'; sleep 60`, wait_seconds: 0 });
    const started = performance.now();
    const [refused, met] = await Promise.all([
      corral.refusal('wait', { execution_id, until: '/^(a+)+$/' }),
      corral.call('wait', { execution_id, until: '/aab$/' }),
    ]);
    expect(refused).toMatchObject({ code: 'invalid_input', hint: expect.stringContaining('nested repetitions') });
    expect(met).toMatchObject({ satisfied: true, condition: 'output' });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await corral.refusal('wait', { executions: [execution_id, 'xnone'] })).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('"xnone"'),
    });
    expect(await corral.refusal('wait', { execution_id, cursor: 'b:1,2' })).toMatchObject({ code: 'invalid_input' });
    await corral.call('terminate', { execution_id });
  });
});

describe('waiting, bubblewrap', () => {
  it('tells a client that asks for progress how far it is, more each time, and nothing after the answer', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: 'for i in 1 2 3 4 5; do echo step $i; sleep 0.6; done',
      wait_seconds: 0,
    });
    const notices: { readonly progress: number; readonly message?: string | undefined }[] = [];
    await corral.client.callTool(
      { name: 'wait', arguments: { execution_id } },
      { timeout: 20_000, onprogress: (notice) => void notices.push(notice) },
    );
    const count = notices.length;
    expect(count).toBeGreaterThanOrEqual(2);
    expect(notices.every(({ progress }, index) => progress > (notices[index - 1]?.progress ?? 0))).toBe(true);
    expect(notices[0]?.message).toMatch(/^waiting for \d+ s: step \d$/);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(notices).toHaveLength(count);
  });

  it('goes on from its cursor in the next call, and finds each line once', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: 'echo error one; echo error two; sleep 1; echo error three; sleep 60',
      wait_seconds: 0,
    });
    const found: string[] = [];
    let cursor: string | undefined;
    for (let call = 0; call < 10 && found.length < 3; call += 1) {
      const answer = await corral.call('wait', {
        execution_id,
        until: '/^error/',
        wait_seconds: 0.4,
        ...(cursor !== undefined && { cursor }),
      });
      if (answer['satisfied'] === true) found.push(answer['line']);
      cursor = answer['cursor'];
    }
    expect(found).toEqual(['error one', 'error two', 'error three']);
    await corral.call('terminate', { execution_id });
  });

  it('of a hundred on one execution costs little and misses nothing', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: 'read go; echo ready; touch made; read on',
      interactive: true,
      wait_seconds: 0,
    });
    const waits = Array.from({ length: 100 }, (_, index) =>
      corral.call('wait', {
        execution_id,
        until: [{ output: 'ready' }, { file: 'made' }, { bytes: 6 }, { output: 'rea.y' }][index % 4],
        wait_seconds: 30,
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const told = performance.now();
    await corral.call('send_input', { execution_id, text: 'go\n' });
    const answers = await Promise.all(waits);
    expect(answers.every(({ satisfied }) => satisfied === true)).toBe(true);
    expect(new Set(answers.map(({ condition }) => condition))).toEqual(new Set(['output', 'file', 'bytes']));
    expect(performance.now() - told).toBeLessThan(5_000);
    expect(corral.stderr()).not.toContain('Warning');
    await corral.call('terminate', { execution_id });
  });

  it('for several, each with a condition of its own', async () => {
    const start = async (command: string): Promise<string> =>
      (await corral.call('execute_command', { command, wait_seconds: 0 }))['execution_id'] as string;
    const [file, line, ends] = [
      await start('sleep 0.3; touch there; sleep 60'),
      await start('sleep 0.2; echo up; sleep 60'),
      await start('sleep 0.1; exit 3'),
    ];
    const answer = await corral.call('wait', {
      executions: [{ execution_id: file, until: 'file:there' }, { execution_id: line, until: '/up/' }, ends],
      all: true,
      wait_seconds: 20,
    });
    expect(answer).toMatchObject({
      satisfied: true,
      executions: [{ condition: 'file', file: 'there' }, { condition: 'output', line: 'up' }, { condition: 'exit' }],
    });
    expect(await corral.refusal('wait', { executions: [{ execution_id: file, until: 'soon' }] })).toMatchObject({ code: 'invalid_input' });
    expect(await corral.refusal('wait', { executions: [{ execution_id: file, when: 'x' }] })).toMatchObject({ code: 'invalid_input' });
    await corral.call('terminate', { executions: [file, line] });
  });

  it('holds what the operator allows', async () => {
    await using patient = await startCorral({ args: ['--max-wait-seconds', '120'] });
    const { tools } = await patient.client.listTools();
    expect(JSON.stringify(tools.find(({ name }) => name === 'wait'))).toContain('max 120');
    const { execution_id } = await patient.call('execute_command', { command: 'sleep 0.2', wait_seconds: 0 });
    expect(await patient.call('wait', { execution_id, wait_seconds: 120 })).toMatchObject({ condition: 'exit' });
    expect(await corral.refusal('wait', { execution_id, wait_seconds: 51 })).toMatchObject({
      message: expect.stringContaining('at most 50'),
    });
  });
});

it('the screen and its size are known to the next server, bubblewrap', async () => {
  using folder = temporaryFolder();
  const [stateDir, workspace] = [join(folder.path, 'state'), join(folder.path, 'work')];
  await mkdir(workspace);
  let id: string;
  let cursor: unknown;
  {
    await using first = await startCorral({ stateDir, workspace });
    const started = await first.call('execute_command', { command: `printf 'first\\n> '; read x; echo "got $x"; read y`, pty: true });
    id = started['execution_id'] as string;
    await first.call('send_input', { execution_id: id, resize: { cols: 44, rows: 9 } });
    ({ cursor } = await first.call('wait', { execution_id: id, until: '/first/' }));
    process.kill(first.pid, 'SIGKILL');
  }
  await using second = await startCorral({ stateDir, workspace });
  const seen = await second.call('wait', { execution_id: id });
  expect(seen).toMatchObject({ condition: 'needs_input', needs_input: { prompt: '>' } });
  expect(await second.call('read_output', { execution_id: id, screen: true })).toMatchObject({
    screen: { text: 'first\n>', size: { cols: 44, rows: 9 }, cursor: { row: 2, col: 3 } },
  });
  expect(await second.call('wait', { execution_id: id, until: '/first/', cursor, wait_seconds: 0.3 })).toMatchObject({ satisfied: false });
  await second.call('send_input', { execution_id: id, keys: 'it<CR>' });
  expect(await second.call('wait', { execution_id: id, until: { screen: '^got it$' } })).toMatchObject({ condition: 'screen' });
  await second.call('terminate', { execution_id: id });
});
