import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildBubblewrapArguments } from '../../../../src/drivers/sandbox/bubblewrap/arguments.ts';
import type { BubblewrapInput } from '../../../../src/drivers/sandbox/bubblewrap/arguments.ts';
import { describeHostLayout } from '../../../../src/drivers/sandbox/bubblewrap/host-layout.ts';
import { buildSeccompFilter } from '../../../../src/drivers/sandbox/bubblewrap/seccomp.ts';
import type { HostLayout } from '../../../../src/drivers/sandbox/bubblewrap/host-layout.ts';
import type { SandboxSpec } from '../../../../src/ports/sandbox.ts';
import { FIRST_DATA_FD, INFO_FD, runBubblewrap, temporaryFolder, UNPRIVILEGED, whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import type { Finished, RunOptions } from '../../../support/run-bubblewrap.ts';

const host = await describeHostLayout();
const missing = whyNoBubblewrap();
const uid = host.root ? UNPRIVILEGED : undefined;

const specOf = (change: Partial<SandboxSpec> = {}): SandboxSpec => ({
  id: 'test',
  folder: '/nonexistent',
  workdir: '/workspace',
  workspaces: [],
  mounts: [],
  env: {},
  network: 'none',
  limits: {},
  leaseMs: 60_000,
  lifetimeMs: 0,
  uid,
  ...change,
});

const inputOf = (spec: SandboxSpec, supervisorPath: string, change: Partial<BubblewrapInput> = {}): BubblewrapInput => ({
  spec,
  host,
  supervisorPath,
  supervisorInside: '/run/corral/supervisor',
  form: 'isolated',
  firstDataFd: FIRST_DATA_FD,
  infoFd: INFO_FD,
  readableSources: (source) => source,
  ...change,
});

/** The options as bwrap reads them. */
const optionsOf = (input: BubblewrapInput): string[] =>
  new TextDecoder().decode(buildBubblewrapArguments(input).data[0]).split('\0').slice(0, -1);
const contains = (options: readonly string[], wanted: readonly string[]): boolean =>
  options.some((_, index) => wanted.every((word, offset) => options[index + offset] === word));

describe('the list of options', () => {
  const plain = optionsOf(inputOf(specOf(), '/opt/supervisor'));

  test("names every namespace, the network too, and none when it is the host's", () => {
    for (const name of ['user', 'ipc', 'pid', 'uts', 'net']) expect(plain).toContain(`--unshare-${name}`);
    const shared = optionsOf(inputOf(specOf({ network: 'host' }), '/opt/supervisor'));
    expect(shared).not.toContain('--unshare-net');
    expect(shared.filter((option) => option.startsWith('--unshare'))).toEqual(
      plain.filter((option) => option.startsWith('--unshare') && option !== '--unshare-net'),
    );
    expect(shared).not.toContain('--share-net');
  });

  test('never dies with its parent, always as pid 1, without capabilities and environment', () => {
    expect(plain).not.toContain('--die-with-parent');
    for (const option of ['--as-pid-1', '--disable-userns', '--new-session', '--clearenv']) expect(plain).toContain(option);
    expect(contains(plain, ['--cap-drop', 'ALL'])).toBe(true);
    expect(plain).not.toContain('--setenv');
  });

  test('every --size is a plain number of bytes, together no more than three quarters of the memory allowed', () => {
    const sizes = (options: readonly string[]): string[] =>
      options.flatMap((option, index) => (option === '--size' ? [options[index + 1] ?? ''] : []));
    expect(sizes(plain)).toHaveLength(3);
    for (const size of sizes(plain)) expect(size).toMatch(/^\d+$/);
    expect(sizes(optionsOf(inputOf(specOf({ limits: { memoryBytes: 1_000_000 } }), '/opt/supervisor')))).toEqual([
      '250000',
      '250000',
      '250000',
    ]);
  });

  test('the process list shows descriptors and the supervisor, no path of a workspace', () => {
    const input = inputOf(
      specOf({ workspaces: [{ source: '/srv/secret-project', target: '/srv/secret-project', mode: 'rw' }] }),
      '/opt/supervisor',
    );
    const { id } = input.spec;
    expect(buildBubblewrapArguments(input).args).toEqual([
      '--args',
      String(FIRST_DATA_FD),
      '--',
      '/run/corral/supervisor',
      'serve',
      id,
      expect.stringMatching(/^[0-9a-f]{16}$/),
    ]);
    expect(contains(optionsOf(input), ['--bind', '/srv/secret-project', '/srv/secret-project'])).toBe(true);
  });

  test('root and devices are made read-only behind every mount', () => {
    const options = optionsOf(inputOf(specOf({ workspaces: [{ source: '/srv/a', target: '/srv/a', mode: 'rw' }] }), '/opt/supervisor'));
    const last = Math.max(
      options.lastIndexOf('--bind'),
      options.lastIndexOf('--ro-bind'),
      options.lastIndexOf('--ro-bind-data'),
      options.lastIndexOf('--tmpfs'),
    );
    expect(contains(options.slice(last), ['--remount-ro', '/dev', '--remount-ro', '/'])).toBe(true);
  });

  test('staged sources are what is bound; targets stay', () => {
    const options = optionsOf(
      inputOf(
        specOf({
          workspaces: [{ source: '/srv/a', target: '/srv/a', mode: 'rw' }],
          mounts: [{ source: '/opt/x', target: '/opt/x', mode: 'ro' }],
        }),
        '/root/supervisor',
        {
          readableSources: (source) => `/staged${source}`,
        },
      ),
    );
    expect(contains(options, ['--bind', '/staged/srv/a', '/srv/a'])).toBe(true);
    expect(contains(options, ['--ro-bind-try', '/staged/opt/x', '/opt/x'])).toBe(true);
    expect(contains(options, ['--ro-bind', '/staged/root/supervisor', '/run/corral/supervisor'])).toBe(true);
    expect(contains(options, ['--ro-bind', '/usr', '/usr'])).toBe(true);
  });

  test('outer mounts come first, parents are made with open permissions', () => {
    const options = optionsOf(
      inputOf(
        specOf({
          mounts: [{ source: '/a/b/c/tool', target: '/a/b/c/tool', mode: 'ro' }],
          workspaces: [{ source: '/a/b', target: '/a/b', mode: 'rw' }],
        }),
        '/opt/supervisor',
      ),
    );
    expect(options.indexOf('--bind')).toBeLessThan(options.indexOf('--ro-bind-try', options.indexOf('/a')));
    expect(contains(options, ['--perms', '0755', '--dir', '/a', '--bind', '/a/b', '/a/b'])).toBe(true);
    expect(contains(options, ['--dir', '/a/b/c'])).toBe(false);
  });

  test.each([
    '/',
    '/etc',
    '/usr',
    '/proc',
    '/proc/self',
    '/sys/fs/cgroup',
    '/dev',
    '/dev/shm',
    '/run/corral',
    '/home',
    '/srv/../etc',
    'srv',
    '/srv/',
  ])('refuses to mount at %s', (target) => {
    const spec = specOf({ workspaces: [{ source: '/srv', target, mode: 'rw' }] });
    expect(() => buildBubblewrapArguments(inputOf(spec, '/opt/supervisor'))).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });

  test('refuses two mounts at one place and a NUL in a path', () => {
    const twice = specOf({
      workspaces: [
        { source: '/srv/a', target: '/srv/x', mode: 'rw' },
        { source: '/srv/b', target: '/srv/x', mode: 'rw' },
      ],
    });
    expect(() => buildBubblewrapArguments(inputOf(twice, '/opt/supervisor'))).toThrow(/twice/);
    const nul = specOf({ workspaces: [{ source: '/srv/a\0--bind', target: '/srv/a', mode: 'rw' }] });
    expect(() => buildBubblewrapArguments(inputOf(nul, '/opt/supervisor'))).toThrow(/NUL/);
  });

  test('the filter follows the specification: unix sockets need a network of its own, a limit of memory forbids what it cannot see', () => {
    const filterOf = (change: Partial<SandboxSpec>): Uint8Array =>
      buildBubblewrapArguments(inputOf(specOf(change), '/opt/supervisor')).data.at(-1) ?? new Uint8Array();
    const build = (allowUnix: boolean, denyMemfd: boolean): Uint8Array =>
      buildSeccompFilter(host.architecture, { allowUnix, devel: false, denyMemfd });
    expect(filterOf({})).toEqual(build(true, false));
    expect(filterOf({ network: 'host' })).toEqual(build(false, false));
    expect(filterOf({ limits: { memoryBytes: 1e9 } })).toEqual(build(true, true));
  });

  test('the pid namespace form hides nothing, filters nothing and needs no user namespace as root', () => {
    const form = (layout: HostLayout, spec: SandboxSpec): string[] =>
      optionsOf({ ...inputOf(spec, '/opt/supervisor', { form: 'pid-namespace' }), host: layout });
    const asRoot = form({ ...host, root: true }, specOf({ uid: undefined }));
    expect(asRoot).not.toContain('--unshare-user');
    expect(form({ ...host, root: false }, specOf({ uid: undefined }))).toContain('--unshare-user');
    expect(asRoot).not.toContain('--seccomp');
    expect(contains(asRoot, ['--dev-bind', '/', '/', '--proc', '/proc', '--as-pid-1'])).toBe(true);
  });
});

describe.skipIf(missing !== undefined)(`in real bubblewrap${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const run = async (
    script: string,
    change: Partial<SandboxSpec> = {},
    options: RunOptions & Partial<BubblewrapInput> = {},
  ): Promise<Finished> => {
    using folder = temporaryFolder();
    const payload = join(folder.path, 'payload');
    writeFileSync(payload, `#!/bin/sh\nexec 2>&1\nPATH=/usr/local/bin:/usr/bin:/bin; export PATH\n${script}\n`, { mode: 0o755 });
    const { env, timeoutMs, ...input } = options;
    return await runBubblewrap(buildBubblewrapArguments(inputOf(specOf(change), payload, input)), {
      uid,
      ...(env && { env }),
      ...(timeoutMs && { timeoutMs }),
    });
  };
  /** Standard output of a script that must succeed, trimmed. */
  const say = async (...args: Parameters<typeof run>): Promise<string> => {
    const ended = await run(...args);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return ended.stdout.trim();
  };
  /** A writable folder of the unprivileged user below `parent`. */
  const workspaceIn = (parent: string): Disposable & { readonly path: string } => {
    const path = mkdtempSync(join(parent, 'corral-work-'));
    if (uid !== undefined) chownSync(path, uid, uid);
    return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
  };

  test('the supervisor is pid 1, called "serve", as the sandbox user, and the info names its pid outside', async () => {
    const ended = await run(
      'echo $$ $1; id -un; id -u; hostname; grep -E "^(NoNewPrivs|Seccomp|CapEff|CapBnd):" /proc/self/status | tr -d "\\t"',
    );
    expect(ended.stdout.trim().split('\n')).toEqual([
      '1 serve',
      'sandbox',
      '1000',
      'sandbox',
      'CapEff:0000000000000000',
      'CapBnd:0000000000000000',
      'NoNewPrivs:1',
      'Seccomp:2',
    ]);
    expect(JSON.parse(ended.info)).toMatchObject({ 'child-pid': expect.any(Number), 'pid-namespace': expect.any(Number) });
  });

  test('none of the descriptors of the data, the info or the filter stays open', async () => {
    const open = (await say('for f in /proc/1/fd/*; do echo "${f##*/} $(readlink $f)"; done')).split('\n');
    const behind = Array.from({ length: 10 }, (_, index) => FIRST_DATA_FD + index);
    // The shell reads its own script through descriptor 10.
    expect(open.filter((line) => [INFO_FD, ...behind].includes(Number(line.split(' ')[0])))).toEqual(['10 /run/corral/supervisor']);
  });

  test("the launcher's environment is not inside", async () => {
    expect(
      await say("cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n' | grep -c 'MARK[E]R'; true", {}, { env: { SECRET: 'MARKER-1' } }),
    ).toBe('0');
  });

  test('system is readable, nothing but scratch is writable', async () => {
    const script = [
      'ls /bin/sh /usr/bin/env /etc/passwd /etc/ssl/certs >/dev/null && echo readable',
      'for d in / /usr /etc /bin /lib /dev /run /run/corral /var /home /proc /proc/sys/kernel; do touch $d/x 2>/dev/null && echo "WRITABLE $d"; done',
      'for d in /tmp /var/tmp /dev/shm /home/sandbox; do touch $d/x || echo "READ-ONLY $d"; done',
      'cat /etc/shadow 2>/dev/null && echo SHADOW; ls -A /root 2>/dev/null; ls -A /home',
      'stat -c "%a %n" /etc /home /tmp /home/sandbox /etc/passwd',
    ];
    expect((await say(script.join('\n'))).split('\n')).toEqual([
      'readable',
      'sandbox',
      '755 /etc',
      '755 /home',
      '1777 /tmp',
      '700 /home/sandbox',
      '444 /etc/passwd',
    ]);
  });

  test('scratch is bounded in bytes', async () => {
    const answer = await say(
      'for d in /tmp /dev/shm /home/sandbox; do head -c 3000000 /dev/zero >$d/fill 2>/dev/null; stat -c "%s" $d/fill; rm $d/fill; done',
      { limits: { memoryBytes: 1_048_576 } },
    );
    expect(answer.split('\n')).toEqual(['262144', '262144', '262144']);
  });

  test('no /proc entry tells of the kernel', async () => {
    expect(host.maskedFiles).toContain('/proc/kallsyms');
    const files = [...host.maskedFiles].join(' ');
    expect(
      await say(
        `for f in ${files}; do head -c 1 $f 2>/dev/null | wc -c; done | sort -u; ls -A ${host.maskedFolders.join(' ')} 2>/dev/null | grep -v "^/proc" | grep . ; true`,
      ),
    ).toBe('0');
  });

  test.each(['/tmp', '/home', '/home/user', '/root', '/srv', '/var/tmp/deep'])(
    'a workspace below %s is seen and written through, its neighbours are not',
    async (parent) => {
      using outer = workspaceIn('/tmp');
      const target = join(parent, 'project');
      writeFileSync(join(outer.path, 'given'), 'given\n');
      const mount = { source: outer.path, target, mode: 'rw' } as const;
      const answer = await say(`cat ${target}/given; cd ${target} && echo new >made; cat made; ls -A ${parent}`, { workspaces: [mount] });
      expect(answer.split('\n')).toEqual(['given', 'new', 'project', ...(parent === '/home' ? ['sandbox'] : [])]);
      expect(readFileSync(join(outer.path, 'made'), 'utf8')).toBe('new\n');
    },
  );

  test('a workspace within a workspace, and a read-only folder within it', async () => {
    using outer = workspaceIn('/tmp');
    for (const name of ['inner', 'tool']) {
      mkdirSync(join(outer.path, name));
      chmodSync(join(outer.path, name), 0o777);
    }
    const answer = await say(`cd ${outer.path}; touch a inner/b && echo written; touch tool/c 2>/dev/null || echo refused`, {
      workspaces: [
        { source: join(outer.path, 'inner'), target: join(outer.path, 'inner'), mode: 'rw' },
        { source: outer.path, target: outer.path, mode: 'rw' },
      ],
      mounts: [{ source: join(outer.path, 'tool'), target: join(outer.path, 'tool'), mode: 'ro' }],
    });
    expect(answer.split('\n')).toEqual(['written', 'refused']);
  });

  test('a workspace that is missing fails the start, a toolchain that is missing does not', async () => {
    expect(await say('echo ok', { mounts: [{ source: '/nonexistent/tool', target: '/opt/tool', mode: 'ro' }] })).toBe('ok');
    const ended = await run('echo ok', { workspaces: [{ source: '/nonexistent/work', target: '/srv/work', mode: 'rw' }] });
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(/nonexistent/);
  });

  test("network none has a loopback and nothing else; host has the host's and its name servers", async () => {
    const count = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort | tr '\\n' ' '";
    expect(await say(`${count}; cat /etc/resolv.conf 2>/dev/null; true`)).toBe('lo');
    const outside = readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .slice(2)
      .filter(Boolean)
      .map((line) => line.split(':')[0]?.trim() ?? '')
      .toSorted();
    expect((await say(count, { network: 'host' })).trim().split(' ').toSorted()).toEqual(outside);
    expect(await say('cat /etc/resolv.conf', { network: 'host' })).toBe(host.resolvConf.trim());
  });

  test('an empty, a torn and a random filter refuse to start', async () => {
    for (const program of [new Uint8Array(0), new Uint8Array(13).fill(1), new Uint8Array(64).fill(0xa5)]) {
      using folder = temporaryFolder();
      const payload = join(folder.path, 'payload');
      writeFileSync(payload, '#!/bin/sh\necho started\n', { mode: 0o755 });
      const built = buildBubblewrapArguments(inputOf(specOf(), payload));
      const ended = await runBubblewrap({ args: built.args, data: [...built.data.slice(0, -1), program] }, { uid });
      expect(ended.stdout).toBe('');
      expect(ended.code).not.toBe(0);
    }
  });

  test('when pid 1 ends, everything in it does, setsid and nohup included', async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    for (const form of ['isolated', 'pid-namespace'] as const) {
      const beat = join(folder.path, form);
      const loop = `sh -c 'while :; do echo x >>${beat}; sleep 0.02; done'`;
      await run(
        `setsid ${loop} </dev/null >/dev/null 2>&1 & nohup ${loop} >/dev/null 2>&1 & sleep 0.3`,
        { workspaces: [{ source: folder.path, target: folder.path, mode: 'rw' }] },
        { form },
      );
      const before = readFileSync(beat, 'utf8').length;
      expect(before).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(readFileSync(beat, 'utf8')).toHaveLength(before);
    }
  });

  test('the pid namespace form sees the host as its user and only its own processes', async () => {
    expect(
      await say(
        'echo $$; ls -d /work /usr /etc/hostname 2>/dev/null | wc -l >/dev/null; ls /proc | grep -c "^[0-9]*$"; tr "\\0" "\\n" </proc/1/environ | grep -c SECRET; id -u; true',
        {},
        { form: 'pid-namespace', env: { SECRET: 'x' } },
      ),
    ).toMatch(new RegExp(`^1\n[2-5]\n0\n${String(uid ?? process.getuid?.())}$`));
  });
});
