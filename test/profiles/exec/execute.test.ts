import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecServer, type Ground, MARK, openGround } from './support/server.ts';

let ground: Ground;
let server: ExecServer;
beforeAll(async () => {
  ground = await openGround();
  server = await ground.open({ env: { SECRET_TOKEN: 'never', EXTRA: 'passed', OTHER: 'kept' }, args: ['--pass-env', 'EXTRA'] });
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  ground[Symbol.dispose]();
});

const withoutTime = (text: string): string => text.replace(/^Execution time: \d+\.\d\d seconds$/m, 'Execution time: S.SS seconds');
const HEAD = 'Return code: 0\nExecution time: S.SS seconds\nStatus: Success';

describe('the list of tools', () => {
  it('is that of the original, and each answers text alone', async () => {
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      ...['execute_command', 'execute_script', 'read_output', 'force_terminate', 'list_sessions', 'list_processes', 'kill_process'],
      ...['block_command', 'unblock_command', 'list_blocked_commands', 'list_installed_commands', 'install_command', 'configure_packages'],
      'run_command_sync',
    ]);
    for (const { name, outputSchema } of tools) expect(outputSchema, name).toBeUndefined();
  });

  it('shows arguments as made of the signatures', async () => {
    const { tools } = await server.client.listTools();
    const schemaOf = (name: string) => tools.find((tool) => tool.name === name)?.inputSchema;
    expect(schemaOf('execute_command')).toEqual({
      type: 'object',
      title: 'execute_commandArguments',
      required: ['command'],
      properties: {
        command: { type: 'string', title: 'Command' },
        timeout: { type: 'integer', default: 30, title: 'Timeout' },
        wait_time: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null, title: 'Wait Time' },
        output_type: { type: 'string', default: 'both', title: 'Output Type' },
        shell: { type: 'boolean', default: true, title: 'Shell' },
        use_fork: { type: 'boolean', default: false, title: 'Use Fork' },
        terminate_after_wait: { type: 'boolean', default: false, title: 'Terminate After Wait' },
        working_directory: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null, title: 'Working Directory' },
      },
    });
    const required = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema.required ?? []]));
    expect(required).toEqual({
      execute_command: ['command'],
      execute_script: ['script'],
      read_output: ['session_id'],
      force_terminate: ['session_id'],
      list_sessions: [],
      list_processes: [],
      kill_process: ['pid'],
      block_command: ['command'],
      unblock_command: ['command'],
      list_blocked_commands: [],
      list_installed_commands: [],
      install_command: ['command'],
      configure_packages: ['config'],
      run_command_sync: ['command'],
    });
  });

  it('has an answer for a tool that is not there', async () => {
    expect(await server.call('rm_rf')).toMatchObject({ text: 'Unknown tool: rm_rf', isError: true });
  });
});

