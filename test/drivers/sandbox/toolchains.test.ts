import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { findToolchains } from '../../../src/drivers/sandbox/toolchains.ts';
import { buildBubblewrapArguments } from '../../../src/drivers/sandbox/bubblewrap/arguments.ts';
import { describeHostLayout } from '../../../src/drivers/sandbox/bubblewrap/host-layout.ts';
import { FIRST_DATA_FD, INFO_FD, runBubblewrap, temporaryFolder, whyNoBubblewrap } from '../../support/run-bubblewrap.ts';

/** Makes files below `root`: a path ending in "/" is a folder, `a -> b` a link. */
const plant = (root: string, files: readonly string[], contents: Readonly<Record<string, string>> = {}): void => {
  for (const file of files) {
    const [path = '', target] = file.split(' -> ');
    const full = join(root, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (target !== undefined) symlinkSync(target.startsWith('/') ? join(root, target) : target, full);
    else if (!path.endsWith('/')) writeFileSync(full, '');
  }
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
};

interface Case {
  readonly name: string;
  readonly files: readonly string[];
  readonly contents?: Readonly<Record<string, string>>;
  /** PATH and other variables; `~` is the home folder. */
  readonly env: Readonly<Record<string, string>>;
  readonly path: readonly string[];
  readonly mounts: readonly string[];
  readonly found?: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    name: 'pyenv: the versions of the file instead of the shims, the newest of a short name',
    files: [
      '.pyenv/shims/python3',
      '.pyenv/versions/3.11.7/bin/python3',
      '.pyenv/versions/3.9.9/bin/python3',
      '.pyenv/versions/3.9.18/bin/python3',
    ],
    contents: { '.pyenv/version': '3.11.7\n3.9\nsystem\n' },
    env: { PATH: '~/.pyenv/shims:~/.pyenv/bin' },
    path: ['.pyenv/versions/3.11.7/bin', '.pyenv/versions/3.9.18/bin'],
    mounts: ['.pyenv/versions/3.11.7', '.pyenv/versions/3.9.18'],
  },
  {
    name: 'pyenv: PYENV_VERSION wins, PYENV_ROOT moves it',
    files: ['tools/py/shims/python3', 'tools/py/versions/3.12.1/bin/python3'],
    contents: { 'tools/py/version': '3.11.7' },
    env: { PATH: '~/tools/py/shims', PYENV_ROOT: '~/tools/py', PYENV_VERSION: '3.12.1' },
    path: ['tools/py/versions/3.12.1/bin'],
    mounts: ['tools/py/versions/3.12.1'],
  },
  {
    name: 'a version that climbs out of its folder is no version',
    files: ['.pyenv/shims/python3', '.ssh/bin/x'],
    contents: { '.pyenv/version': '../../.ssh' },
    env: { PATH: '~/.pyenv/shims' },
    path: [],
    mounts: [],
  },
  {
    name: 'cargo and rustup: programs and toolchains, never the folder with the credentials',
    files: ['.cargo/bin/cargo', '.cargo/credentials.toml', '.cargo/registry/', '.rustup/toolchains/stable/bin/cargo'],
    env: { PATH: '~/.cargo/bin' },
    path: ['.cargo/bin'],
    mounts: ['.cargo/bin', '.rustup'],
    found: { RUSTUP_HOME: '~/.rustup', CARGO_HOME: '/home/sandbox/.cargo' },
  },
  {
    name: 'nvm: the version on PATH only',
    files: ['.nvm/versions/node/v20.1.0/bin/node', '.nvm/versions/node/v22.0.0/bin/node', '.nvm/.npmrc'],
    env: { PATH: '~/.nvm/versions/node/v20.1.0/bin' },
    path: ['.nvm/versions/node/v20.1.0/bin'],
    mounts: ['.nvm/versions/node/v20.1.0'],
  },
  {
    name: 'fnm: through the link of the shell',
    files: ['.local/share/fnm/node-versions/v20/installation/bin/node', 'multishell -> /.local/share/fnm/node-versions/v20/installation'],
    env: { PATH: '~/multishell/bin' },
    path: ['.local/share/fnm/node-versions/v20/installation/bin'],
    mounts: ['.local/share/fnm/node-versions/v20'],
  },
  {
    name: 'volta: the platform of the user',
    files: ['.volta/bin/node', '.volta/tools/image/node/20.3.1/bin/node'],
    contents: { '.volta/tools/user/platform.json': '{"node":{"runtime":"20.3.1","npm":null}}' },
    env: { PATH: '~/.volta/bin' },
    path: ['.volta/tools/image/node/20.3.1/bin'],
    mounts: ['.volta/tools/image/node/20.3.1'],
  },
  {
    name: 'asdf: .tool-versions of the home folder, go in its second folder',
    files: ['.asdf/shims/go', '.asdf/installs/golang/1.22.0/go/bin/go', '.asdf/installs/ruby/3.3.0/bin/ruby'],
    contents: { '.tool-versions': '# mine\ngolang 1.22.0\nruby 3.3.0 # now\n' },
    env: { PATH: '~/.asdf/shims' },
    path: ['.asdf/installs/golang/1.22.0/go/bin', '.asdf/installs/ruby/3.3.0/bin'],
    mounts: ['.asdf/installs/golang/1.22.0', '.asdf/installs/ruby/3.3.0'],
    found: { GOTOOLCHAIN: 'local' },
  },
  {
    name: 'mise: [tools] of its configuration',
    files: ['.local/share/mise/shims/node', '.local/share/mise/installs/node/20.5.0/bin/node'],
    contents: { '.config/mise/config.toml': '[settings]\nx = "1"\n[tools]\nnode = "20"\n[env]\nruby = "9"\n' },
    env: { PATH: '~/.local/share/mise/shims' },
    path: ['.local/share/mise/installs/node/20.5.0/bin'],
    mounts: ['.local/share/mise/installs/node/20.5.0'],
  },
  {
    name: 'sdkman: "current" is what it leads to, JAVA_HOME says so inside',
    files: ['.sdkman/candidates/java/21.0.1-tem/bin/java', '.sdkman/candidates/java/current -> 21.0.1-tem'],
    env: { PATH: '~/.sdkman/candidates/java/current/bin', JAVA_HOME: '~/.sdkman/candidates/java/current' },
    path: ['.sdkman/candidates/java/21.0.1-tem/bin'],
    mounts: ['.sdkman/candidates/java/21.0.1-tem'],
    found: { JAVA_HOME: '~/.sdkman/candidates/java/21.0.1-tem' },
  },
  {
    name: 'rbenv, deno, bun',
    files: ['.rbenv/shims/ruby', '.rbenv/versions/3.3.0/bin/ruby', '.deno/bin/deno', '.bun/bin/bun', '.bun/install/cache/'],
    contents: { '.rbenv/version': '3.3.0\n' },
    env: { PATH: '~/.rbenv/shims:~/.deno/bin:~/.bun/bin' },
    path: ['.rbenv/versions/3.3.0/bin', '.deno/bin', '.bun/bin'],
    mounts: ['.rbenv/versions/3.3.0', '.deno/bin', '.bun/bin'],
  },
  {
    name: 'home, its bin folders, projects and hidden folders stay outside',
    files: ['bin/x', '.local/bin/x', 'project/bin/x', '.ssh/id_ed25519', '.config/tool/bin/x'],
    env: { PATH: '~:~/bin:~/.local/bin:~/project/bin:~/.ssh:~/.config/tool/bin:relative/bin:' },
    path: [],
    mounts: [],
  },
  {
    name: 'a version manager whose variable points at the home folder, or holds credentials, mounts nothing',
    files: ['dotnet', 'conda/x', 'miniconda3/bin/python', 'miniconda3/.netrc'],
    env: { PATH: '~:~/miniconda3/bin', DOTNET_ROOT: '~' },
    path: [],
    mounts: [],
  },
];

