import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Corral, startCorral, temporaryFolder } from './support/corral.ts';

const RULES = `
default: deny
rules:
  - id: no-touch
    match: { program: [touch] }
    effect: deny
    reason: files are made by redirection here
  - id: short
    match: { program: [sleep] }
    effect: allow
    caps: { timeoutSeconds: 0.3 }
  - id: everyday
    match: { program: [ls, cat, echo, wc, sort, printf, env] }
    effect: allow
    redirects: workspace
examples:
  allow: ["ls | wc -l", [cat, notes]]
  deny: ["touch x", "ls; rm x"]
`;

const TEMPLATES = `
count-lines:
  description: Counts the lines of a file.
  argv: [wc, -l, "{file}"]
  params: { file: { type: path, description: Which. } }
last-numbers:
  argv: [seq, "1", "{n}"]
  params: { n: { type: integer, max: 1000 } }
  output: { tail: 2 }
greet:
  argv: [sh, -c, 'printf "%s|%s" "$GREETING" "$1"', sh, "{who}"]
  params: { who: { type: string, maxLength: 20, default: nobody } }
  env: { GREETING: hello }
`;

const folder = temporaryFolder();
const rules = join(folder.path, 'rules.yaml');
const templates = join(folder.path, 'templates.yaml');
let corral: Corral;

beforeAll(async () => {
  writeFileSync(rules, RULES);
  writeFileSync(templates, TEMPLATES);
  corral = await startCorral({ args: ['--rules', rules, '--templates', templates] });
});
afterAll(async () => {
  await corral.close();
  folder[Symbol.dispose]();
});

const run = (command: string | string[]): ReturnType<Corral['call']> => corral.call('execute_command', { command });
const refuse = (command: string | string[]): ReturnType<Corral['refusal']> => corral.refusal('execute_command', { command });

describe('rules', () => {
  it('execute what they read: pipelines, lists, globs, quoting, redirections, cd', async () => {
    expect(await run("printf 'b\\na\\n' > list.txt && sort list.txt | cat; ls *.txt; echo 'a; rm -rf /' \"$\"")).toMatchObject({
      outcome: { kind: 'exited', code: 0 },
      stdout: { text: 'a\nb\nlist.txt\na; rm -rf / $\n' },
    });
    expect(readFileSync(join(corral.workspace, 'list.txt'), 'utf8')).toBe('b\na\n');
    expect(await run(['echo', '*', '$(id)', ''])).toMatchObject({ stdout: { text: '* $(id) \n' } });
  });
  it('tell a program that failed from one that may not run', async () => {
    expect(await run('cat nothing')).toMatchObject({ outcome: { kind: 'exited', code: 1 } });
    expect(await refuse('rm list.txt')).toMatchObject({ code: 'denied', message: expect.stringContaining('no rule allows rm') });
  });
  it.each([
    ['a substitution', 'echo $(rm x)', 'substitution'],
    ['a second command', 'ls; rm x', 'rm'],
    ['a reason of the operator', 'touch x', 'files are made by redirection here'],
    ['a wrapper', ['env', 'rm', 'x'], 'rm'],
    ['a path elsewhere', ['/tmp/ls'], 'ls'],
    ['a redirection that leaves', 'ls > ../../etc/x', 'etc'],
    ['an interpreter', 'python3 -c 1', 'python3'],
  ])('refuse %s and say which rule', async (_, command, word) => {
    const refusal = await refuse(command as string);
    expect(refusal.code).toBe('denied');
    expect(refusal.message).toContain(word);
    expect(refusal.message).toMatch(/\(rule [a-z-]+\)/);
    expect(refusal.hint).toContain('operator');
  });
  it('hold for code, and not for looking and stopping', async () => {
    expect(await corral.refusal('execute_code', { language: 'bash', code: 'ls' })).toMatchObject({ code: 'denied' });
    await corral.call('describe_environment');
    await corral.call('list_executions');
    await corral.call('files', { action: 'list', path: '.' });
    expect(await corral.refusal('files', { action: 'write', path: 'x', content: 'y' })).toMatchObject({ code: 'denied' });
  });
  it('cap what they grant', async () => {
    expect(await run('sleep 5')).toMatchObject({ outcome: { kind: 'timed_out' } });
  });
  it('block programs for everybody, at once and for good; an agent cannot take it back', async () => {
    expect(await corral.call('block_command', { command: 'cat' })).toMatchObject({ blocked: true, changed: true });
    expect(await refuse('ls | cat')).toMatchObject({ message: expect.stringContaining('cat is blocked (rule blocked)') });
    expect(await corral.refusal('unblock_command', { command: 'cat' })).toMatchObject({
      code: 'denied',
      hint: expect.stringContaining('corral policy unblock cat'),
    });
    expect(await corral.call('list_blocked_commands')).toMatchObject({ commands: [{ command: 'cat' }] });
    await using other = await startCorral({ args: ['--rules', rules], stateDir: corral.stateDir, workspace: corral.workspace });
    expect(await other.refusal('execute_command', { command: 'cat list.txt' })).toMatchObject({ code: 'denied' });
  });
});