describe('execute_command', () => {
  it.each<[string, string, string]>([
    ['both streams', 'echo out; echo err >&2', `${HEAD}\n\n=== STDOUT ===\nout\n\n=== STDERR ===\nerr`],
    ['stdout alone', 'echo out', `${HEAD}\n\n=== STDOUT ===\nout`],
    ['stderr alone', 'echo err >&2', `${HEAD}\n\n=== STDERR ===\nerr`],
    ['nothing', 'true', HEAD],
    ['empty lines at the end', "printf 'a\\n\\n\\n'", `${HEAD}\n\n=== STDOUT ===\na`],
    ['blanks at the front', "printf '  a\\n b'", `${HEAD}\n\n=== STDOUT ===\n  a\n b`],
    ['a failure', 'echo out; exit 7', `Return code: 7\nExecution time: S.SS seconds\nStatus: Failed\n\n=== STDOUT ===\nout`],
    ['a signal', 'kill -TERM $$', 'Return code: -15\nExecution time: S.SS seconds\nStatus: Failed'],
    ['a program that is not there', 'exec nosuchprogram 2>/dev/null', 'Return code: 127\nExecution time: S.SS seconds\nStatus: Failed'],
    ['the standard shell', 'echo $0', `${HEAD}\n\n=== STDOUT ===\n/bin/sh`],
    ['a name that is no name', 'echo 日本 é', `${HEAD}\n\n=== STDOUT ===\n日本 é`],
  ])('%s', async (_name, command, wanted) => {
    const answer = await server.call('execute_command', { command });
    expect({ ...answer, text: withoutTime(answer.text), ms: 0 }).toEqual({ text: wanted, isError: false, structured: false, ms: 0 });
  });

  it.each<[string, string]>([
    ['stdout', '\n\n=== STDOUT ===\no'],
    ['STDERR', '\n\n=== STDERR ===\ne'],
    ['Both', '\n\n=== STDOUT ===\no\n\n=== STDERR ===\ne'],
  ])('shows the streams that output_type %s asks for', async (output_type, blocks) => {
    expect(withoutTime(await server.run('echo o; echo e >&2', { output_type }))).toBe(`${HEAD}${blocks}`);
  });

  it('refuses an output_type that is none before it runs anything', async () => {
    const file = join(ground.work, 'never');
    const answer = await server.call('execute_command', { command: `touch ${file}`, output_type: 'bogus' });
    expect(answer).toMatchObject({ text: "'bogus' is not a valid OutputType", isError: true });
    expect(await server.run(`ls ${file} 2>/dev/null`)).toContain('Status: Failed');
  });

  it('runs in the folder of the server, or in the one named', async () => {
    expect(await server.run('pwd')).toContain(`=== STDOUT ===\n${ground.work}`);
    mkdirSync(join(ground.work, 'sub'));
    expect(await server.run('pwd', { working_directory: '/usr' })).toContain('=== STDOUT ===\n/usr');
    expect(await server.run('pwd', { working_directory: 'sub' })).toContain(`=== STDOUT ===\n${ground.work}/sub`);
  });

  it('tells of a folder that is not there as Python does', async () => {
    expect(await server.call('execute_command', { command: 'true', working_directory: '/nonexistent' })).toMatchObject({
      text: "[Errno 2] No such file or directory: '/nonexistent'",
      isError: true,
    });
    writeFileSync(join(ground.work, 'file'), '');
    expect(await server.call('execute_command', { command: 'true', working_directory: join(ground.work, 'file') })).toMatchObject({
      text: `[Errno 20] Not a directory: '${ground.work}/file'`,
      isError: true,
    });
  });

  it('without a shell gives the words to the program as they are', async () => {
    expect(await server.run(`printf '%s|' "a b" $HOME '*' c\\ d`, { shell: false })).toContain('=== STDOUT ===\na b|$HOME|*|c d|');
    expect(await server.call('execute_command', { command: "echo 'a", shell: false })).toMatchObject({
      text: 'No closing quotation',
      isError: true,
    });
  });

  it.each(['timeout', 'wait_time'])('waits as long as %s says, and the process goes on', async (name) => {
    const mark = join(ground.work, `mark-${name}`);
    const answer = await server.call('execute_command', { command: `echo so far; sleep 2; echo done >${mark}`, [name]: 1 });
    expect(answer.text).toMatch(/^Command still running in background\. Session ID: \d+\n\n=== STDOUT ===\nso far$/);
    expect(answer.ms).toBeGreaterThan(950);
    expect(answer.ms).toBeLessThan(2000);
    const id = /ID: (\d+)/.exec(answer.text)?.[1] ?? '';
    expect(await server.readUntil(id, (text) => text.startsWith('Return code'))).toContain('Return code: 0');
    expect(await server.run(`cat ${mark}`)).toContain('done');
  });

  it('takes numbers in strings, null, and arguments it does not know, as a Python server does', async () => {
    expect(await server.run('echo x', { timeout: '5', wait_time: null, output_type: null, working_directory: null, stray: 1 })).toContain(
      'x',
    );
    expect((await server.call('execute_command', { command: 'true', wait_time: 'soon' })).isError).toBe(true);
    expect((await server.call('execute_command', {})).isError).toBe(true);
    expect((await server.call('execute_command', { command: 'a\0b' })).isError).toBe(true);
  });

  it('passes on no variable of the server but those that were named', async () => {
    expect(withoutTime(await server.run('echo "[$SECRET_TOKEN][$OTHER][$EXTRA]"'))).toBe(`${HEAD}\n\n=== STDOUT ===\n[][][passed]`);
  });

  it('goes on with use_fork when the call is cancelled, and without it does not', async () => {
    const start = async (mark: string, use_fork: boolean): Promise<void> => {
      const abort = new AbortController();
      const call = server.client.callTool(
        { name: 'execute_command', arguments: { command: `echo $$ >${mark}; sleep 1; echo over >>${mark}`, use_fork } },
        { signal: abort.signal },
      );
      for (let tries = 0; !(await server.run(`cat ${mark} 2>/dev/null`)).includes('STDOUT') && tries < 200; tries += 1);
      abort.abort();
      await expect(call).rejects.toThrow();
    };
    const [kept, ended] = [join(ground.work, 'kept'), join(ground.work, 'ended')];
    await start(kept, true);
    await start(ended, false);
    expect(await server.run(`for i in 1 2 3 4 5 6 7 8 9 10; do grep -q over ${kept} && break; sleep 0.3; done; cat ${kept}`)).toContain(
      'over',
    );
    expect(await server.run(`cat ${ended}`)).not.toContain('over');
  });
});