describe('what is found', () => {
  test.each(CASES)('$name', ({ files, contents, env, path, mounts, found }) => {
    using home = temporaryFolder();
    plant(home.path, files, contents);
    const expand = (value: string): string => value.replaceAll('~', home.path);
    const variables = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value)]));
    const result = findToolchains(variables, home.path, '/usr/bin/node');
    const mine = (entries: readonly string[]): string[] => entries.filter((entry) => entry.startsWith(home.path));
    expect(mine(result.path)).toEqual(path.map((entry) => join(home.path, entry)));
    expect(result.mounts).toEqual(mounts.map((entry) => ({ source: join(home.path, entry), target: join(home.path, entry), mode: 'ro' })));
    expect(result.env).toMatchObject(Object.fromEntries(Object.entries(found ?? {}).map(([name, value]) => [name, expand(value)])));
    if (found?.['RUSTUP_HOME'] === undefined) expect(result.env).not.toHaveProperty('RUSTUP_HOME');
  });

  test('the node that runs the server is found where it is', () => {
    using home = temporaryFolder();
    plant(home.path, ['.nvm/versions/node/v24.0.0/bin/node']);
    const prefix = join(home.path, '.nvm/versions/node/v24.0.0');
    expect(findToolchains({}, home.path, join(prefix, 'bin/node')).mounts.map((mount) => mount.source)).toEqual([prefix]);
  });

  test('a virtual environment brings the interpreter that it borrows', () => {
    using home = temporaryFolder();
    plant(home.path, ['.pyenv/versions/venv/bin/python', '.pyenv/versions/3.11.7/bin/python'], {
      '.pyenv/versions/venv/pyvenv.cfg': `home = ${home.path}/.pyenv/versions/3.11.7/bin\n`,
    });
    const found = findToolchains({ PATH: join(home.path, '.pyenv/versions/venv/bin') }, home.path, '/usr/bin/node');
    expect(found.mounts.map((mount) => mount.source)).toEqual(['venv', '3.11.7'].map((name) => join(home.path, '.pyenv/versions', name)));
  });

  test('what is left out is told', () => {
    using home = temporaryFolder();
    plant(home.path, ['bin/x', 'miniconda3/bin/python', 'miniconda3/.netrc']);
    const found = findToolchains({ PATH: `${home.path}/bin:${home.path}/miniconda3/bin` }, home.path, '/usr/bin/node');
    expect(found.skipped).toEqual([
      { path: join(home.path, 'bin'), why: 'it is no place of toolchains' },
      { path: join(home.path, 'miniconda3'), why: 'it holds .netrc' },
    ]);
  });
});

