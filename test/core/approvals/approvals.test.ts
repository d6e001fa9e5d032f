import { describe, expect, it } from 'vitest';
import type { Answer, Question } from '../../../src/core/operation.ts';
import { MAX_FILES } from '../../../src/core/approvals/file-marks.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import { type Ask, asks, callOf, type Desk, openDesk, questionFor, refusalOf } from './support.ts';

const BY = 'a person';
const RUN: Ask = { command: ['deploy', './site.sh', '--to=conf.ini'], cwd: undefined };
const GIT: Ask = { command: ['git', 'log', '--oneline'] };

const allowed = (desk: Desk, input: Ask, context = {}): Promise<void> => desk.approvals.approve(callOf(input, context), asks(input));

describe('without an answer', () => {
  it('refuses in bounded time, with the id and the line that grants it', async () => {
    const began = performance.now();
    const { code, message, hint, details } = await refusalOf(allowed(openDesk(), RUN));
    expect(performance.now() - began).toBeLessThan(2000);
    expect(code).toBe('approval_required');
    expect(message).toBe('execute_command: it is dangerous (rule careful), and nobody has approved it yet.');
    expect(details['grant']).toBe(`corral approvals grant ${details['approval'] as string}`);
    expect(hint).toContain(details['grant'] as string);
  });

  it('keeps one question for the same call, and another for another caller', async () => {
    const desk = openDesk({ waitMs: 0 });
    const first = await questionFor(desk, RUN);
    expect(await questionFor(desk, { ...RUN, wait_seconds: 3 })).toBe(first);
    expect(await questionFor(desk, RUN, { caller: { id: 'other', via: 'mcp', scopes: [] } })).not.toBe(first);
    expect(await desk.approvals.list(false)).toHaveLength(2);
  });

  it('ends with the call', async () => {
    const stop = new AbortController();
    const work = refusalOf(allowed(openDesk({ waitMs: 30_000 }), RUN, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 50);
    expect((await work).code).toBe('cancelled');
  });

  it('bounds the questions of one caller', async () => {
    const desk = openDesk({ waitMs: 0 });
    for (let i = 0; i < 64; i += 1) await questionFor(desk, { command: ['deploy', `${i}`] });
    expect((await refusalOf(allowed(desk, { command: ['deploy', 'more'] }))).code).toBe('limit_exceeded');
    expect((await refusalOf(allowed(desk, { command: ['deploy', '3'] }))).code).toBe('approval_required');
  });
});

describe('what a grant is bound to', () => {
  const grantedFor = async (input: Ask): Promise<Desk> => {
    const desk = openDesk({ waitMs: 0 });
    desk.files.set('/work/site.sh', 'echo one').set('/work/conf.ini', 'a=1').set('/work/sub/site.sh', 'echo sub');
    await desk.approvals.answer(await questionFor(desk, input), { verdict: 'grant', scope: 'session', by: BY });
    return desk;
  };

  it('is this very call', async () => {
    const desk = await grantedFor(RUN);
    await allowed(desk, RUN);
    await allowed(desk, { ...RUN, wait_seconds: 5 });
  });

  it.each<[string, Ask]>([
    ['argv', { command: ['deploy', './site.sh', '--to=conf.ini', '--force'] }],
    ['the order of argv', { command: ['deploy', '--to=conf.ini', './site.sh'] }],
    ['shell text in place of argv', { command: 'deploy ./site.sh --to=conf.ini' }],
    ['cwd', { ...RUN, cwd: '/work' }],
    ['env', { ...RUN, env: { TARGET: 'production' } }],
    ['stdin', { ...RUN, stdin: 'y' }],
    ['the sandbox', { ...RUN, sandbox: 's2' }],
  ])('another %s is another call', async (_what, other) => {
    expect((await refusalOf(allowed(await grantedFor(RUN), other))).code).toBe('approval_required');
  });

  it('another rule, program, caller or face is another call', async () => {
    const desk = await grantedFor(RUN);
    const { approvals } = desk;
    const elsewhere = [{ name: 'deploy', path: '/usr/local/bin/deploy', argv: [], rule: 'careful' }];
    expect((await refusalOf(approvals.approve(callOf(RUN), asks(RUN, { rule: 'new' })))).code).toBe('approval_required');
    expect((await refusalOf(approvals.approve(callOf(RUN), asks(RUN, { programs: elsewhere })))).code).toBe('approval_required');
    for (const caller of [
      { id: 'other', via: 'mcp' as const, scopes: [] },
      { id: 'agent', via: 'cli' as const, scopes: [] },
    ])
      expect((await refusalOf(allowed(desk, RUN, { caller }))).code).toBe('approval_required');
  });

  it.each(['driver', 'network'] as const)('another %s of the server is another call', async (what) => {
    const granted = await grantedFor(RUN);
    const same = { driver: 'bubblewrap', network: 'none', workspaces: ['/work'] };
    const deskAt = (at: typeof same): Desk => {
      const desk = openDesk({ waitMs: 0, at }, granted.store);
      for (const [path, text] of granted.files) desk.files.set(path, text);
      return desk;
    };
    await allowed(deskAt(same), RUN);
    expect((await refusalOf(allowed(deskAt({ ...same, [what]: 'host' }), RUN))).code).toBe('approval_required');
  });

  it.each(['/work/site.sh', '/work/conf.ini'])('a change of %s voids it, and its old content makes it good again', async (path) => {
    const desk = await grantedFor(RUN);
    const before = desk.files.get(path) ?? '';
    desk.files.set(path, `${before} # and more`);
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
    desk.files.delete(path);
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
    desk.files.set(path, before);
    await allowed(desk, RUN);
  });

  it('a file that appears where there was none voids it', async () => {
    const desk = openDesk({ waitMs: 0 });
    await desk.approvals.answer(await questionFor(desk, RUN), { verdict: 'grant', scope: 'session', by: BY });
    desk.files.set('/work/site.sh', 'rm -rf /work');
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
  });

  it('a script that changes while the question waits is not what was approved', async () => {
    const desk = openDesk({ waitMs: 1500 });
    desk.files.set('/work/site.sh', 'echo one');
    const work = refusalOf(allowed(desk, RUN));
    await expect.poll(() => desk.approvals.list(false)).toHaveLength(1);
    desk.files.set('/work/site.sh', 'echo two');
    const [first] = await desk.approvals.list(false);
    await desk.approvals.answer(first?.id ?? '', { verdict: 'grant', scope: 'once', by: BY });
    const { code, details } = await work;
    expect(code).toBe('approval_required');
    expect(details['approval']).not.toBe(first?.id);
  });

  it('files that cannot be read whole leave a grant for one call, and say so', async () => {
    const desk = openDesk({ waitMs: 0 });
    const names = Array.from({ length: MAX_FILES + 1 }, (_, i) => `f${i}`);
    for (const name of names) desk.files.set(`/work/${name}`, name);
    let question: Question | undefined;
    const elicit = async (asked: Question): Promise<undefined> => void (question = asked);
    const id = await questionFor(desk, { command: ['deploy', ...names] }, { elicit });
    expect(question?.choices).toEqual(['allow once', 'deny']);
    expect(question?.message).toContain(`Not checked for changes until it runs: /work/f${MAX_FILES}`);
    expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'session', by: BY }))).code).toBe('invalid_input');
  });
});