describe('terminate_after_wait', () => {
  it('ends the whole tree at once, whoever holds the pipes', async () => {
    const answer = await server.call('execute_command', {
      command: `(trap '' TERM; sleep 71${MARK}) & setsid sleep 72${MARK} & sleep 73${MARK} | cat`,
      wait_time: 1,
      terminate_after_wait: true,
    });
    expect(answer).toMatchObject({
      text: 'Return code: -9\nExecution time: 1.00 seconds\nCommand was terminated after timeout.',
      isError: false,
    });
    expect(answer.ms).toBeLessThan(2500);
    expect(await server.text('list_processes', { name_filter: MARK })).toBe('PID\tPPID\tCPU\tMEM\tCOMMAND');
    expect(await server.text('list_sessions')).not.toContain(MARK);
  });

  it('shows what was printed until then, and does nothing to what ends in time', async () => {
    expect(await server.run('echo before; sleep 30', { wait_time: 1, terminate_after_wait: true })).toBe(
      'Return code: -9\nExecution time: 1.00 seconds\nCommand was terminated after timeout.\n\n=== STDOUT ===\nbefore',
    );
    expect(await server.run('echo in time', { wait_time: 5, terminate_after_wait: true })).toContain('Return code: 0');
  });
});

describe('output', () => {
  it('has lines of any length', async () => {
    const text = await server.run("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end");
    expect(text).toContain(`\n${'x'.repeat(300_000)}\nend`);
  });

  it('has bytes that are no text', async () => {
    expect(withoutTime(await server.run("printf 'a\\377\\376b\\303\\251'"))).toBe(`${HEAD}\n\n=== STDOUT ===\na\\xff\\xfebé`);
  });

  it('is shown with its beginning and its end when there is very much, and kept whole', async () => {
    const text = await server.run('seq 1 400000');
    expect(text.length).toBeLessThan(1.1 * 1024 * 1024);
    expect(text).toMatch(
      /STDOUT ===\n1\n2\n3\n[^]*\n\.\.\. \(\d+ bytes left out; corral logs x\w+ has them\) \.\.\.\n[^]*\n399999\n400000$/,
    );
  });

  it('of a chatty process goes on after the wait', async () => {
    const id = await server.session('i=0; while [ $i -lt 30000 ]; do echo "line $i of a chatty process"; i=$((i+1)); done; echo last');
    const text = await server.readUntil(id, (answer) => answer.startsWith('Return code'));
    expect(text).toMatch(/line 29999 of a chatty process\nlast$/);
  });

  it('keeps nobody else waiting', async () => {
    const busy = Promise.all([
      server.run('sleep 2'),
      server.text('run_command_sync', { command: ['sleep', '2'] }),
      server.run('seq 1 2000000 | tail -n 1'),
    ]);
    const times: number[] = [];
    for (let call = 0; call < 20; call += 1) times.push((await server.call('list_sessions')).ms);
    expect(times.toSorted((one, other) => one - other)[10]).toBeLessThan(200);
    await busy;
  });
});
