import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, withEnvironment } from '../../e2e/support/processes.ts';
import { openPlace } from '../../faces/cli/support/program.ts';
import { type SecureExec, startStdio, withArgument } from './support/server.ts';

const cmd = (...definitions: readonly string[]): readonly string[] => definitions.flatMap((definition) => ['--cmd', definition]);
const ALLOW = '--allow-dangerous';

/** Shell text, as the operator would write it into a template. */
const shell = (name: string, text: string): string => `${name}|sh -c '${text}'`;

let server: SecureExec;
beforeAll(async () => {
  server = await startStdio(
    [
      ALLOW,
      '--cmd-timeout',
      '20',
      '--rate-limit-rps',
      '1000',
      '--rate-limit-burst',
      '1000',
      ...cmd(
        'echo|"echo {first}_{last}"',
        'plain|"echo {message}"',
        'silent|"true"',
        'grep|"grep {pattern} -- {path}"',
        'list|"ls {sort_flag} {x}"',
        'where|"pwd"',
        'environment|"env"',
        'read|"cat"',
        "fail|sh -c 'echo out && echo err >&2 && exit 7'",
        "signal|sh -c 'kill -9 $$'",
        "bytes|printf 'a\\377b'",
        "long|sh -c 'head -c 3000000 /dev/zero | tr \\\\0 x && echo end >&2'",
        'slowly|"sleep {seconds}"',
        "leave|sh -c 'setsid sleep 300 >/dev/null 2>&1 & echo left'",
      ),
    ],
    { MCP_EXEC_AUTH_TOKEN: 'a-token-of-the-server', VISIBLE_TO_COMMANDS: 'yes', CORRAL_LOG_LEVEL: 'info' },
  );
});
afterAll(() => server[Symbol.asyncDispose]());