describe('scopes', () => {
  it('once is one call', async () => {
    const desk = openDesk({ waitMs: 0 });
    const id = await questionFor(desk, RUN);
    await desk.approvals.answer(id.slice(0, 6), { verdict: 'grant', scope: 'once', by: BY });
    await allowed(desk, RUN);
    expect(await questionFor(desk, RUN)).not.toBe(id);
    expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'session', by: BY }))).code).toBe('conflict');
  });

  it('one grant is used by one of many calls, on whichever server', async () => {
    const one = openDesk({ waitMs: 0 });
    const two = openDesk({ waitMs: 0, server: 'v2' }, one.store);
    await one.approvals.answer(await questionFor(one, RUN), { verdict: 'grant', scope: 'once', by: BY });
    const tries = await Promise.allSettled([one, two, one, two, two, one].map((desk) => allowed(desk, RUN)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('a session is this server', async () => {
    const desk = openDesk({ waitMs: 0 });
    await desk.approvals.answer(await questionFor(desk, RUN), { verdict: 'grant', scope: 'session', by: BY });
    for (let i = 0; i < 3; i += 1) await allowed(desk, RUN);
    expect((await refusalOf(allowed(openDesk({ waitMs: 0, server: 'v2' }, desk.store), RUN))).code).toBe('approval_required');
  });

  it('a prefix covers what begins with it, of the same caller, in the same circumstances', async () => {
    const desk = openDesk({ waitMs: 0 });
    const id = await questionFor(desk, GIT);
    for (const prefix of [0, 4, 1.5, undefined])
      expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'prefix', prefix, by: BY }))).code).toBe(
        'invalid_input',
      );
    await desk.approvals.answer(id, { verdict: 'grant', scope: 'prefix', prefix: 2, by: BY });
    await allowed(desk, GIT);
    await allowed(desk, { command: ['git', 'log', '--stat'] });
    const others: Ask[] = [
      { command: ['git', 'status'] },
      { command: ['git', 'log', '--output=/work/x'] },
      { command: ['git', 'log', '--stat'], env: { GIT_PAGER: 'sh' } },
      { command: 'git log --stat' },
    ];
    for (const other of others) expect((await refusalOf(allowed(desk, other))).code, JSON.stringify(other)).toBe('approval_required');
    expect((await refusalOf(allowed(desk, GIT, { caller: { id: 'other', via: 'mcp', scopes: [] } }))).code).toBe('approval_required');
  });

  it.each([
    ['an interpreter', ['python3', 'x.py']],
    ['a wrapper', ['xargs', 'ls']],
    ['a package manager', ['npm', 'test']],
    ['an unknown program', ['deploy', 'now']],
    ['an option that starts programs', ['git', '-c', 'core.pager=sh', 'log']],
    ['a file outside the workspaces', ['cat', '/etc/passwd']],
  ])('a prefix is not offered for %s', async (_what, command) => {
    const desk = openDesk({ waitMs: 0 });
    const id = await questionFor(desk, { command });
    expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'prefix', prefix: 1, by: BY }))).code).toBe(
      'invalid_input',
    );
  });

  it('a link to an unsafe program is one', async () => {
    const desk = openDesk({ waitMs: 0 });
    const input = { command: ['ls', '-l'] };
    const id = await questionFor(
      desk,
      input,
      {},
      asks(input, { programs: [{ name: 'ls', path: '/usr/bin/busybox', argv: ['ls'], rule: 'careful' }] }),
    );
    expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'prefix', prefix: 1, by: BY }))).code).toBe(
      'invalid_input',
    );
  });
});

