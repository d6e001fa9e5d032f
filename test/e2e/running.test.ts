import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral } from './support/corral.ts';
import { eventually, withEnvironment } from './support/processes.ts';

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

describe('a command, bubblewrap', () => {
  it('answers with its streams, its exit code and nothing superfluous', async () => {
    const answer = await corral.call('execute_command', { command: 'echo out; echo err >&2; exit 3' });
    expect(answer).toEqual({
      execution_id: expect.stringMatching(/^\S+$/),
      sandbox_id: expect.stringMatching(/^\S+$/),
      status: 'finished',
      outcome: { kind: 'exited', code: 3 },
      stdout: { text: 'out\n', bytes: 4, lines: 1 },
      stderr: { text: 'err\n', bytes: 4, lines: 1 },
      duration_ms: expect.any(Number),
    });
  });

  it('takes an array as program and arguments, with nothing to quote', async () => {
    const answer = await corral.call('execute_command', { command: ['printf', '%s|', 'a b', '$HOME', '"', "'"] });
    expect(answer['stdout'].text).toBe('a b|$HOME|"|\'|');
  });

  it('understands bash where it is there, and tells a signal from a code', async () => {
    expect((await corral.call('execute_command', { command: 'a=(1 2 3); [[ ${#a[@]} == 3 ]] && echo "${a[1]}"' }))['stdout'].text).toBe(
      '2\n',
    );
    expect((await corral.call('execute_command', { command: 'kill -SEGV $$' }))['outcome']).toEqual({
      kind: 'signalled',
      signal: 'SIGSEGV',
    });
  });

  it('gets cwd, env and stdin, and no more of the server than that', async () => {
    const answer = await corral.call('execute_command', {
      command: 'mkdir -p sub; cd sub; pwd; echo "$GREETING"; cat; env',
      env: { GREETING: 'hello there' },
      stdin: 'typed\n',
    });
    const lines: string[] = answer['stdout'].text.split('\n');
    expect(lines.slice(0, 3)).toEqual([`${corral.workspace}/sub`, 'hello there', 'typed']);
    expect(answer['stdout'].text).not.toContain('CORRAL_STATE_DIR');
    expect((await corral.call('execute_command', { command: ['pwd'], cwd: 'sub' }))['stdout'].text).toBe(`${corral.workspace}/sub\n`);
  });

  it('finds standard input closed when none was given', async () => {
    expect(await corral.call('execute_command', { command: 'cat; read -r line; echo "read: $?"' })).toMatchObject({
      stdout: { text: 'read: 1\n' },
      outcome: { code: 0 },
    });
  });

  it('keeps the order of both streams', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: 'for i in 1 2 3 4; do echo "out $i"; sleep 0.03; echo "err $i" >&2; sleep 0.03; done',
    });
    const both = await corral.call('read_output', { execution_id, stream: 'both' });
    const said = (both['output'].text as string).match(/(?:out|err) \d/g);
    expect(said).toEqual(['out 1', 'err 1', 'out 2', 'err 2', 'out 3', 'err 3', 'out 4', 'err 4']);
  });

  it('ends at its deadline with the whole tree', async () => {
    const mark = randomUUID();
    const answer = await corral.call('execute_command', {
      command: 'echo begun; setsid sleep 1000 & sleep 1000',
      timeout_seconds: 0.5,
      env: { MARK: mark },
    });
    expect(answer).toMatchObject({ outcome: { kind: 'timed_out' }, stdout: { text: 'begun\n' } });
    expect(answer['hints'].join(' ')).toMatch(/deadline/);
    expect(await eventually(() => withEnvironment(`MARK=${mark}`).length === 0)).toBe(true);
  });

  it('is answered with a handle when it takes longer, and goes on', async () => {
    const first = await corral.call('execute_command', { command: 'echo early; sleep 0.6; echo late', wait_seconds: 0.2 });
    expect(first).toMatchObject({ status: 'running', stdout: { text: 'early\n' } });
    expect(first['hints'].join(' ')).toMatch(/wait/);
    const last = await corral.call('wait', { execution_id: first['execution_id'] });
    expect(last).toMatchObject({
      satisfied: true,
      condition: 'exit',
      status: 'finished',
      outcome: { kind: 'exited', code: 0 },
      stdout: { text: 'early\nlate\n' },
    });
  });

  it('runs 50 at once, each with its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        corral.call('execute_command', {
          command: `sleep 0.2; echo out${String(index)}; echo err${String(index)} >&2; exit ${String(index)}`,
        }),
      ),
    );
    answers.forEach((answer, index) =>
      expect(answer).toMatchObject({
        outcome: { kind: 'exited', code: index },
        stdout: { text: `out${String(index)}\n` },
        stderr: { text: `err${String(index)}\n` },
      }),
    );
  });
});

