import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSessions } from '../../../src/core/profiles/exec/sessions.ts';
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

describe('sessions', () => {
  it('are numbered from 1, and only what is not over is listed', async () => {
    expect(await server.text('list_sessions')).toBe('No active sessions');
    expect(await server.run('true')).toContain('Return code: 0');
    expect(await server.text('list_sessions')).toBe('No active sessions');
    expect(await server.session(`sleep 50${MARK}`)).toBe('2');
    expect(await server.session(`sleep 51${MARK}; true`)).toBe('3');
    expect(await server.text('list_sessions')).toMatch(
      new RegExp(
        ['2', `3`]
          .map(
            (id, index) =>
              `Session ${id}:\\n {2}Command: sleep 5${String(index)}${MARK}.*\\n {2}Runtime: \\d+\\.\\d seconds\\n {2}Last read: \\d\\d:\\d\\d:\\d\\d`,
          )
          .join('\\n'),
      ),
    );
    expect(await server.text('force_terminate', { session_id: '2' })).toBe('Session 2 terminated');
    expect(await server.text('force_terminate', { session_id: 3 })).toBe('Session 3 terminated');
    expect(await server.text('list_sessions')).toBe('No active sessions');
    expect(await server.text('list_processes', { name_filter: `${MARK}` })).toBe('PID\tPPID\tCPU\tMEM\tCOMMAND');
  });

  it('show all output so far in each read; the read that sees the end is the last', async () => {
    const id = await server.session('echo one; read x <&- ; sleep 1; echo two; echo bad >&2; exit 4');
    const first = await server.readUntil(id, (text) => text.includes('one'));
    expect(first).toBe(`Command still running in background. Session ID: ${id}\n\n=== STDOUT ===\none`);
    const last = await server.readUntil(id, (text) => text.startsWith('Return code'));
    expect(last).toMatch(
      /^Return code: 4\nExecution time: \d\.\d\d seconds\nStatus: Failed\n\n=== STDOUT ===\none\ntwo\n\n=== STDERR ===\n[^]*bad$/,
    );
    expect(await server.call('read_output', { session_id: id })).toMatchObject({ text: `Error: Session ${id} not found`, isError: false });
  });

  it('that ended wait to be read', async () => {
    const id = await server.session(`sleep 0.3; echo late${MARK}`);
    for (
      let tries = 0;
      tries < 100 && (await server.text('list_processes', { name_filter: `echo late${MARK}` })).includes('\n');
      tries += 1
    );
    expect(await server.text('list_sessions')).toContain(`Session ${id}:`);
    expect(await server.text('read_output', { session_id: id, output_type: 'STDERR' })).toMatch(
      /^Return code: 0\nExecution time: \d\.\d\d seconds\nStatus: Success$/,
    );
    expect(await server.text('list_sessions')).toBe('No active sessions');
  });

  it.each(['read_output', 'force_terminate'])('that are not there: %s', async (tool) => {
    expect(await server.call(tool, { session_id: '999' })).toMatchObject({ text: 'Error: Session 999 not found', isError: false });
    expect(await server.call(tool, { session_id: '../1' })).toMatchObject({ text: 'Error: Session ../1 not found', isError: false });
  });

  it('refuse a wrong output_type and stay', async () => {
    const id = await server.session('sleep 40');
    expect(await server.call('read_output', { session_id: id, output_type: 'all' })).toMatchObject({
      text: "'all' is not a valid OutputType",
      isError: true,
    });
    expect(await server.text('force_terminate', { session_id: id })).toBe(`Session ${id} terminated`);
  });

  it('end with the whole tree, at once, daemons and holders of pipes too', async () => {
    const id = await server.session(
      `setsid sleep 61${MARK} & (sleep 62${MARK} | cat) & nohup sleep 63${MARK} >/dev/null 2>&1 & sleep 64${MARK}`,
    );
    await server.readUntil(id, () => true);
    const answer = await server.call('force_terminate', { session_id: id });
    expect(answer.text).toBe(`Session ${id} terminated`);
    expect(answer.ms).toBeLessThan(2000);
    expect(await server.text('list_processes', { name_filter: MARK })).toBe('PID\tPPID\tCPU\tMEM\tCOMMAND');
  });

  it('end by force where SIGTERM is ignored, after 5 seconds', { timeout: 20_000 }, async () => {
    const id = await server.session("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    await server.readUntil(id, (text) => text.includes('ready'));
    const answer = await server.call('force_terminate', { session_id: id });
    expect(answer.text).toBe(`Session ${id} terminated`);
    expect(answer.ms).toBeGreaterThan(4900);
    expect(answer.ms).toBeLessThan(8000);
  });

  it('can be read by two at once, while they print without an end', async () => {
    const id = await server.session('while :; do echo tick; done');
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.call('read_output', { session_id: id })));
    for (const { text, isError } of answers)
      expect([text.split('\n', 1)[0], isError]).toEqual([`Command still running in background. Session ID: ${id}`, false]);
    expect(await server.text('force_terminate', { session_id: id })).toBe(`Session ${id} terminated`);
  });

  it('leave nothing behind where scripts are kept', async () => {
    const [sandbox = ''] = readdirSync(`${ground.state}/sandboxes`);
    expect(readdirSync(`${ground.state}/sandboxes/${sandbox}/work`)).toEqual([]);
  });

  it('are a bounded number', () => {
    const sessions = createSessions();
    for (let count = 0; count < 1500; count += 1) sessions.add('x', `x${String(count)}`);
    expect(sessions.list()).toHaveLength(1000);
    expect(sessions.find('500')).toBeUndefined();
    expect(sessions.find('1500')?.execution).toBe('x1499');
  });
});