describe('time', () => {
  it('a question expires', async () => {
    const desk = openDesk({ waitMs: 0 });
    const id = await questionFor(desk, RUN);
    desk.pass(600_001);
    expect((await refusalOf(desk.approvals.answer(id, { verdict: 'grant', scope: 'once', by: BY }))).code).toBe('conflict');
    expect(await questionFor(desk, RUN)).not.toBe(id);
  });

  it.each(['once', 'session'] as const)('a grant (%s) expires', async (scope) => {
    const desk = openDesk({ waitMs: 0 });
    await desk.approvals.answer(await questionFor(desk, RUN), { verdict: 'grant', scope, by: BY });
    desk.pass(3_600_001);
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
  });

  it('a denial holds for a while, can be turned round, and a grant taken back', async () => {
    const desk = openDesk({ waitMs: 0 });
    const id = await questionFor(desk, RUN);
    await desk.approvals.answer(id, { verdict: 'deny', note: 'not today', by: BY });
    const { code, message } = await refusalOf(allowed(desk, RUN));
    expect(code).toBe('denied');
    expect(message).toContain('a person said no: not today');
    await desk.approvals.answer(id, { verdict: 'grant', scope: 'session', by: BY });
    await allowed(desk, RUN);
    await desk.approvals.answer(id, { verdict: 'deny', by: BY });
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('denied');
    desk.pass(600_001);
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
  });
});

