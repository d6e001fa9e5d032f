import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/policy/explain.ts';
import { requestOfRecord } from '../../../src/core/policy/history.ts';
import { replay } from '../../../src/core/policy/replay.ts';
import { allowList, sandboxRules } from '../../../src/core/policy/rules.ts';
import type { ExecutionRecord } from '../../../src/ports/store.ts';
import { allowing, policyOf, ROOT, rulesOf } from './support/policy.ts';

describe('an allow list', () => {
  it('gives what is executed: resolved path, hardening, and a plan of it', () => {
    const { verdict, programs, plan } = allowing('ls', 'git').decide({ shell: 'git log | ls' });
    expect(verdict).toBe('allow');
    expect(programs.map(({ name, path }) => [name, path])).toEqual([
      ['git', '/usr/bin/git'],
      ['ls', '/usr/bin/ls'],
    ]);
    expect(plan?.steps[0]?.stages[0]).toMatchObject({ path: '/usr/bin/git', insert: { at: 1 }, env: { GIT_CONFIG_NOSYSTEM: '1' } });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it('puts what hardens a program behind its name, not behind that of a wrapper', () => {
    const { plan } = allowing('timeout', 'git').decide({ shell: 'timeout 5 git log' });
    expect(plan?.steps[0]?.stages[0]).toMatchObject({ path: '/usr/bin/timeout', insert: { at: 3 } });
  });

  it('marks patterns whose matches have to lie beneath the roots', () => {
    const command = allowing('cat', 'ls').decide({ shell: 'cat -n *.md a' }).plan?.steps[0]?.stages[0];
    expect(command).toMatchObject({ inside: [2] });
    expect(allowing('ls').decide({ shell: 'ls *.md' }).plan?.steps[0]?.stages[0]).not.toHaveProperty('inside');
  });

  it.each([
    ['a link that leaves', 'cat link-out/shadow'],
    ['a link that leads nowhere, through another folder', 'cat link-out/nothing'],
    ['a parent of a folder that is not there', 'cat gone/../../etc/shadow'],
    ['a folder behind cd', 'cd src; cat ../../etc/shadow'],
    ['cd through a link', 'cd link-out && cat shadow'],
    ['cd that may have failed', 'cd src && true; cat ../../x'],
  ])('keeps content beneath the roots: %s', (_name, shell) => {
    expect(allowing('cat', 'true').decide({ shell })).toMatchObject({ verdict: 'deny' });
  });

  it('follows cd: what is beneath the roots from every folder a command may be in', () => {
    const policy = allowing('cat');
    expect(policy.decide({ shell: 'cd src && cat ../a' })).toMatchObject({ verdict: 'allow' });
    expect(policy.decide({ shell: 'cd src; cat ../a' })).toMatchObject({ verdict: 'deny' });
    expect(policy.decide({ shell: 'cd src || cat ../a' })).toMatchObject({ verdict: 'deny' });
  });

  it('takes an unknown program as argv only', () => {
    const policy = allowing('mytool');
    expect(policy.decide({ argv: ['mytool', '--anything'] })).toMatchObject({ verdict: 'allow' });
    expect(policy.decide({ shell: 'mytool' })).toMatchObject({ verdict: 'deny' });
  });

  it('takes an own program by the list that the rules give it', () => {
    const policy = policyOf(
      rulesOf({
        rules: [{ id: 'own', match: { program: ['mytool', 'node'] }, effect: 'allow' }],
        programs: { mytool: { options: ['-v', '-o:', '--name='], operands: 'read' }, node: { options: ['--check'], operands: 'read' } },
      }),
    );
    for (const shell of ['mytool -v a', 'mytool -vo x --name=y a', 'node --check a'])
      expect([shell, policy.decide({ shell }).verdict]).toEqual([shell, 'allow']);
    for (const shell of ['mytool --other', 'mytool /etc/shadow', 'node -e 1'])
      expect([shell, policy.decide({ shell }).verdict]).toEqual([shell, 'deny']);
  });

  it('does not follow a name into the properties of objects', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(allowing('ls').decide({ argv: [name] })).toMatchObject({ verdict: 'deny' });
      expect(allowing('env').decide({ argv: ['env', name] })).toMatchObject({ verdict: 'deny' });
      expect(allowing('git').decide({ argv: ['git', name] })).toMatchObject({ verdict: 'deny' });
    }
  });

  it('sees through a link to a program that is unsafe', () => {
    const facts = { ...allowing('tool').facts };
    const policy = policyOf(allowList(['tool']));
    expect(policy.decide({ argv: ['tool'] }).verdict).toBe('allow');
    expect(facts.resolver.resolve('tool')).toEqual({ kind: 'found', path: '/usr/bin/tool' });
  });
});