describe('waiting', () => {
  const start = async (command: string): Promise<string> =>
    (await corral.call('execute_command', { command, wait_seconds: 0 }))['execution_id'] as string;

  it('never shows a program as ended and its wait as not met, also when both come at one moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_one, index) => {
        const execution_id = await start('sleep 2');
        const { duration_ms } = await corral.call('wait', { execution_id, wait_seconds: 0 });
        return corral.call('wait', {
          execution_id,
          until: { output: 'never' },
          wait_seconds: 2.02 - duration_ms / 1000 + (index - 20) * 0.004,
        });
      }),
    );
    for (const { status, satisfied } of answers) expect({ status, satisfied }).toEqual({ status, satisfied: status === 'finished' });
  });

  it('ends with output that matches, while the program goes on', async () => {
    const execution_id = await start('sleep 0.2; echo starting; sleep 0.2; echo "ready on 8080" >&2; sleep 30');
    const met = await corral.call('wait', { execution_id, until: { output: 'ready on \\d+' }, wait_seconds: 10 });
    expect(met).toMatchObject({ satisfied: true, condition: 'output', line: 'ready on 8080', status: 'running' });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('ends with a port that listens', async () => {
    const execution_id = await start(`node -e "setTimeout(() => require('net').createServer().listen(4321, '127.0.0.1'), 300)"`);
    expect(await corral.call('wait', { execution_id, until: { port: 4321 }, wait_seconds: 10 })).toMatchObject({
      satisfied: true,
      condition: 'port',
      port: 4321,
    });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('ends with silence', async () => {
    const execution_id = await start('for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; sleep 30');
    const met = await corral.call('wait', { execution_id, until: { silence_seconds: 0.5 }, wait_seconds: 10 });
    expect(met).toMatchObject({ satisfied: true, condition: 'silence', stdout: { text: '1\n2\n3\n4\n5\n' } });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('says when the time was up first', async () => {
    const execution_id = await start('sleep 30');
    expect(await corral.call('wait', { execution_id, wait_seconds: 0.2 })).toMatchObject({ satisfied: false, status: 'running' });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('ends with the first of several, or with all', async () => {
    const slow = await start('sleep 0.8; exit 1');
    const quick = await start('sleep 0.1; exit 2');
    expect(await corral.call('wait', { executions: [slow, quick] })).toMatchObject({ satisfied: true, execution_id: quick });
    const all = await corral.call('wait', { executions: [slow, quick], all: true });
    expect(all).toMatchObject({ satisfied: true, executions: [{ outcome: { code: 1 } }, { outcome: { code: 2 } }] });
  });
});

describe('typing', () => {
  it('sends lines to a program and then its end', async () => {
    const { execution_id } = await corral.call('execute_command', { command: ['cat'], wait_seconds: 0 });
    await corral.call('send_input', { execution_id, text: 'one\ntwo\n' });
    expect(await corral.call('wait', { execution_id, until: { output: 'two' }, wait_seconds: 5 })).toMatchObject({ satisfied: true });
    await corral.call('send_input', { execution_id, text: 'three', end: true });
    expect(await corral.call('wait', { execution_id })).toMatchObject({
      outcome: { kind: 'exited', code: 0 },
      stdout: { text: 'one\ntwo\nthree' },
    });
  });

  it('talks to a Python prompt on a terminal, keys and size included', async ({ skip }) => {
    const { languages } = await corral.call('describe_environment');
    if (!(languages as { name: string }[]).some(({ name }) => name === 'python')) skip('needs python');
    const { execution_id } = await corral.call('execute_command', { command: ['python3', '-q', '-i'], pty: true, wait_seconds: 0 });
    const said = (output: string): Promise<unknown> => corral.call('wait', { execution_id, until: { output }, wait_seconds: 10 });
    expect(await said('>>>')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, text: 'import os, sys; print(sys.stdin.isatty(), 6 * 7)', keys: ['enter'] });
    expect(await said('^True 42')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, resize: { cols: 101, rows: 33 } });
    await corral.call('send_input', { execution_id, text: 'print("size", os.get_terminal_size().columns)\n' });
    expect(await said('^size 101')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, text: 'import time; print("be" + "gun"); time.sleep(1000)\n' });
    expect(await said('^begun')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, keys: ['ctrl-c'] });
    expect(await said('KeyboardInterrupt')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, text: 'print("still " + "here")\n' });
    expect(await said('^still here')).toMatchObject({ condition: 'output' });
    await corral.call('send_input', { execution_id, keys: ['ctrl-d'] });
    expect(await corral.call('wait', { execution_id, wait_seconds: 10 })).toMatchObject({
      status: 'finished',
      outcome: { kind: 'exited', code: 0 },
    });
  });
});

describe('ending', () => {
  it('ends a program that ignores SIGTERM by force', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: "trap '' TERM; echo deaf; while :; do sleep 0.1; done",
      wait_seconds: 0,
    });
    await corral.call('wait', { execution_id, until: { output: 'deaf' } });
    const ended = await corral.call('terminate', { execution_id, grace_seconds: 0.3 });
    expect(ended).toMatchObject({ status: 'finished', outcome: { kind: 'cancelled', signal: 'SIGKILL' }, survivors: [] });
    expect(ended['duration_ms']).toBeGreaterThan(250);
  });

  it('lets a program that hears SIGTERM end by itself', async () => {
    const { execution_id } = await corral.call('execute_command', {
      command: "trap 'echo tidied; exit 4' TERM; echo up; while :; do sleep 0.05; done",
      wait_seconds: 0,
    });
    await corral.call('wait', { execution_id, until: { output: 'up' } });
    expect(await corral.call('terminate', { execution_id })).toMatchObject({ outcome: { kind: 'cancelled', code: 4 }, survivors: [] });
    expect((await corral.call('read_output', { execution_id }))['stdout'].text).toBe('up\ntidied\n');
  });

  it('ends daemons that forked twice and left the session', async () => {
    const mark = randomUUID();
    const { execution_id } = await corral.call('execute_command', {
      command: '(setsid sh -c "(sleep 1000 & sleep 1000) & exec sleep 1000" &) ; setsid setsid sleep 1000 & echo forked; sleep 1000',
      env: { MARK: mark },
      wait_seconds: 0,
    });
    await corral.call('wait', { execution_id, until: { output: 'forked' } });
    expect(await eventually(() => withEnvironment(`MARK=${mark}`).length >= 5)).toBe(true);
    expect(await corral.call('terminate', { execution_id, grace_seconds: 0.2 })).toMatchObject({ survivors: [] });
    expect(withEnvironment(`MARK=${mark}`)).toEqual([]);
  });

  it('ends what a finished program left running, and says before that it is there', async () => {
    const mark = randomUUID();
    const answer = await corral.call('execute_command', { command: 'setsid sleep 1000 >/dev/null 2>&1 & echo done', env: { MARK: mark } });
    expect(answer).toMatchObject({ status: 'finished', stdout: { text: 'done\n' } });
    expect(answer['hints'].join(' ')).toMatch(/1 background process/);
    expect(await corral.call('terminate', { execution_id: answer['execution_id'] })).toMatchObject({ survivors: [] });
    expect(withEnvironment(`MARK=${mark}`)).toEqual([]);
  });

  it('is harmless the second time', async () => {
    const { execution_id } = await corral.call('execute_command', { command: 'exit 6' });
    expect(await corral.call('terminate', { execution_id })).toMatchObject({ outcome: { kind: 'exited', code: 6 }, survivors: [] });
  });

  it('follows a cancelled call, unless it was detached', async () => {
    const run = async (detach: boolean): Promise<{ readonly mark: string; readonly label: string }> => {
      const [mark, label] = [randomUUID(), randomUUID()];
      const giveUp = new AbortController();
      const call = corral.call('execute_command', { command: 'sleep 1000', detach, env: { MARK: mark }, labels: { label } }, giveUp.signal);
      expect(await eventually(() => withEnvironment(`MARK=${mark}`).length > 0)).toBe(true);
      giveUp.abort();
      await expect(call).rejects.toThrow();
      return { mark, label };
    };
    const followed = await run(false);
    expect(await eventually(() => withEnvironment(`MARK=${followed.mark}`).length === 0)).toBe(true);
    // The processes are gone a moment before their end is told.
    const found = async (): Promise<Answer> =>
      (await corral.call('list_executions', { labels: { label: followed.label } }))['executions'][0];
    await expect.poll(found).toMatchObject({ status: 'finished', outcome: { kind: 'cancelled' } });

    const detached = await run(true);
    const [alive] = (await corral.call('list_executions', { labels: { label: detached.label } }))['executions'];
    expect(alive).toMatchObject({ status: 'running' });
    expect(withEnvironment(`MARK=${detached.mark}`)).not.toEqual([]);
    await corral.call('terminate', { execution_id: alive.execution_id, grace_seconds: 0 });
  });
});