describe('who it says it is', () => {
  it('the name and the instructions of the server it stands in for', () => {
    expect(server.client.getServerVersion()).toMatchObject({ name: 'mcp-secure-exec', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(server.client.getInstructions()).toBe('mcp-secure-exec: 14 command templates with security');
  });

  it('one tool for each template, its placeholders required strings and nothing besides', async () => {
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toContain('leave');
    expect(tools).toHaveLength(14);
    const [echo] = tools;
    expect(echo).toMatchObject({ name: 'echo', description: 'Template: `echo {first}_{last}`' });
    expect(echo?.inputSchema).toEqual({
      type: 'object',
      properties: {
        first: { type: 'string', description: 'Value for {first}' },
        last: { type: 'string', description: 'Value for {last}' },
      },
      required: ['first', 'last'],
      additionalProperties: false,
    });
    expect(echo?.outputSchema).toBeUndefined();
    expect(tools.find(({ name }) => name === 'silent')?.inputSchema).toEqual({
      type: 'object',
      properties: {},
      required: [],
      additionalProperties: false,
    });
    expect(tools.find(({ name }) => name === 'grep')?.inputSchema.properties).toEqual({
      pattern: { type: 'string', description: 'Regex pattern for {pattern} (regex metacharacters allowed)' },
      path: { type: 'string', description: 'Value for {path}' },
    });
  });
});

describe('results', () => {
  it.each<[string, Record<string, string>, string]>([
    ['echo', { first: 'John', last: 'Doe' }, '[+] echo {first}_{last}\nSTDOUT:\nJohn_Doe\n\nSTDERR:\n(empty)'],
    ['plain', { message: 'hello world' }, '[+] echo {message}\nSTDOUT:\nhello world\n\nSTDERR:\n(empty)'],
    ['plain', { message: '$(id); *' }, '[+] echo {message}\nSTDOUT:\n$(id); *\n\nSTDERR:\n(empty)'],
    ['plain', { message: 'Ωé\n\u001b[31mred\t' }, '[+] echo {message}\nSTDOUT:\nΩé\n\u001b[31mred\t\n\nSTDERR:\n(empty)'],
    ['silent', {}, '[+] true\nSTDOUT:\n(empty)\nSTDERR:\n(empty)'],
    ['fail', {}, "[-] sh -c 'echo out && echo err >&2 && exit 7'\nSTDOUT:\nout\n\nSTDERR:\nerr\n"],
    ['signal', {}, "[-] sh -c 'kill -9 $$'\nSTDOUT:\n(empty)\nSTDERR:\n(empty)"],
    ['bytes', {}, "[+] printf 'a\\377b'\nSTDOUT:\na\uFFFDb\nSTDERR:\n(empty)"],
    ['read', {}, '[+] cat\nSTDOUT:\n(empty)\nSTDERR:\n(empty)'],
  ])('%s %j', async (tool, args, text) => {
    expect(await server.call(tool, args)).toBe(text);
  });

  it('show both ends of a long output and where the rest is', async () => {
    const text = (await server.call('long')) as string;
    expect(text.length).toBeLessThan(600_000);
    expect(text).toMatch(/x\n\[\.\.\. 2475712 bytes left out; all of it: corral logs \w+ \.\.\.\]\nx/);
    expect(text).toMatch(/x\nSTDERR:\nend\n$/);
  });

  it('come from where the server was started, with what it has in its environment but nothing that configures it', async () => {
    expect(await server.call('where')).toContain(`STDOUT:\n${server.cwd}\n`);
    const environment = (await server.call('environment')) as string;
    expect(environment).toContain('VISIBLE_TO_COMMANDS=yes\n');
    expect(environment).not.toMatch(/MCP_EXEC|a-token-of-the-server|CORRAL_STATE_DIR/);
  });
});

describe('errors of the protocol', () => {
  it('of a value of a megabyte', async () => {
    expect(await server.call('plain', { message: 'x'.repeat(1_000_000) })).toEqual({
      code: -32_602,
      message: "Invalid argument 'message': exceeds max length 65536",
    });
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no-such-tool', {}, -32_602, 'Unknown: no-such-tool'],
    ['echo', { first: 'x' }, -32_602, 'Missing parameter: last'],
    ['echo', { first: 'x', last: 5 }, -32_602, "Bad args: 'last' must be a string"],
    ['echo', { first: 'x', last: 'y', more: 'z' }, -32_602, "Bad args: unexpected parameter 'more'"],
    ['plain', { message: '-n' }, -32_602, "Invalid argument 'message': looks like command flag, use *_flag suffix"],
    ['plain', { message: '--' }, -32_602, "Invalid argument 'message': '--' is not allowed"],
    ['plain', { message: 'a\0b' }, -32_602, "Invalid argument 'message': contains null byte"],
    ['grep', { pattern: 'x', path: 'relative' }, -32_602, 'Path traversal detected: Relative paths forbidden without --base-path'],
    ['grep', { pattern: 'x', path: '/etc/../etc/passwd' }, -32_602, "Path traversal detected: Path '/etc/../etc/passwd' contains '..'"],
  ])('%s %j', async (tool, args, code, message) => {
    expect(await server.call(tool, args)).toEqual({ code, message });
  });

  it('options pass where the placeholder says so', async () => {
    expect(await server.call('list', { sort_flag: '-d', x: '/' })).toBe('[+] ls {sort_flag} {x}\nSTDOUT:\n/\n\nSTDERR:\n(empty)');
  });
});

describe('time', () => {
  it('ends the whole tree, and says after how long', async () => {
    const mark = randomUUID();
    await using slow = await startStdio(
      [ALLOW, '--cmd-timeout', '1', ...cmd(shell('tree', 'setsid sleep 1000 & sleep 1000'), 'quick|"true"')],
      { MARK: mark },
    );
    const started = performance.now();
    expect(await slow.call('tree')).toEqual({ code: -32_602, message: 'Command timed out after 1s' });
    expect(performance.now() - started).toBeLessThan(8000);
    expect(await eventually(() => withEnvironment(`MARK=${mark}`).length <= 1)).toBe(true);
    expect(await slow.call('quick')).toMatch(/^\[\+\]/);
  });

  it('a call that is given up ends its program', async () => {
    const seconds = '4321.5';
    const controller = new AbortController();
    const pending = server.call('slowly', { seconds }, controller.signal);
    expect(await eventually(() => withArgument(seconds).length > 0)).toBe(true);
    controller.abort();
    await expect(pending).rejects.toThrow();
    expect(await eventually(() => withArgument(seconds).length === 0)).toBe(true);
  });
});

describe('a base', () => {
  it('is where commands start and paths end', async () => {
    const place = await openPlace();
    try {
      const base = join(place.project, 'base');
      mkdirSync(join(base, 'sub'), { recursive: true });
      writeFileSync(join(base, 'sub', 'f'), 'inside\n');
      writeFileSync(join(place.project, 'secret'), 'outside\n');
      symlinkSync('../secret', join(base, 'link'));
      await using contained = await startStdio([
        '--base-path',
        base,
        ...cmd('cat|"cat {path}"', 'make|"touch {file}"', 'where|"pwd"', 'show|"echo {path}"'),
      ]);
      expect(await contained.call('where')).toContain(`STDOUT:\n${base}\n`);
      expect(await contained.call('cat', { path: 'sub/f' })).toContain('STDOUT:\ninside\n');
      expect(await contained.call('show', { path: 'sub/../sub/./f' })).toContain(`STDOUT:\n${base}/sub/f\n`);
      for (const path of ['../secret', 'link', '/etc/hostname', join(place.project, 'secret')])
        expect(await contained.call('cat', { path })).toEqual({
          code: -32_602,
          message: `Path traversal detected: Path '${path}' outside base '${base}'`,
        });
      symlinkSync(join(place.project, 'new'), join(base, 'dangling'));
      expect(await contained.call('make', { file: 'dangling' })).toMatchObject({ code: -32_602 });
      expect(existsSync(join(place.project, 'new'))).toBe(false);
      expect(await contained.call('make', { file: 'sub/new' })).toMatch(/^\[\+\]/);
      expect(existsSync(join(base, 'sub', 'new'))).toBe(true);
      expect((await contained.logged('traversal_attempt')).length).toBeGreaterThan(0);
    } finally {
      place[Symbol.dispose]();
    }
  });

  it('a whole home will do, as it did', async () => {
    const place = await openPlace();
    try {
      await using home = await startStdio(['--base-path', place.project, ...cmd('where|"pwd"')], { HOME: place.project });
      expect(await home.call('where')).toContain(`STDOUT:\n${place.project}\n`);
    } finally {
      place[Symbol.dispose]();
    }
  });
});

describe('--driver bubblewrap', () => {
  it('runs the same templates in a sandbox: the base is there, the rest of the machine and its environment are not', async () => {
    const place = await openPlace();
    try {
      writeFileSync(join(place.project, 'f'), 'inside\n');
      await using sandboxed = await startStdio(
        [
          '--driver',
          'bubblewrap',
          '--base-path',
          place.project,
          ...cmd('cat|"cat {path}"', 'where|"pwd"', 'peek|"ls {x}"', 'environment|"env"'),
          ALLOW,
        ],
        { VISIBLE_TO_COMMANDS: 'yes' },
      );
      expect(await sandboxed.call('cat', { path: 'f' })).toBe('[+] cat {path}\nSTDOUT:\ninside\n\nSTDERR:\n(empty)');
      expect(await sandboxed.call('where')).toContain(`STDOUT:\n${place.project}\n`);
      expect(await sandboxed.call('peek', { x: sandboxed.stateDir })).toMatch(/^\[-\]/);
      expect(await sandboxed.call('environment')).not.toContain('VISIBLE_TO_COMMANDS');
      expect(sandboxed.stderr()).not.toContain('without a sandbox');
    } finally {
      place[Symbol.dispose]();
    }
  });

  it('without a base commands start in a place of their own', async () => {
    await using sandboxed = await startStdio(['--driver', 'bubblewrap', ...cmd('where|"pwd"', 'show|"echo {path}"')]);
    expect(await sandboxed.call('where')).toContain('STDOUT:\n/workspace\n');
    expect(await sandboxed.call('show', { path: '/workspace/x' })).toContain('STDOUT:\n/workspace/x\n');
  });

  it('on the host it is said how to harden it', async () => {
    await using plain = await startStdio(cmd('t|"true"'));
    expect(plain.stderr()).toMatch(
      /profile secure-exec: commands run on this machine as this user, without a sandbox.*--driver bubblewrap/,
    );
  });
});

describe('a binary', () => {
  it('is looked at again when it runs: gone, missing from the start, or forbidden by now', async () => {
    const place = await openPlace();
    try {
      const bin = join(place.project, 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'mine'), '#!/bin/sh\necho here\n');
      writeFileSync(join(bin, 'turned'), '#!/bin/sh\necho here\n');
      writeFileSync(join(bin, 'broken'), '#!/no/such/interpreter\n');
      for (const name of ['mine', 'turned', 'broken']) chmodSync(join(bin, name), 0o755);
      const path = `${bin}:${process.env['PATH'] ?? ''}`;
      await using live = await startStdio(
        ['--allow-missing-binaries', ...cmd('mine|"mine"', 'turned|"turned"', 'never|"never-there"', 'broken|"broken"')],
        { PATH: path },
      );
      expect(await live.call('mine')).toBe('[+] mine\nSTDOUT:\nhere\n\nSTDERR:\n(empty)');
      unlinkSync(join(bin, 'mine'));
      unlinkSync(join(bin, 'turned'));
      symlinkSync('/bin/sh', join(bin, 'turned'));
      expect(await live.call('mine')).toEqual({ code: -32_602, message: "Execution failed: Binary no longer exists: 'mine'" });
      expect(await live.call('never')).toEqual({ code: -32_602, message: "Execution failed: Binary no longer exists: 'never-there'" });
      expect(await live.call('turned')).toEqual({ code: -32_602, message: "Execution failed: Blacklisted binary 'turned' at runtime" });
      expect(await live.call('broken')).toMatchObject({
        code: -32_602,
        message: expect.stringMatching(/^Execution failed: Spawn failed: /),
      });
      expect(await live.logged('blacklist_runtime')).toHaveLength(1);
    } finally {
      place[Symbol.dispose]();
    }
  });
});

describe('limits', () => {
  it('the rate, with a burst; listing tools costs nothing', async () => {
    await using limited = await startStdio(['--rate-limit-rps', '1', '--rate-limit-burst', '2', ...cmd('t|"true"')]);
    await limited.client.listTools();
    expect(await limited.call('t')).toMatch(/^\[\+\]/);
    expect(await limited.call('t')).toMatch(/^\[\+\]/);
    expect(await limited.call('t')).toEqual({ code: -32_603, message: 'Rate limit' });
    await limited.client.listTools();
    // The rate is asked before the arguments are looked at.
    expect(await limited.call('t', { wrong: 1 })).toEqual({ code: -32_603, message: 'Rate limit' });
    expect(await limited.logged('rate_limit', 2)).toHaveLength(2);
  });

  it('concurrency', async () => {
    await using narrow = await startStdio(['--max-concurrent', '1', ...cmd('nap|"sleep {x}"')]);
    await narrow.call('nap', { x: '0' });
    const [first, second] = await Promise.all([narrow.call('nap', { x: '1' }), narrow.call('nap', { x: '0' })]);
    expect(first).toMatch(/^\[\+\]/);
    expect(second).toEqual({ code: -32_603, message: 'Server overloaded - too many concurrent requests' });
    expect(await narrow.logged('overloaded')).toHaveLength(1);
  });

  it('the breaker does not mind what callers do wrong, nor programs that fail', async () => {
    await using steady = await startStdio([
      '--circuit-threshold',
      '1',
      '--cmd-timeout',
      '1',
      ...cmd('e|"echo {x}"', 'nap|"sleep {x}"', 'no|"false"'),
    ]);
    for (let count = 0; count < 5; count += 1) expect(await steady.call('e', { x: '-bad' })).toMatchObject({ code: -32_602 });
    expect(await steady.call('no')).toMatch(/^\[-\]/);
    expect(await steady.call('nap', { x: '5' })).toEqual({ code: -32_602, message: 'Command timed out after 1s' });
    expect(await steady.call('e', { x: 'fine' })).toMatch(/^\[\+\]/);
  });

  it('the breaker opens when nothing can be run at all', async () => {
    await using broken = await startStdio([
      '--driver',
      'bubblewrap',
      '--bwrap-path',
      '/no/such/bwrap',
      '--circuit-threshold',
      '2',
      ...cmd('t|"true"'),
    ]);
    for (let count = 0; count < 2; count += 1)
      expect(await broken.call('t')).toMatchObject({ code: -32_602, message: expect.stringMatching(/^Execution failed: /) });
    expect(await broken.call('t')).toEqual({ code: -32_603, message: 'Service temporarily unavailable (circuit breaker open)' });
    expect(await broken.logged('circuit_open')).toHaveLength(1);
  });
});

describe('what is written down', () => {
  it('every call with its time, end and duration, secrets taken out by name, form and from messages', async () => {
    await using audited = await startStdio([
      '--sensitive-keys',
      'pin,Token',
      ...cmd('login|"echo {user} {my_pin} {APITOKEN} {note}"', 'no|"false"', 'path|"cat {pin_file}"'),
      '--base-path',
      '/tmp',
    ]);
    const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
    await audited.call('login', { user: 'ann', my_pin: 'pin-98765', APITOKEN: 'tok-54321', note: `see ${secret}` });
    await audited.call('no');
    await audited.call('path', { pin_file: '/etc/pin-13579' });
    const [invoked] = await audited.logged('invoked');
    expect(invoked).toMatchObject({
      msg: 'audit',
      level: 'info',
      tool: 'login',
      caller: 'local',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(invoked?.['args']).toMatchObject({ user: 'ann', my_pin: '[REDACTED]', APITOKEN: '[REDACTED]' });
    const completed = await audited.logged('completed', 2);
    expect(completed.map((line) => [line['tool'], line['outcome'], line['exit_code']])).toEqual([
      ['login', 'exited', 0],
      ['no', 'exited', 1],
    ]);
    expect(completed[0]).toMatchObject({
      duration_ms: expect.any(Number),
      stdout_bytes: expect.any(Number),
      execution: expect.any(String),
    });
    expect(await audited.logged('failed')).toMatchObject([
      { tool: 'path', code: 'invalid_input', error: expect.stringContaining('[REDACTED]') },
    ]);
    for (const text of ['pin-98765', 'tok-54321', 'pin-13579', secret]) expect(audited.stderr()).not.toContain(text);
    const auditFolder = readdirSync(join(audited.stateDir, 'audit'), { recursive: true, withFileTypes: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const log = auditFolder
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('');
    expect(log).toContain('template.login');
    for (const text of ['pin-98765', 'tok-54321', secret]) expect(log).not.toContain(text);
  });

  it('a tool that was defined twice', async () => {
    await using twice = await startStdio(cmd('a|"echo 1";a|"echo 2"'));
    expect(await twice.call('a')).toContain('STDOUT:\n2\n');
    expect(await twice.logged('security_notice')).toMatchObject([{ tool: 'a' }]);
  });

  it('nothing on stdout but the protocol, at every level', async () => {
    const place = await openPlace();
    try {
      const request = (id: number, method: string, params: unknown): string =>
        `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
      const running = place.start(['--profile', 'secure-exec', '--log-level', 'trace', ...cmd('e|"echo {x}"')], { openInput: true });
      running.write(request(1, 'initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'x', version: '1' } }));
      await running.said('"id":1');
      running.write(request(2, 'tools/call', { name: 'e', arguments: { x: 'y' } }));
      running.write(request(3, 'tools/call', { name: 'e', arguments: { x: '-y' } }));
      await running.said('"id":2');
      await running.said('"id":3');
      running.endInput();
      const { code, stdout, stderr } = await running.ended;
      expect(code).toBe(0);
      for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
      expect(stderr).toContain('"event":"invoked"');
      expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ result: { protocolVersion: '2024-11-05' } });
    } finally {
      place[Symbol.dispose]();
    }
  });
});

describe('the end', () => {
  it.each(['end of input', 'SIGTERM', 'SIGINT'] as const)('%s takes everything along and ends with 0', async (how) => {
    const place = await openPlace();
    try {
      const mark = randomUUID();
      const running = place.start(['--profile', 'secure-exec', ALLOW, ...cmd(shell('tree', 'setsid sleep 1000 & sleep 1000'))], {
        openInput: true,
        env: { MARK: mark },
      });
      running.write(
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}\n',
      );
      await running.said('"id":1');
      running.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"tree","arguments":{}}}\n');
      expect(await eventually(() => withEnvironment(`MARK=${mark}`).length >= 3, 10_000)).toBe(true);
      const started = performance.now();
      if (how === 'end of input') running.endInput();
      else running.kill(how);
      const { code } = await running.ended;
      expect(code).toBe(0);
      expect(performance.now() - started).toBeLessThan(5000);
      expect(await eventually(() => withEnvironment(`MARK=${mark}`).length === 0)).toBe(true);
    } finally {
      place[Symbol.dispose]();
    }
  });
});

describe('the process', () => {
  it.each<[string, readonly string[], Record<string, string>, number, RegExp, RegExp]>([
    ['without commands', [], {}, 1, /^$/, /^No commands\. Use: --cmd 'name\|"cmd \{arg\}"'\n$/],
    ['with a definition that is none', cmd('x'), {}, 2, /^$/, /Format: name\|"cmd \{arg\}"/],
    ['with a forbidden binary', cmd('x|"bash"'), {}, 1, /^$/, /^FATAL: SECURITY: Blacklisted binary 'bash' detected in command 'x'\.\n/],
    ['asked for help', ['--help'], {}, 0, /^Usage: mcp-secure-exec/, /^$/],
    ['asked for its version', ['-V'], {}, 0, /^mcp-secure-exec \d/, /^$/],
    [
      'asked for a dry run',
      [...cmd('x|"echo {y}"'), '-d'],
      {},
      0,
      /^Dry-run: 1 tools\nTool: x\nTemplate: echo \{y\}\nBinary: echo\nPlaceholders: \["y"\]\n {2}OK\n$/,
      /^$/,
    ],
    ['configured by its environment', [], { MCP_EXEC_COMMANDS: 'x|"echo {y}"', MCP_EXEC_DRY_RUN: 'true' }, 0, /^Dry-run: 1 tools/, /^$/],
  ])('%s', async (_name, args, env, code, stdout, stderr) => {
    const place = await openPlace();
    try {
      const ended = await place.run(['--profile', 'secure-exec', ...args], { env });
      expect(ended.stdout).toMatch(stdout);
      expect(ended.stderr).toMatch(stderr);
      expect(ended.code).toBe(code);
    } finally {
      place[Symbol.dispose]();
    }
  });
});