describe('who answers', () => {
  const saying = (answer: Answer | undefined) => (): Promise<Answer | undefined> => Promise.resolve(answer);

  it('a person elsewhere, while the call waits', async () => {
    const desk = openDesk({ waitMs: 10_000 });
    const work = allowed(desk, RUN);
    await expect.poll(() => desk.approvals.list(false)).toHaveLength(1);
    const [record] = await openDesk({}, desk.store).approvals.list(false);
    await openDesk({ server: 'v2' }, desk.store).approvals.answer(record?.id ?? '', { verdict: 'grant', scope: 'once', by: BY });
    await work;
    expect((await desk.store.approvals.find(record?.id ?? ''))?.state).toBe('used');
  });

  it('a person elsewhere, by saying no while the client is being asked; the client is then told to stop', async () => {
    const desk = openDesk({ waitMs: 10_000 });
    let stopped = false;
    const elicit = (_: Question, signal: AbortSignal): Promise<undefined> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(new Error('stopped'));
        });
      });
    const work = refusalOf(allowed(desk, RUN, { elicit }));
    await expect.poll(() => desk.approvals.list(false)).toHaveLength(1);
    const [record] = await desk.approvals.list(false);
    await desk.approvals.answer(record?.id ?? '', { verdict: 'deny', by: BY });
    expect((await work).code).toBe('denied');
    expect(stopped).toBe(true);
    expect(desk.complaints).toEqual([]);
  });

  it('the client: once, for the session, or no', async () => {
    const desk = openDesk();
    await allowed(desk, RUN, { elicit: saying({ choice: 'allow once' }) });
    expect((await refusalOf(allowed(desk, RUN))).code).toBe('approval_required');
    await allowed(desk, RUN, { elicit: saying({ choice: 'allow for this session' }) });
    await allowed(desk, RUN);
    const other: Ask = { command: ['deploy', 'other'] };
    expect((await refusalOf(allowed(desk, other, { elicit: saying({ choice: 'deny' }) }))).code).toBe('denied');
    const third: Ask = { command: ['deploy', 'third'] };
    expect((await refusalOf(allowed(desk, third, { elicit: saying({}) }))).code).toBe('denied');
  });

  it.each<[string, () => Promise<Answer | undefined>, readonly string[]]>([
    ['dismisses the question', saying(undefined), []],
    ['answers what was not offered', saying({ choice: 'allow everything' }), ['the client answered with what was not offered']],
    ['fails', () => Promise.reject(new Error('no dialog')), ['the client could not be asked']],
  ])('nobody, when the client %s', async (_what, elicit, complaints) => {
    const desk = openDesk();
    expect((await refusalOf(allowed(desk, RUN, { elicit }))).code).toBe('approval_required');
    expect(desk.complaints).toEqual(complaints);
  });

  it('the client that has to call again ends the call at once', async () => {
    const desk = openDesk({ waitMs: 45_000 });
    const began = performance.now();
    const elicit = (): Promise<undefined> => Promise.reject(new CorralError('approval_required', 'call again'));
    expect((await refusalOf(allowed(desk, RUN, { elicit }))).message).toBe('call again');
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

it('what is shown cannot be made to look like something else, and holds no secret', async () => {
  const desk = openDesk({ waitMs: 0 });
  await questionFor(desk, { command: ['echo', 'a\nb\u202Ec'], env: { API_TOKEN: 'hunter2hunter2', LANG: 'C' } });
  const [record] = await desk.approvals.list(false);
  expect(record?.text).toBe(`echo 'a\\u{a}b\\u{202e}c'   with {"env":{"API_TOKEN":"[secret]","LANG":"C"}}`);
});