describe('listing', () => {
  it('finds executions by label and status, newest first, in pages', async () => {
    const labels = { batch: randomUUID() };
    const ids: string[] = [];
    for (const code of [0, 1, 2])
      ids.unshift((await corral.call('execute_command', { command: `exit ${String(code)}`, labels }))['execution_id']);
    const running = await corral.call('execute_command', { command: 'sleep 30', labels: { ...labels, role: 'server' }, wait_seconds: 0 });
    const all = (await corral.call('list_executions', { labels }))['executions'] as { execution_id: string }[];
    expect(all.map(({ execution_id }) => execution_id)).toEqual([running['execution_id'], ...ids]);
    expect((await corral.call('list_executions', { labels, status: 'finished' }))['executions']).toHaveLength(3);
    expect((await corral.call('list_executions', { labels: { ...labels, role: 'server' } }))['executions']).toHaveLength(1);
    const first = await corral.call('list_executions', { labels, limit: 3 });
    const rest = await corral.call('list_executions', { labels, limit: 3, cursor: first['next_cursor'] });
    expect(rest['executions'].map((one: { execution_id: string }) => one.execution_id)).toEqual([ids[2]]);
    expect(rest['next_cursor']).toBeUndefined();
    await corral.call('terminate', { execution_id: running['execution_id'], grace_seconds: 0 });
  });
});
