import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecServer, type Ground, MARK, openGround } from './support/server.ts';

/** Says what it was called with; knows `there`, fails for `bad`, hangs for `slow`. */
const FAKE = `echo "$(basename "$0") $*" >>"$(dirname "$0")/calls"
case " $* " in
  *" show "*|*" list "*) case " $* " in *" there "*) exit 0;; esac; exit 1;;
  *" bad "*) echo "some noise" >&2; echo "no such package" >&2; exit 2;;
  *" slow "*) exec sleep 300${MARK};;
esac
exit 0`;

let ground: Ground;
let server: ExecServer;
let bin: string;
beforeAll(async () => {
  ground = await openGround();
  bin = ground.fakes({
    pip: FAKE,
    npm: FAKE,
    cargo: FAKE,
    'apt-get': FAKE,
    'dpkg-query': 'case "$*" in *there) echo installed;; *) exit 1;; esac',
    sudo: 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
  });
  server = await ground.open({ path: bin });
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  ground[Symbol.dispose]();
});

const calls = (): readonly string[] => readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n');
const install = (command: string, package_manager?: string) =>
  server.text('install_command', { command, ...(package_manager !== undefined && { package_manager }) });

describe('install_command', () => {
  it.each([
    ['pyfoo', 'pip', 'pip install --no-input --disable-pip-version-check -- pyfoo'],
    ['foopy', 'pip', 'pip install --no-input --disable-pip-version-check -- foopy'],
    ['node-foo', 'npm', 'npm install --global --no-fund --no-audit -- node-foo'],
    ['rust-foo', 'cargo', 'cargo install -- rust-foo'],
    ['cargo-foo', 'cargo', 'cargo install -- cargo-foo'],
    ['foo', 'apt', 'apt-get install --yes --quiet --no-install-recommends -- foo'],
  ])('%s with %s', async (name, manager, wanted) => {
    expect(await install(name)).toBe(`Successfully installed ${name} using ${manager}`);
    expect(calls().at(-1)).toBe(wanted);
    if (manager === 'apt') expect(calls().at(-2)).toBe('apt-get --quiet update');
  });

  it('with the manager named, and a version', async () => {
    expect(await install('foo==1.2', 'pip')).toBe('Successfully installed foo==1.2 using pip');
    expect(await install('foo@1.2', 'npm')).toBe('Successfully installed foo@1.2 using npm');
  });

  it('leaves alone what is there, as a command or as a package', async () => {
    const before = calls().filter((call) => call.includes('install')).length;
    expect(await install('bash')).toBe('bash is already installed');
    expect(await install('there', 'pip')).toBe('there is already installed');
    expect(await install('there', 'apt')).toBe('there is already installed');
    expect(calls().filter((call) => call.includes('install')).length).toBe(before);
  });

  it('tells what the manager said when it failed', async () => {
    expect(await server.call('install_command', { command: 'bad', package_manager: 'pip' })).toMatchObject({
      text: 'Failed to install bad using pip\nsome noise\nno such package',
      isError: false,
    });
  });

  it('does not know every manager', async () => {
    expect(await server.call('install_command', { command: 'x', package_manager: 'brew' })).toMatchObject({
      text: 'Unsupported package manager: brew\n',
      isError: false,
    });
    expect(await install('x', 'constructor')).toBe('Unsupported package manager: constructor\n');
  });

  it.each(['--index-url=http://evil', '-r requirements.txt', 'a; touch x', '$(id)', '../x', 'git+https://x/y', ''])(
    'starts nothing for %j',
    async (name) => {
      const before = calls().length;
      for (const manager of ['pip', 'npm', 'cargo', 'apt'])
        expect(await install(name, manager)).toMatch(/^Failed to install [^]* using \w+\n.* is not how \w+ names a package; write /);
      expect(calls().length).toBe(before);
    },
  );

  it('keeps nobody else waiting, and ends with its call', async () => {
    const abort = new AbortController();
    const slow = server.client.callTool(
      { name: 'install_command', arguments: { command: 'slow', package_manager: 'pip' } },
      { signal: abort.signal },
    );
    let seen = '';
    for (let tries = 0; tries < 100 && !seen.includes(`sleep 300${MARK}`); tries += 1)
      seen = await server.text('list_processes', { name_filter: `sleep 300${MARK}` });
    expect(seen).toContain(`sleep 300${MARK}`);
    const answer = await server.call('list_sessions');
    expect(answer).toMatchObject({ text: 'No active sessions' });
    expect(answer.ms).toBeLessThan(500);
    abort.abort();
    await expect(slow).rejects.toThrow();
    for (let tries = 0; tries < 100 && seen.includes(`sleep 300${MARK}`); tries += 1)
      seen = await server.text('list_processes', { name_filter: `sleep 300${MARK}` });
    expect(seen).not.toContain(`sleep 300${MARK}`);
  });

  it('is held to the list of blocked commands', async () => {
    await using held = await ground.open({ path: bin, blocked: ['pip'], state: `${ground.state}-held` });
    expect(await held.text('install_command', { command: 'pyx' })).toBe('Error: This command has been blacklisted');
    expect(await held.text('install_command', { command: 'x', package_manager: 'npm' })).toBe('Successfully installed x using npm');
  });

  it('says what is missing', async () => {
    await using bare = await ground.open({ env: { PATH: ground.fakes({ sh: 'exec /bin/sh "$@"' }) }, state: `${ground.state}-bare` });
    expect(await bare.text('install_command', { command: 'pyx' })).toMatch(
      /^Failed to install pyx using pip\nThere is no pip or pip3 in this sandbox\./,
    );
  });
});

