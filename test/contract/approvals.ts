import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApprovalAnswer, ApprovalRecord, ApprovalStore, GrantScope } from '../../src/ports/approvals.ts';
import { CorralError } from '../../src/ports/errors.ts';
import type { Store } from '../../src/ports/store.ts';

const NOW = 1_760_000_000_000;

export const aQuestion = (id: string, change: Partial<ApprovalRecord> = {}): ApprovalRecord => ({
  id,
  state: 'pending',
  binding: `binding of ${id}`,
  frame: 'frame',
  caller: 'agent',
  via: 'mcp',
  server: 'v1',
  operation: 'command.execute',
  tool: 'execute_command',
  text: "git push 'é 😀'",
  rule: 'careful',
  reason: 'it is dangerous',
  scopes: ['once', 'session', 'prefix'],
  words: ['git', 'push', 'origin'],
  createdMs: NOW,
  expiresMs: NOW + 1000,
  ...change,
});

const grant = (scope: GrantScope, change: Partial<ApprovalAnswer> = {}): ApprovalAnswer => ({
  state: 'granted',
  scope,
  answeredMs: NOW + 1,
  answeredBy: 'local (cli)',
  expiresMs: NOW + 10_000,
  ...change,
});

/** What every inbox promises: the meaning of `src/ports/approvals.ts`. */
export const describeApprovalsContract = (name: string, open: () => Promise<Store>): void => {
  describe(`approvals contract: ${name}`, () => {
    let store: Store;
    let inbox: ApprovalStore;
    beforeEach(async () => {
      store = await open();
      inbox = store.approvals;
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    const take = (id: string, change: { server?: string; frame?: string; words?: readonly string[]; nowMs?: number } = {}) =>
      inbox.take({ binding: `binding of ${id}`, frame: 'frame', server: 'v1', nowMs: NOW + 2, ...change });

    test('a question comes back as it went in, with and without its optional fields', async () => {
      const { words: _, ...bare } = aQuestion('a2');
      expect(await inbox.ask(aQuestion('a1', { cwd: '/work' }), 9)).toEqual(aQuestion('a1', { cwd: '/work' }));
      await inbox.ask(bare, 9);
      expect(await inbox.find('a1')).toEqual(aQuestion('a1', { cwd: '/work' }));
      expect(await inbox.find('a2')).toEqual(bare);
      expect(await inbox.find('a3')).toBeUndefined();
    });

    test('the same question is there once while it waits or a denial of it holds', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      expect((await inbox.ask(aQuestion('a2', { binding: 'binding of a1' }), 9)).id).toBe('a1');
      await inbox.answer('a1', grant('once', { state: 'denied', note: 'no', expiresMs: NOW + 5000 }), ['pending']);
      expect(await inbox.ask(aQuestion('a3', { binding: 'binding of a1' }), 9)).toMatchObject({ id: 'a1', state: 'denied', note: 'no' });
      expect((await inbox.ask(aQuestion('a4', { binding: 'binding of a1', createdMs: NOW + 5000 }), 9)).id).toBe('a4');
    });

    test('a caller has so many waiting questions and no more', async () => {
      await inbox.ask(aQuestion('a1'), 2);
      await inbox.ask(aQuestion('a2'), 2);
      const error: unknown = await inbox.ask(aQuestion('a3'), 2).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CorralError);
      expect((error as CorralError).code).toBe('limit_exceeded');
      expect((await inbox.ask(aQuestion('a4', { caller: 'other' }), 2)).id).toBe('a4');
      expect((await inbox.ask(aQuestion('a5', { createdMs: NOW + 1000 }), 2)).id).toBe('a5');
    });

    test('the first answer counts, unless a later one may replace it', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      expect(await inbox.answer('a1', grant('session'), ['pending'])).toBe(true);
      expect(await inbox.answer('a1', grant('once', { state: 'denied' }), ['pending'])).toBe(false);
      expect(await inbox.find('a1')).toMatchObject({
        state: 'granted',
        scope: 'session',
        answeredBy: 'local (cli)',
        expiresMs: NOW + 10_000,
      });
      const { scope: _, ...denial } = grant('once', { state: 'denied' });
      expect(await inbox.answer('a1', denial, ['granted'])).toBe(true);
      expect(await inbox.find('a1')).not.toHaveProperty('scope', 'session');
      expect(await inbox.answer('a9', grant('once'), ['pending'])).toBe(false);
    });

    test('an answer that comes too late is none', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      expect(await inbox.answer('a1', grant('once', { answeredMs: NOW + 1000 }), ['pending'])).toBe(false);
    });

    test('a grant for one call is used by one', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      expect(await take('a1')).toBeUndefined();
      await inbox.answer('a1', grant('once'), ['pending']);
      expect(await take('other')).toBeUndefined();
      const taken = await Promise.all(Array.from({ length: 8 }, () => take('a1')));
      expect(taken.filter((one) => one !== undefined)).toHaveLength(1);
      expect((await inbox.find('a1'))?.state).toBe('used');
    });

    test('a grant for the session is used again and again, by its server, before one for one call', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      await inbox.answer('a1', grant('session'), ['pending']);
      await inbox.ask(aQuestion('a2', { binding: 'binding of a1', createdMs: NOW + 1 }), 9);
      await inbox.answer('a2', grant('once'), ['pending']);
      expect((await take('a1'))?.id).toBe('a1');
      expect((await take('a1'))?.id).toBe('a1');
      expect((await take('a1', { server: 'v2' }))?.id).toBe('a2');
      expect(await take('a1', { server: 'v2' })).toBeUndefined();
      expect(await take('a1', { nowMs: NOW + 10_000 })).toBeUndefined();
    });

    test('a grant by prefix covers words that begin with it, in its frame', async () => {
      await inbox.ask(aQuestion('a1'), 9);
      await inbox.answer('a1', grant('prefix', { prefix: 2 }), ['pending']);
      expect((await take('x', { words: ['git', 'push'] }))?.id).toBe('a1');
      expect((await take('x', { words: ['git', 'push', 'elsewhere'] }))?.id).toBe('a1');
      for (const words of [['git'], ['git', 'pull'], ['git', 'pushy'], []]) expect(await take('x', { words })).toBeUndefined();
      expect(await take('x')).toBeUndefined();
      expect(await take('x', { words: ['git', 'push'], frame: 'other' })).toBeUndefined();
    });

    test('the list shows what can still be answered or used, and forgets what is old', async () => {
      const ids = async (live: boolean, nowMs = NOW): Promise<string[]> =>
        (await inbox.list({ live, nowMs, limit: 9 })).map(({ id }) => id);
      for (const [index, id] of ['a1', 'a2', 'a3', 'a4'].entries()) await inbox.ask(aQuestion(id, { createdMs: NOW + index }), 9);
      await inbox.answer('a1', grant('once'), ['pending']);
      await inbox.answer('a2', grant('once', { state: 'denied' }), ['pending']);
      await inbox.answer('a3', grant('once', { answeredMs: NOW + 3 }), ['pending']);
      await take('a3', { nowMs: NOW + 4 });
      expect(await ids(true)).toEqual(['a4', 'a1']);
      expect(await ids(true, NOW + 1000)).toEqual(['a1']);
      expect(await ids(false)).toEqual(['a4', 'a3', 'a2', 'a1']);
      expect(await inbox.list({ live: false, nowMs: NOW, limit: 2 })).toHaveLength(2);
      expect(await inbox.forget(NOW + 10_000)).toBe(1);
      expect(await ids(false)).toEqual(['a3', 'a2', 'a1']);
    });
  });
};