const missing = whyNoBubblewrap();
const host = await describeHostLayout();
const here = findToolchains(process.env, homedir());
const searched = [...here.path, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Each starts its language for real and prints 42. */
const PROGRAMS: readonly (readonly [program: string, script: string])[] = [
  ['python3', 'python3 -c "import ssl, sqlite3, ctypes, multiprocessing; print(6*7)"'],
  ['node', "node -e \"new (require('worker_threads').Worker)('console.log(6*7)', {eval: true})\""],
  ['perl', 'perl -MData::Dumper -e "print 6*7"'],
  ['ruby', 'ruby -rjson -e "print 6*7"'],
  ['gcc', 'printf "#include <stdio.h>\\nint main(){printf(\\"%%d\\",6*7);}" >a.c && gcc a.c && ./a.out'],
  ['java', 'printf "class A{public static void main(String[] a){System.out.print(6*7);}}" >A.java && java A.java'],
  ['go', 'printf "package main\\nimport \\"fmt\\"\\nfunc main(){fmt.Print(6*7)}" >a.go && go run a.go'],
  ['rustc', 'printf "fn main(){print!(\\"{}\\",6*7)}" >a.rs && rustc a.rs && ./a'],
  ['cargo', 'cargo init -q --name answer . && printf "fn main(){print!(\\"{}\\",6*7)}" >src/main.rs && cargo run -q --offline'],
  ['git', 'git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m 42 && git log --format=%s'],
];

describe.skipIf(missing !== undefined)(`inside bubblewrap${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  /** As the server's own user: where that is root, the launcher stages what a private uid may not reach, which is its own test. */
  test.for(PROGRAMS)('%s works', { timeout: 120_000 }, async ([program, script], { skip }) => {
    const onHost = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
    if (!onHost) skip(`${program} is not on this machine`);
    using folder = temporaryFolder();
    const payload = join(folder.path, 'payload');
    const variables = Object.entries(here.env).map(([name, value]) => `export ${name}='${value}'`);
    writeFileSync(
      payload,
      [
        '#!/bin/sh',
        `export PATH='${searched.join(':')}' HOME=/home/sandbox TMPDIR=/tmp`,
        ...variables,
        'mkdir /tmp/work && cd /tmp/work',
        script,
        '',
      ].join('\n'),
      { mode: 0o755 },
    );
    const built = buildBubblewrapArguments({
      spec: {
        id: 't',
        folder: '/',
        workdir: '/tmp',
        workspaces: [],
        mounts: here.mounts,
        env: {},
        network: 'none',
        limits: {},
        leaseMs: 1,
        lifetimeMs: 0,
      },
      host,
      supervisorPath: payload,
      supervisorInside: '/run/corral/supervisor',
      form: 'isolated',
      firstDataFd: FIRST_DATA_FD,
      infoFd: INFO_FD,
      readableSources: (source) => source,
    });
    const ended = await runBubblewrap(built, { timeoutMs: 110_000 });
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^42\n?$/) });
  });
});