describe('configure_packages', () => {
  it('answers a line for each package', async () => {
    expect(
      await server.text('configure_packages', { config: { pip: ['one', 'there', 'bad'], brew: ['x', 'y'], apt: ['two', 'three', '--x'] } }),
    ).toBe(
      [
        'Successfully installed one using pip',
        'there is already installed',
        'Failed to install bad using pip: no such package',
        'Unsupported package manager: brew',
        'Successfully installed two using apt',
        'Successfully installed three using apt',
        'Failed to install --x using apt: "--x" is not how apt names a package; write jq or jq=1.7.1-3.',
      ].join('\n'),
    );
    expect(calls().slice(-3)).toEqual([
      'apt-get --quiet update',
      'apt-get install --yes --quiet --no-install-recommends -- two',
      'apt-get install --yes --quiet --no-install-recommends -- three',
    ]);
  });

  it('has nothing to say of nothing', async () => {
    expect(await server.call('configure_packages', { config: {} })).toMatchObject({ text: '', isError: false });
    expect((await server.call('configure_packages', { config: { pip: 'x' } })).isError).toBe(true);
    expect((await server.call('configure_packages')).isError).toBe(true);
  });
});

describe('list_installed_commands', () => {
  it('is what is on PATH where commands run, sorted, each once', async () => {
    const names = (await server.text('list_installed_commands')).split('\n');
    expect(names).toEqual([...new Set(names)].toSorted());
    const wanted = ['bash', 'curl', 'git', 'jq', 'rg', 'grep', 'python', 'pip', 'npm', 'rustc', 'cargo', 'go', 'gcc', 'make'];
    const found = await server.run(`for n in ${wanted.join(' ')}; do command -v $n >/dev/null && echo "has $n"; done; true`);
    for (const name of wanted) expect(names.includes(name), name).toBe(found.includes(`has ${name}\n`) || found.endsWith(`has ${name}`));
    expect(names).toContain('pip');
  });

  it('is true at every call', async () => {
    expect((await server.text('list_installed_commands')).split('\n')).not.toContain('made-just-now');
    await server.run(`printf '#!/bin/sh\\n' >${bin}/made-just-now; chmod +x ${bin}/made-just-now; touch ${bin}/no-program`);
    const names = (await server.text('list_installed_commands')).split('\n');
    expect(names).toContain('made-just-now');
    expect(names).not.toContain('no-program');
  });
});