describe('rules', () => {
  it('the first that matches decides, and in a pipeline the strictest holds', () => {
    const policy = policyOf(
      rulesOf({
        rules: [
          { id: 'asks', match: { program: ['sort'] }, effect: 'ask', caps: { timeoutSeconds: 5 } },
          { id: 'no', match: { program: ['rm'] }, effect: 'deny' },
          { id: 'yes', match: { program: ['ls', 'sort', 'rm'] }, effect: 'allow', caps: { timeoutSeconds: 9, memoryBytes: 100 } },
        ],
      }),
    );
    expect(policy.decide({ shell: 'ls' })).toMatchObject({ verdict: 'allow', rule: 'yes', caps: { timeoutSeconds: 9 } });
    expect(policy.decide({ shell: 'ls | sort' })).toMatchObject({
      verdict: 'ask',
      rule: 'asks',
      caps: { timeoutSeconds: 5, memoryBytes: 100 },
    });
    expect(policy.decide({ shell: 'ls | sort; rm x' })).toMatchObject({ verdict: 'deny', rule: 'no' });
    expect(policy.decide({ shell: 'ls; wc' })).toMatchObject({ verdict: 'deny', rule: 'default' });
  });

  it('an unsafe program may be asked for, and what it asks about says why', () => {
    const policy = policyOf(rulesOf({ rules: [{ id: 'asks', match: { program: ['node'] }, effect: 'ask' }] }));
    expect(policy.decide({ argv: ['node', 'x.js'] })).toMatchObject({ verdict: 'ask', rule: 'asks' });
  });

  it('match operations, callers, packages and paths', () => {
    const policy = policyOf(
      rulesOf({
        rules: [
          { id: 'no-secrets', match: { operation: ['files.act'], paths: [`${ROOT}/src`] }, effect: 'deny' },
          { id: 'files', match: { operation: ['files.*'], paths: [ROOT] }, effect: 'allow' },
          { id: 'pip', match: { operation: ['packages.install'], packages: ['pip:numpy', 'pip:req*'] }, effect: 'allow' },
          { id: 'boss', match: { caller: ['boss*'], operation: ['sandbox.act'] }, effect: 'allow' },
        ],
      }),
    );
    const verdict = (request: unknown): string => `${policy.decide(request).verdict} ${policy.decide(request).rule}`;
    expect(verdict({ operation: 'files.act', paths: ['a'] })).toBe('allow files');
    expect(verdict({ operation: 'files.act', paths: ['a', 'src/x'] })).toBe('deny no-secrets');
    expect(verdict({ operation: 'files.act', paths: ['/etc/shadow'] })).toBe('deny workspace');
    expect(verdict({ operation: 'files.act' })).toBe('deny default');
    expect(verdict({ operation: 'packages.install', packages: ['pip:requests', 'pip:numpy'] })).toBe('allow pip');
    expect(verdict({ operation: 'packages.install', packages: ['pip:requests', 'npm:x'] })).toBe('deny default');
    expect(verdict({ operation: 'sandbox.act', caller: 'boss-1' })).toBe('allow boss');
    expect(verdict({ operation: 'sandbox.act', caller: 'other' })).toBe('deny default');
  });

  it('grant redirections to files of the workspace, never hidden ones', () => {
    const grant = (redirects: 'read' | 'workspace') =>
      policyOf(rulesOf({ rules: [{ id: 'r', match: { program: ['echo', 'cat'] }, effect: 'allow', redirects }] }));
    const verdict = (redirects: 'read' | 'workspace', shell: string): string => grant(redirects).decide({ shell }).verdict;
    expect(verdict('workspace', 'echo x > out.txt')).toBe('allow');
    expect(verdict('workspace', 'echo x >> src/out.txt')).toBe('allow');
    expect(verdict('read', 'cat < a')).toBe('allow');
    expect(verdict('read', 'echo x > out.txt')).toBe('deny');
    for (const target of [
      '.bashrc',
      'src/.env',
      '.git/hooks/x',
      '../x',
      '/etc/x',
      'link-out/x',
      'dangling',
      '/dev/tcp/a/1',
      '/proc/self/fd/3',
      `${ROOT}/../etc/x`,
    ])
      expect([target, verdict('workspace', `echo x > ${target}`)]).toEqual([target, 'deny']);
  });

  it('send text unread to a real shell in a sandbox only', () => {
    const policy = (driver: string) => policyOf(sandboxRules(), { driver });
    expect(policy('bubblewrap').decide({ shell: 'x=$(id); eval "$x"' })).toMatchObject({ verdict: 'allow', realShell: true });
    expect(policy('host').decide({ shell: 'ls' })).toMatchObject({ verdict: 'deny', rule: 'sandbox' });
    const mixed = policyOf(
      rulesOf({
        rules: [
          { id: 'no', match: { program: ['rm'] }, effect: 'deny' },
          { id: 'sandbox', effect: 'allow', shell: 'real', unsafe: true },
        ],
      }),
      { driver: 'bubblewrap' },
    );
    expect(mixed.decide({ shell: 'x=$(rm y)' })).toMatchObject({ verdict: 'deny', rule: 'grammar' });
    expect(mixed.decide({ shell: 'rm y' })).toMatchObject({ verdict: 'deny', rule: 'no' });
    expect(mixed.decide({ shell: 'ls | node x' })).toMatchObject({ verdict: 'allow' });
  });

  it('let a sandbox have variables, but none that chooses the code', () => {
    const policy = policyOf(sandboxRules(), { driver: 'bubblewrap' });
    expect(policy.decide({ argv: ['ls'], env: { FOO: '1', LC_ALL: 'C', CI: 'true' } })).toMatchObject({ verdict: 'allow' });
    for (const name of [
      'LD_PRELOAD',
      'PATH',
      'BASH_ENV',
      'NODE_OPTIONS',
      'GIT_SSH_COMMAND',
      'PAGER',
      'IFS',
      'HOME',
      'https_proxy',
      'PYTHONSTARTUP',
      'PERL5OPT',
      'GCONV_PATH',
      'A B',
      'a%',
      '',
    ])
      expect([name, policy.decide({ argv: ['ls'], env: { [name]: 'x' } }).rule]).toEqual([name, 'environment']);
  });

  it('fail closed when the engine itself fails', () => {
    const { facts } = allowing('ls');
    const broken = policyOf(allowList(['ls']), {
      files: {
        ...(facts.files as NonNullable<typeof facts.files>),
        realpath: (path) =>
          path === ROOT
            ? ROOT
            : (() => {
                throw new Error('disk on fire');
              })(),
      },
    });
    expect(broken.decide({ argv: ['ls'], cwd: 'x' })).toMatchObject({ verdict: 'deny', rule: 'internal' });
  });
});

