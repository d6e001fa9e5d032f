import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exec } from '../../../src/core/profiles/exec/profile.ts';
import { splitWords } from '../../../src/core/profiles/exec/words.ts';
import type { ProfilePlan } from '../../../src/core/profiles/profile.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import { openPlace } from '../../faces/cli/support/program.ts';
import { type Ground, openGround } from './support/server.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
}, 120_000);
afterAll(() => ground[Symbol.dispose]());

const prepare = (...argv: string[]): Promise<ProfilePlan> => exec.prepare({ argv, env: {}, cwd: '/', version: '1.2.3' });

describe('the command line', () => {
  it('names the programs to block, and nothing else', async () => {
    expect(await prepare('rm', 'dd', '/bin/mv')).toMatchObject({
      kind: 'serve',
      transport: 'stdio',
      defaults: { driver: 'host' },
      info: { name: 'exec', version: '1.2.3' },
    });
    expect(await prepare()).toMatchObject({ kind: 'serve' });
    for (const argv of [['-x'], ['--block', 'rm'], ['rm -rf'], [''], ['/'], ['--pass-env'], ['--pass-env', 'A=1'], ['--pass-env-all']])
      expect(await prepare(...argv), argv.join(' ')).toMatchObject({
        kind: 'exit',
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^Usage: [^]*\nerror: .+\n$/) as string,
      });
  });

  it('has help and a version', async () => {
    expect(await prepare('rm', '--help')).toMatchObject({ kind: 'exit', code: 0, stdout: expect.stringContaining('--pass-env') as string });
    expect(await prepare('--version')).toEqual({ kind: 'exit', code: 0, stdout: 'exec 1.2.3\n', stderr: '' });
  });
});

describe('a server', () => {
  it('says where commands run, and how to isolate them', async () => {
    await using server = await ground.open();
    expect(server.client.getServerVersion()).toMatchObject({ name: 'exec' });
    expect(await server.run('true')).toContain('Status: Success');
    expect(server.stderr()).toMatch(
      /^corral: profile exec: commands run on this machine as this user, without a sandbox.*--driver bubblewrap --workspace DIR$/m,
    );
  });

  it('does in a sandbox what it does without one', { timeout: 60_000 }, async (context) => {
    const why = whyNoBubblewrap();
    if (why !== undefined) return context.skip(why);
    await using server = await ground.open({
      args: ['--driver', 'bubblewrap', '--workspace', ground.work, 'rm'],
      state: `${ground.state}-inside`,
    });
    expect(await server.run('pwd; id -un; ls /root 2>&1 | head -n 1; echo x >made; cat made')).toMatch(
      /STDOUT ===\n[^\n]*work-\w+\nsandbox\n[^]*x$/,
    );
    expect(await server.text('execute_script', { script: 'print(6 * 7)', script_type: 'python' })).toContain('=== STDOUT ===\n42');
    expect(await server.run('rm made')).toBe('Error: This command has been blacklisted');
    expect(await server.text('list_processes', { name_filter: 'node' })).toBe('PID\tPPID\tCPU\tMEM\tCOMMAND');
    expect((await server.text('list_installed_commands')).split('\n')).toContain('ls');
    expect(await server.text('kill_process', { pid: 1 })).toMatch(/it is part of Corral$/);
    expect(await server.text('install_command', { command: 'pyx' })).toMatch(
      /^Failed to install pyx using pip\n(?:There is no pip|Sandbox \w+ has no network)/,
    );
    expect(await server.text('install_command', { command: 'x' })).toMatch(
      /^Failed to install x using apt\n.*(?:read-only in a sandbox|no apt-get)/,
    );
    const id = await server.session('setsid sleep 91 & sleep 92');
    expect(await server.text('force_terminate', { session_id: id })).toBe(`Session ${id} terminated`);
    expect(await server.call('execute_command', { command: 'true', working_directory: '/nonexistent' })).toMatchObject({
      text: "[Errno 2] No such file or directory: '/nonexistent'",
      isError: true,
    });
    expect(server.stderr()).not.toContain('without a sandbox');
  });

  it('answers over HTTP too', { timeout: 60_000 }, async () => {
    using place = await openPlace();
    await using running = place.start(['serve', '--profile', 'exec', '--bind', '127.0.0.1:0', 'rm']);
    await running.said(/http:\/\/127\.0\.0\.1:\d+\/mcp/);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(/http:\S+\/mcp/.exec(running.stdout())?.[0] ?? '')));
    const call = async (command: string) => (await client.callTool({ name: 'execute_command', arguments: { command } })).content;
    expect(await call('echo over http')).toMatchObject([{ text: expect.stringContaining('=== STDOUT ===\nover http') as string }]);
    expect(await call('rm x')).toMatchObject([{ text: 'Error: This command has been blacklisted' }]);
    await client.close();
  });

  it('keeps to rules', async () => {
    const rules = `${ground.state}-rules.json`;
    writeFileSync(
      rules,
      JSON.stringify({ version: 1, default: 'deny', rules: [{ id: 'few', effect: 'allow', match: { program: ['echo', 'wc'] } }] }),
    );
    await using server = await ground.open({ args: ['--rules', rules, '--workspace', ground.work], state: `${ground.state}-rules` });
    expect(await server.run('echo a b | wc -w')).toContain('STDOUT ===\n2');
    expect(await server.call('execute_command', { command: 'ls' })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/execute_command: .*rule/) as string,
    });
    expect(await server.text('run_command_sync', { command: ['echo', 'x'] })).toContain('"returncode": 0');
    expect((await server.call('run_command_sync', { command: ['ls'] })).isError).toBe(true);
    expect((await server.call('execute_script', { script: 'ls' })).isError).toBe(true);
  });
});

describe('a command without a shell', () => {
  it.each<[string, readonly string[]]>([
    ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
    [`'a b' "c d" e\\ f`, ['a b', 'c d', 'e f']],
    [`"a\\"b\\n" 'c\\d' ""`, ['a"b\\n', 'c\\d', '']],
    ['a"b"c', ['abc']],
    ['  ', []],
  ])('is split as a shell splits: %j', (text, wanted) => expect(splitWords(text)).toEqual(wanted));

  it.each(['"a', "'a", 'a\\'])('has to be whole: %j', (text) => expect(() => splitWords(text)).toThrow(/quotation|escaped/));
});
