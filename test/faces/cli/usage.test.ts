import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(() => place[Symbol.dispose]());

describe('help and version', () => {
  it('says its version, and nothing else', async () => {
    expect(await place.run(['--version'])).toEqual({ code: 0, signal: null, stdout: `${manifest.version}\n`, stderr: '' });
  });

  it('help shows every command and every option of the configuration, without colour into a pipe', async () => {
    const { code, stdout, stderr } = await place.run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of [
      'serve',
      'run|exec',
      'ps',
      'logs',
      'kill',
      'sandbox',
      'doctor',
      'config',
      '--state-dir DIR',
      '--driver auto|bubblewrap|host',
      'Examples:',
    ])
      expect(stdout).toContain(name);
    expect(stdout).not.toContain('\u001B');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(125);
  });

  it.each(['serve', 'run', 'exec', 'ps', 'logs', 'kill', 'doctor'])('%s has help of its own', async (command) => {
    const { code, stdout } = await place.run([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: corral /);
  });
});

describe('mistakes', () => {
  it.each([
    ['a command that is not there', ['sreve'], 'There is no command "sreve"', '`corral serve`'],
    ['a word like no command', ['zzzzzzzz'], 'There is no command "zzzzzzzz"', '--help'],
    ['a folder that is not there', ['/no/such/folder'], 'workspace /no/such/folder', 'existing folder'],
    ['a system folder', ['/etc'], 'system folder', 'project folder'],
    ['an option that is not there', ['--statedir', 'x'], "Unknown option '--statedir'", '--state-dir'],
    ['an option without its value', ['--driver'], "'--driver <auto|bubblewrap|host>' argument missing", '--help'],
    ['a value that is none', ['--driver', 'chroot'], 'driver (from flag)', 'config show'],
    ['a number that is none', ['--max-sandboxes', 'many'], 'maxSandboxes (from flag)', 'config show'],
    ['a configuration file that is not there', ['--config', '/no/such.yaml'], '/no/such.yaml', '--config'],
    ['a transport that is not there', ['serve', '--transport', 'carrier-pigeon'], 'transport "carrier-pigeon"', '--transport'],
    ['run without a command', ['run'], "Missing required argument 'command'", '--help'],
    ['a deadline that is none', ['run', '--timeout', 'soon', 'true'], '--timeout: "soon" is not a number', '--timeout 10'],
    ['a variable without a value', ['run', '--env', 'CORRAL_TEST_UNSET', 'true'], '--env', 'NAME=VALUE'],
    ['a stream that is not there', ['logs', '--stream', 'stdin', 'x'], 'stream "stdin"', 'both'],
    ['a signal that does not exist', ['kill', '--signal', 'FOO', 'x'], 'no signal "FOO"', 'SIGTERM'],
    ['follow and grep together', ['logs', '-f', '--grep', 'a', 'x'], '--grep', 'grep --line-buffered'],
  ])('%s ends with 2, a message and a hint', async (_name, args, message, hint) => {
    const { code, stdout, stderr } = await place.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [first = '', second = '', ...rest] = stderr.trimEnd().split('\n');
    expect(first).toMatch(/^corral: /);
    expect(first).toContain(message);
    expect(second).toMatch(/^hint: /);
    expect(second).toContain(hint);
    expect(rest).toEqual([]);
  });

  it('sandbox without a word shows what there is, and is a mistake', async () => {
    const { code, stderr } = await place.run(['sandbox']);
    expect(code).toBe(2);
    expect(stderr).toContain('ls [options]');
  });

  it('with --json they are JSON on stdout', async () => {
    const { code, stdout, stderr } = await place.run(['ps', '--json', '--driver', 'chroot']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'invalid_input', message: expect.stringContaining('driver'), hint: expect.any(String) },
    });
  });

  it('names that are not there end with 1', async () => {
    const { code, stderr } = await place.run(['logs', 'xnothing']);
    expect(code).toBe(1);
    expect(stderr).toBe('corral: There is no execution "xnothing".\nhint: `corral ps --all` lists them.\n');
  });
});

describe('config show', () => {
  it('says value and source of each option: flag over environment over file over default', async () => {
    const file = join(place.project, 'corral.yaml');
    writeFileSync(file, 'waitSeconds: 5\ngraceSeconds: 7\nmaxSandboxes: 3\n');
    const { code, stdout } = await place.run(['config', 'show', '--json', '--config', file, '--max-sandboxes=9'], {
      env: { CORRAL_GRACE_SECONDS: '8', CORRAL_MAX_SANDBOXES: '4' },
    });
    expect(code).toBe(0);
    const { options, file: shown } = JSON.parse(stdout);
    const of = (name: string) => options.find(({ option }: { option: string }) => option === name);
    expect(shown).toBe(file);
    expect(of('maxSandboxes')).toMatchObject({ value: 9, source: 'flag', flag: '--max-sandboxes', variable: 'CORRAL_MAX_SANDBOXES' });
    expect(of('graceSeconds')).toMatchObject({ value: 8, source: 'environment' });
    expect(of('waitSeconds')).toMatchObject({ value: 5, source: 'file' });
    expect(of('keep')).toMatchObject({ value: false, source: 'default' });
  });

  it.each([[[]], [['--json']]])('never shows a secret %j', async (more) => {
    const { stdout } = await place.run(['config', 'show', ...more], { env: { CORRAL_AUTH_TOKEN: 'a-secret-of-some-length' } });
    expect(stdout).toContain('(set)');
    expect(stdout).not.toContain('a-secret');
  });

  it('is a table whose columns line up', async () => {
    const { stdout } = await place.run(['config', 'show']);
    const lines = stdout.split('\n').slice(2, -1);
    const column = lines[0]?.indexOf('FROM') ?? 0;
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines.slice(1)) expect(line.slice(column)).toMatch(/^(flag|environment|file|default) /);
  });
});

describe('looking', () => {
  it.each([['ps'], ['sandbox', 'ls']])('%s %s finds nothing in an empty place, and makes nothing', async (...words) => {
    const args = words.filter((word) => word !== undefined);
    const { code, stdout, stderr } = await place.run([...args, '--all']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
    const json = JSON.parse((await place.run([...args, '--all', '--json'])).stdout);
    expect(json).toEqual(args[0] === 'ps' ? { executions: [] } : { sandboxes: [] });
  });

  it('takes options of the configuration before and after the name of the command', async () => {
    const other = join(place.project, 'other');
    mkdirSync(other);
    for (const args of [
      ['--state-dir', other, 'config', 'show', '--json'],
      ['config', 'show', '--json', '--state-dir', other],
    ]) {
      const { options } = JSON.parse((await place.run(args)).stdout);
      expect(options.find(({ option }: { option: string }) => option === 'stateDir').value).toBe(other);
    }
  });
});