describe('templates', () => {
  it('are tools with the parameters of the template', async () => {
    const { tools } = await corral.client.listTools();
    expect(tools.find(({ name }) => name === 'count_lines')).toMatchObject({
      description: 'Counts the lines of a file.',
      inputSchema: { properties: { file: { type: 'string', description: 'Which.' } }, required: ['file'], additionalProperties: false },
    });
  });
  it('run, with defaults, an environment and a filter of the output', async () => {
    writeFileSync(join(corral.workspace, 'two'), 'a\nb\n');
    expect(await corral.call('count_lines', { file: 'two' })).toMatchObject({ stdout: { text: `2 ${join(corral.workspace, 'two')}\n` } });
    expect(await corral.call('last_numbers', { n: 10 })).toMatchObject({ stdout: { text: '9\n10\n' } });
    expect(await corral.call('greet')).toMatchObject({ stdout: { text: 'hello|nobody' } });
    expect(await corral.call('greet', { who: '"; rm -rf /' })).toMatchObject({ stdout: { text: 'hello|"; rm -rf /' } });
  });
  it.each([
    ['a path that leaves', 'count_lines', { file: '../../etc/passwd' }],
    ['an encoded path', 'count_lines', { file: '%2e%2e/x' }],
    ['a newline', 'greet', { who: 'a\nb' }],
    ['NUL', 'greet', { who: 'a\0b' }],
    ['a leading dash', 'greet', { who: '-rf' }],
    ['text that is too long', 'greet', { who: 'x'.repeat(1_000_000) }],
    ['text that is not in normal form', 'greet', { who: 'e\u0301' }],
    ['a number out of bounds', 'last_numbers', { n: 1001 }],
    ['a missing parameter', 'last_numbers', {}],
    ['an unknown parameter', 'greet', { whom: 'x' }],
  ])('refuse %s and name the parameter', async (_, tool, args) => {
    const refusal = await corral.refusal(tool, args);
    expect(refusal.code).toBe('invalid_input');
    expect(refusal.message).toMatch(/file|who|n\b/);
  });
});

describe('what is wrong with the files stops the start', () => {
  const started = async (args: string[]): Promise<string> => {
    const corralOrError = await startCorral({ args }).catch((error: unknown) => String(error));
    if (typeof corralOrError === 'string') return corralOrError;
    await corralOrError.close();
    return 'it started';
  };
  it.each([
    ['an unknown key', 'rules: []\nrulez: []\n', 'rulez'],
    ['a failing example', 'rules: []\nexamples: { allow: ["ls"] }\n', 'ls'],
    [
      'a rule that no request reaches',
      'rules:\n  - { id: a, match: { program: [ls] }, effect: allow }\n  - { id: b, match: { program: [ls] }, effect: allow }\n',
      'b',
    ],
  ])('rules with %s', async (_, text, word) => {
    writeFileSync(join(folder.path, 'wrong.yaml'), text);
    const said = await started(['--rules', join(folder.path, 'wrong.yaml')]);
    expect(said).toContain('did not start');
    expect(said).toContain(word);
    expect(said).toContain('hint:');
  });
  it('a template that has the name of a tool', async () => {
    writeFileSync(join(folder.path, 'clash.yaml'), 'files: { argv: [ls] }\n');
    expect(await started(['--templates', join(folder.path, 'clash.yaml')])).toContain('has the name of the tool files');
  });
});