describe('explain', () => {
  it('says which rule, why not the others, and what would change it', () => {
    const policy = policyOf(
      rulesOf({
        rules: [
          { id: 'a', match: { program: ['cat'] }, effect: 'allow' },
          { id: 'b', match: { program: ['find'] }, effect: 'allow' },
        ],
      }),
    );
    const found = explain(policy, { argv: ['find', '.', '-delete'] });
    expect(found.programs[0]?.steps).toEqual([
      { rule: 'a', effect: 'allow', mismatch: 'program' },
      { rule: 'b', effect: 'allow', mismatch: undefined },
    ]);
    expect(found.changes.join(' ')).toContain('unsafe: [find]');
    expect(explain(policy, { argv: ['rm'] }).changes[0]).toContain('match.program [rm]');
    expect(explain(policy, { shell: 'echo $(id)' }).changes[0]).toContain('shell: real');
    expect(explain(policy, 'nonsense').decision.rule).toBe('invalid');
  });
});

describe('replay', () => {
  const record = (steps: unknown, title: string): ExecutionRecord =>
    ({
      id: 'e1',
      sandbox: 's',
      status: 'finished',
      steps: typeof steps === 'string' ? steps : JSON.stringify(steps),
      title,
      cwd: ROOT,
      labels: '{}',
      meta: '{}',
      caller: 'local',
      startedMs: 0,
    }) as ExecutionRecord;

  it('tells what was asked for from what was recorded', () => {
    expect(requestOfRecord(record([['/bin/bash', '-c', 'ls | wc']], 'ls | wc'))?.request).toEqual({
      caller: 'local',
      cwd: ROOT,
      shell: 'ls | wc',
    });
    expect(requestOfRecord(record([['ls', '-l']], 'ls -l'))?.request).toEqual({ caller: 'local', cwd: ROOT, argv: ['ls', '-l'] });
    expect(requestOfRecord(record([['python3', '/tmp/x']], 'python: print(1)'))?.request).toMatchObject({ operation: 'code.execute' });
    expect(requestOfRecord(record('nonsense', 'x'))).toBeUndefined();
    expect(requestOfRecord(record([], 'x'))).toBeUndefined();
  });

  it('finds what other rules would have decided differently', () => {
    const history = [
      { id: '1', request: { shell: 'ls' } },
      { id: '2', request: { argv: ['rm', 'x'] } },
    ];
    const before = policyOf(sandboxRules(), { driver: 'bubblewrap' });
    const after = policyOf(allowList(['ls']), { driver: 'bubblewrap' });
    expect(replay(before, after, history).map(({ id, after: { verdict } }) => [id, verdict])).toEqual([['2', 'deny']]);
    expect(replay(before, before, history)).toEqual([]);
  });
});
