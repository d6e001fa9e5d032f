import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Corral, startCorral } from './support/corral.ts';

let corral: Corral;
let finished: string;
beforeAll(async () => {
  corral = await startCorral();
  finished = (
    await corral.call('execute_command', {
      command:
        'printf "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"; mkdir folder; echo "#!/bin/sh" > plain; echo "#!/no/such/interpreter" > orphan; chmod +x orphan',
    })
  )['execution_id'];
});
afterAll(() => corral.close());

/** Tool, arguments, code, what the message must say, what the hint must say. */
type Case = readonly [name: string, tool: string, args: Record<string, unknown>, code: string, message: RegExp, hint: RegExp];

const CASES: readonly Case[] = [
  ['an unknown handle to wait', 'wait', { execution_id: 'no-such-run' }, 'not_found', /no-such-run/, /list_executions/],
  ['an unknown handle to read', 'read_output', { execution_id: 'no-such-run' }, 'not_found', /no-such-run/, /list_executions/],
  ['an unknown handle to type to', 'send_input', { execution_id: 'no-such-run', text: 'x' }, 'not_found', /no-such-run/, /list_executions/],
  ['an unknown handle to end', 'terminate', { execution_id: 'no-such-run' }, 'not_found', /no-such-run/, /list_executions/],
  ['an unknown sandbox', 'execute_command', { command: 'true', sandbox: 'no-such-box' }, 'not_found', /no-such-box/, /list/],
  ['no arguments at all', 'execute_command', {}, 'invalid_input', /command/, /[Cc]orrect/],
  ['a number for a command', 'execute_command', { command: 5 }, 'invalid_input', /command/, /[Cc]orrect/],
  ['numbers among the words', 'execute_command', { command: ['echo', 5] }, 'invalid_input', /command/, /[Cc]orrect/],
  ['text for a number', 'execute_command', { command: 'true', wait_seconds: 'soon' }, 'invalid_input', /wait_seconds/, /[Cc]orrect/],
  [
    'a wait that clients would cut',
    'execute_command',
    { command: 'true', wait_seconds: 600 },
    'invalid_input',
    /wait_seconds.*at most 50/,
    /[Cc]orrect/,
  ],
  [
    'a deadline before the start',
    'execute_command',
    { command: 'true', timeout_seconds: -1 },
    'invalid_input',
    /timeout_seconds/,
    /[Cc]orrect/,
  ],
  ['a word that does not exist', 'execute_command', { command: 'true', comand: 'x' }, 'invalid_input', /comand/, /[Cc]orrect/],
  ['a list for the environment', 'execute_command', { command: 'true', env: ['A=B'] }, 'invalid_input', /env/, /[Cc]orrect/],
  ['an environment name with =', 'execute_command', { command: 'true', env: { 'A=B': 'c' } }, 'invalid_input', /env/, /[Cc]orrect/],
  ['an empty array', 'execute_command', { command: [] }, 'invalid_input', /empty/, /\["program"/],
  ['an empty program', 'execute_command', { command: ['', 'x'] }, 'invalid_input', /empty/, /\["program"/],
  ['an empty text', 'execute_command', { command: '' }, 'invalid_input', /command/, /[Cc]orrect/],
  ['a text of spaces', 'execute_command', { command: '  \n ' }, 'invalid_input', /command/, /[Cc]orrect/],
  ['NUL in a text', 'execute_command', { command: 'echo a\0b' }, 'invalid_input', /NUL/, /[Cc]orrect/],
  ['NUL in a word', 'execute_command', { command: ['echo', 'a\0b'] }, 'invalid_input', /command\[1\].*NUL/, /[Cc]orrect/],
  ['NUL in a folder', 'execute_command', { command: 'true', cwd: '/tmp/a\0b' }, 'invalid_input', /cwd.*NUL/, /[Cc]orrect/],
  ['NUL in the environment', 'execute_command', { command: 'true', env: { A: 'b\0c' } }, 'invalid_input', /env.*NUL/, /[Cc]orrect/],
  ['NUL in code', 'execute_code', { language: 'bash', code: 'echo\0' }, 'invalid_input', /code.*NUL/, /[Cc]orrect/],
  [
    'a word larger than the kernel takes',
    'execute_command',
    { command: ['echo', 'x'.repeat(200_000)] },
    'limit_exceeded',
    /command\[1\].*200000/,
    /file|stdin/,
  ],
  ['a text larger than the kernel takes', 'execute_command', { command: `echo ${'x'.repeat(200_000)}` }, 'limit_exceeded', /bytes/, /file/],
  [
    'words that are too many together',
    'execute_command',
    { command: ['true', ...Array.from({ length: 40 }, () => 'x'.repeat(100_000))] },
    'failed_to_start',
    /larger than the kernel accepts|arguments/i,
    /file|standard input/,
  ],
  [
    'standard input of 5 MB',
    'execute_command',
    { command: 'cat', stdin: 'x'.repeat(5_000_000) },
    'limit_exceeded',
    /stdin.*5000000/,
    /file|send_input/,
  ],
  ['a folder outside', 'execute_command', { command: 'true', cwd: '/etc' }, 'invalid_input', /cwd.*\/etc/, /\/tmp/],
  [
    'a folder outside by dots',
    'execute_command',
    { command: 'true', cwd: '../../../../../../../../etc' },
    'invalid_input',
    /cwd.*etc/,
    /\/tmp/,
  ],
  [
    'a folder that is not there',
    'execute_command',
    { command: 'true', cwd: 'no/such/folder' },
    'failed_to_start',
    /no\/such\/folder/,
    /cwd/,
  ],
  ['a file for a folder', 'execute_command', { command: 'true', cwd: 'plain' }, 'failed_to_start', /plain/, /cwd/],
  [
    'a program that is not in PATH',
    'execute_command',
    { command: ['no-such-program'] },
    'failed_to_start',
    /no-such-program.*PATH/,
    /describe_environment/,
  ],
  ['a program that is not there', 'execute_command', { command: ['./no-such-file'] }, 'failed_to_start', /no-such-file/, /.+/],
  ['a file without the right to run', 'execute_command', { command: ['./plain'] }, 'failed_to_start', /plain.*executed/, /chmod \+x/],
  ['a folder as program', 'execute_command', { command: ['./folder'] }, 'failed_to_start', /folder/, /.+/],
  ['a script whose interpreter is missing', 'execute_command', { command: ['./orphan'] }, 'failed_to_start', /orphan/, /.+/],
  [
    'a pattern that is none, to wait',
    'wait',
    { execution_id: 'FINISHED', until: { output: '(' } },
    'invalid_input',
    /\(|pattern|regular/i,
    /.+/,
  ],
  [
    'a pattern that is none, to search',
    'read_output',
    { execution_id: 'FINISHED', grep: '[' },
    'invalid_input',
    /\[|pattern|regular/i,
    /.+/,
  ],
  ['a condition that is none', 'wait', { execution_id: 'FINISHED', until: 'whenever' }, 'invalid_input', /whenever/, /silence_seconds/],
  ['a port that is none', 'wait', { execution_id: 'FINISHED', until: { port: 70_000 } }, 'invalid_input', /port/, /[Cc]orrect/],
  ['nothing to wait for', 'wait', {}, 'invalid_input', /execution_id/, /[Cc]orrect/],
  ['a cursor that is none', 'read_output', { execution_id: 'FINISHED', cursor: 'nonsense' }, 'invalid_input', /cursor/, /.+/],
  [
    'two ways to read at once',
    'read_output',
    { execution_id: 'FINISHED', tail: 1, lines: { from: 1, to: 2 } },
    'invalid_input',
    /exclude/,
    /[Cc]orrect/,
  ],
  ['lines backwards', 'read_output', { execution_id: 'FINISHED', lines: { from: 5, to: 2 } }, 'invalid_input', /to/, /[Cc]orrect/],
  [
    'input for a program that ended',
    'send_input',
    { execution_id: 'FINISHED', text: 'x' },
    'conflict',
    /ended|finished|not running/i,
    /.+/,
  ],
  ['nothing to type', 'send_input', { execution_id: 'FINISHED' }, 'invalid_input', /text, keys, end/, /[Cc]orrect/],
  ['a key that is none', 'send_input', { execution_id: 'FINISHED', keys: ['hyper'] }, 'invalid_input', /hyper/, /<C-c>/],
  ['a signal that is none', 'terminate', { execution_id: 'FINISHED', signal: 'SIGWAT' }, 'invalid_input', /SIGWAT/, /SIGTERM/],
  ['a signal that is none, to be sent', 'send_input', { execution_id: 'FINISHED', signal: '0' }, 'invalid_input', /"0"/, /SIGUSR1/],
  ['an action that is none', 'files', { action: 'explode', path: 'x' }, 'invalid_input', /action/, /[Cc]orrect/],
  ['a move to nowhere', 'files', { action: 'move', path: 'plain' }, 'invalid_input', /give to/, /[Cc]orrect/],
  [
    'a pattern for files that is none',
    'files',
    { action: 'search', path: '.', pattern: '(' },
    'invalid_input',
    /\(|pattern|regular/i,
    /.+/,
  ],
  [
    'too many labels',
    'execute_command',
    { command: 'true', labels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${String(index)}`, 'x'])) },
    'invalid_input',
    /labels.*16/,
    /[Cc]orrect/,
  ],
];

describe('what cannot be done is refused with a reason and a way out', () => {
  it.each(CASES)('%s', async (_name, tool, args, code, message, hint) => {
    const error = await corral.refusal(tool, args['execution_id'] === 'FINISHED' ? { ...args, execution_id: finished } : args);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
  });

  it('input for a program that was started without one', async () => {
    const { execution_id } = await corral.call('execute_command', { command: 'sleep 30', wait_seconds: 0, interactive: false });
    expect(await corral.refusal('send_input', { execution_id, text: 'x' })).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('closed'),
      hint: expect.stringMatching(/input/),
    });
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('more input than a program reads', async () => {
    const { execution_id } = await corral.call('execute_command', { command: 'sleep 30', wait_seconds: 0 });
    const text = 'x'.repeat(1024 * 1024);
    const send = async (): Promise<string> =>
      corral.call('send_input', { execution_id, text }).then(
        () => 'sent',
        (error: unknown) => String(error),
      );
    const answers = [await send(), await send(), await send()];
    expect(answers.at(-1)).toMatch(/limit_exceeded.*does not read/);
    await corral.call('terminate', { execution_id, grace_seconds: 0 });
  });

  it('an unknown tool, as the protocol has it', async () => {
    await expect(corral.client.callTool({ name: 'make_coffee', arguments: {} })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('make_coffee'),
    });
  });

  it('a message of more than 10 MB, and the connection goes on', async () => {
    await expect(
      corral.client.callTool({ name: 'execute_command', arguments: { command: ['echo', 'x'.repeat(10 * 1024 * 1024)] } }),
    ).rejects.toMatchObject({
      code: -32600,
      message: expect.stringMatching(/at most 10485760/),
    });
    expect((await corral.call('execute_command', { command: 'echo on' }))['stdout'].text).toBe('on\n');
  });

  it('an argument that nests too deep, and the connection goes on', async () => {
    let nested: unknown = 'x';
    for (let depth = 0; depth < 200; depth += 1) nested = [nested];
    await expect(corral.client.callTool({ name: 'execute_command', arguments: { command: nested } })).rejects.toMatchObject({
      code: -32600,
    });
    expect((await corral.call('execute_command', { command: 'echo on' }))['stdout'].text).toBe('on\n');
  });

  it('a pattern that would take for ever', async () => {
    const started = performance.now();
    const search = corral.client.callTool({ name: 'read_output', arguments: { execution_id: finished, grep: '^(a+)+$' } });
    // Nobody else may wait for it.
    expect((await corral.call('execute_command', { command: 'echo meanwhile' }))['stdout'].text).toBe('meanwhile\n');
    expect(performance.now() - started).toBeLessThan(2000);
    const { structuredContent } = await search;
    expect(performance.now() - started).toBeLessThan(15_000);
    const { error, stdout } = structuredContent as { error?: { code: string; hint: string }; stdout?: { matches: number } };
    if (error === undefined) expect(stdout?.matches).toBe(0);
    else expect(error).toMatchObject({ code: expect.stringMatching(/limit_exceeded|invalid_input/), hint: expect.stringMatching(/.+/) });
  });
});

describe('what the program itself does wrong is a result', () => {
  it.each([
    ['an unknown program in a shell text', 'no-such-program-at-all', { kind: 'exited', code: 127 }],
    ['a file without the right to run in a shell text', './plain', { kind: 'exited', code: 126 }],
    ['a syntax error', 'if then', { kind: 'exited', code: 2 }],
    ['an abort', 'kill -ABRT $$', { kind: 'signalled', signal: 'SIGABRT' }],
  ])('%s', async (_name, command, outcome) => {
    expect(await corral.call('execute_command', { command })).toMatchObject({ status: 'finished', outcome });
  });
});
