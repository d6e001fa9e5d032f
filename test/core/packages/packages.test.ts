import { describe, expect, it } from 'vitest';
import { asRulesName, chooseManager, detectManager, refusePackage } from '../../../src/core/packages/choose.ts';
import { byJson, byLines } from '../../../src/core/packages/listed.ts';
import { findManager, MANAGERS, type Manager } from '../../../src/core/packages/managers.ts';
import { planInstall } from '../../../src/core/packages/service.ts';
import type { LiveSandbox } from '../../../src/core/sandboxes/types.ts';

const manager = (name: string): Manager => {
  const found = findManager(name);
  if (found === undefined) throw new Error(`no manager ${name}`);
  return found;
};

describe('names of packages', () => {
  it.each([
    ['pip', ['requests', 'requests==2.32.0', 'uvicorn[standard]>=0.30,<1', 'zope.interface', 'a', 'numpy~=2.0', 'x!=1.*']],
    ['npm', ['typescript', '@types/node', '@types/node@22.1.0', 'left-pad@latest', 'a@^1.2.3', 'lodash.get']],
    ['cargo', ['ripgrep', 'ripgrep@14.1.0', 'cargo-edit@0.12']],
    ['go', ['golang.org/x/tools/gopls', 'golang.org/x/tools/gopls@v0.16.0', 'github.com/a/b-c@latest']],
    ['gem', ['rake', 'rake:13.2.1']],
    ['apt', ['jq', 'libstdc++6', 'g++', 'jq=1.7.1-3', 'libc6:i386', 'python3.12']],
    ['apk', ['jq', 'gtk+3.0']],
    ['dnf', ['jq', 'libstdc++']],
  ])('%s takes its own', (name, specs) => {
    for (const spec of specs) expect(refusePackage(manager(name), spec), spec).toBeUndefined();
  });

  it.each(MANAGERS.map((one) => [one.name, one] as const))('%s takes nothing that is not a name', (_name, one) => {
    const refused = [
      ...[
        '--index-url=http://evil',
        '-r',
        '-',
        '--',
        '',
        ' ',
        'a b',
        'a\tb',
        'a\nb',
        'a;b',
        'a|b',
        'a&b',
        '$(id)',
        '`id`',
        'a>b;c',
        "a'b",
        'a"b',
      ],
      ...[
        '../x',
        './x',
        '/etc/passwd',
        'file:/x',
        'git+https://x/y',
        'https://x/y.tgz',
        'a\0b',
        'a%b',
        'ä',
        'a\\b',
        'a*b',
        '~',
        'x'.repeat(300),
      ],
    ];
    for (const spec of refused) expect(refusePackage(one, spec), JSON.stringify(spec)).toMatch(/is not how .+ names a package/);
  });

  it('of apt do not ask to remove', () => {
    for (const spec of ['bash-', 'bash=5-', 'bash:amd64-']) expect(refusePackage(manager('apt'), spec), spec).toBeDefined();
  });

  it('are read in no time, however long', () => {
    const began = performance.now();
    for (const one of MANAGERS) for (const text of ['a', 'a.', 'a-', 'a@', 'a/', '1=']) refusePackage(one, text.repeat(100_000));
    for (const one of MANAGERS) for (const text of ['a', 'a.', 'a-', 'a@', 'a/', '1=']) one.grammar.test(`${text.repeat(100)}!`);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it.each([
    ['pip', 'uvicorn[standard]>=0.30', 'uvicorn'],
    ['npm', '@types/node@22.1.0', '@types/node'],
    ['npm', 'left-pad@1', 'left-pad'],
    ['cargo', 'ripgrep@14', 'ripgrep'],
    ['gem', 'rake:13', 'rake'],
    ['apt', 'libc6:i386=2.1', 'libc6'],
  ])('%s: %s is about %s', (name, spec, bare) => {
    expect(manager(name).bare(spec)).toBe(bare);
    expect(asRulesName(manager(name), [spec])).toEqual([`${name}:${bare}`]);
  });
});

describe('which manager', () => {
  it.each([
    ['pytest', 'pip'],
    ['numpy', 'pip'],
    ['node-fetch', 'npm'],
    ['rust-analyzer', 'cargo'],
    ['cargo-edit', 'cargo'],
    ['imagemagick', 'apt'],
  ])('%s is of %s', (name, wanted) => {
    expect(detectManager(name)).toBe(wanted);
    expect(chooseManager(undefined, [name]).name).toBe(wanted);
  });

  it.each([
    ['apt-get', 'apt'],
    ['pip3', 'pip'],
    ['python', 'pip'],
    ['py', 'pip'],
    ['typescript', 'npm'],
    ['golang', 'go'],
    ['rs', 'cargo'],
    ['yum', 'dnf'],
  ])('%s means %s', (name, wanted) => expect(chooseManager(name, ['x']).name).toBe(wanted));

  it('is asked for where names do not agree, and where it is not known', () => {
    expect(() => chooseManager(undefined, ['pytest', 'jq'])).toThrow(/do not belong to one manager/);
    expect(() => chooseManager('brew', ['jq'])).toThrow(/"brew" is none of pip, npm/);
    expect(() => chooseManager('perl', ['x'])).toThrow(/no language with one/);
    expect(() => chooseManager('constructor', ['x'])).toThrow(/is none of/);
  });
});

describe('lists', () => {
  it.each<[string, string, string, string]>([
    ['pip', '[{"name":"six","version":"1.16.0"}]', 'six', '1.16.0'],
    ['npm', '{"name":"lib","dependencies":{"@a/b":{"version":"1.0.0","overridden":false}}}', '@a/b', '1.0.0'],
    ['cargo', 'ripgrep v14.1.0:\n    rg\n', 'ripgrep', '14.1.0'],
    ['cargo', 'mine v0.1.0 (/home/me/mine):\n    mine\n', 'mine', '0.1.0'],
    [
      'go',
      '/go/bin/gopls: go1.22.1\n\tpath\tgolang.org/x/tools/gopls\n\tmod\tgolang.org/x/tools/gopls\tv0.16.0\th1:x=\n',
      'golang.org/x/tools/gopls',
      'v0.16.0',
    ],
    ['gem', 'rake (13.2.1, 13.0.6)\n', 'rake', '13.2.1'],
    ['gem', 'json (default: 2.7.1)\n', 'json', '2.7.1'],
    ['apt', 'libstdc++6\t13.2.0-4\n', 'libstdc++6', '13.2.0-4'],
    ['apk', 'ca-certificates-bundle-20240226-r0\n', 'ca-certificates-bundle', '20240226-r0'],
    ['dnf', 'bash\t5.2-1.fc40\n', 'bash', '5.2-1.fc40'],
  ])('of %s: %j', (name, text, wanted, version) => {
    expect(manager(name).read(text)).toEqual([{ name: wanted, version }]);
  });

  it('that are none are empty, and long ones end', () => {
    for (const text of ['', 'null', '7', '"x"', '[1,null,{}]', '{"dependencies":[]}', '{', 'warning']) expect(byJson(text)).toEqual([]);
    expect(byLines(/^(a) (b)$/)('a b\n'.repeat(20_000))).toHaveLength(10_000);
  });
});

describe('what is started', () => {
  const found = (name: string, before: readonly string[] = []) => ({
    manager: manager(name),
    live: {} as LiveSandbox,
    env: {},
    words: (recipe: readonly string[], _values = {}, changes = false) => [
      ...(changes ? before : []),
      ...recipe.map((word) => (word === '{tool}' ? `/bin/${name}` : word)),
    ],
  });

  it('is argv, with the names behind the end of options', () => {
    const { steps, timeoutMs } = planInstall(found('pip'), ['a', 'b==1']);
    expect(steps).toHaveLength(1);
    expect(steps[0]?.slice(-3)).toEqual(['--', 'a', 'b==1']);
    expect(timeoutMs).toBe(300_000);
  });

  it('asks the registry first where there is one to refresh, for at most half a minute, and goes on whatever came of it', () => {
    const { steps, timeoutMs } = planInstall(found('apt', ['sudo', '-n', '--']), ['jq']);
    expect(steps.map((step) => step.slice(-3))).toEqual([
      ['/bin/apt', '--quiet', 'update'],
      ['--no-install-recommends', '--', 'jq'],
    ]);
    expect(steps[0]?.[2]).toMatch(/timeout 30 .*exit 0$/);
    expect(steps[1]?.slice(0, 3)).toEqual(['sudo', '-n', '--']);
    expect(timeoutMs).toBe(330_000);
  });

  it('names the latest version where the manager wants one', () => {
    expect(planInstall(found('go'), ['a.b/c', 'a.b/c@v1.0.0']).steps[0]?.slice(-2)).toEqual(['a.b/c@latest', 'a.b/c@v1.0.0']);
  });
});
