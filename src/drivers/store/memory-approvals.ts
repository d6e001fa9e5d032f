import { type ApprovalRecord, type ApprovalStore, coversWords } from '../../ports/approvals.ts';
import { tooManyApprovals } from './records.ts';

/** The inbox of one process. */
export const createMemoryApprovals = (): ApprovalStore => {
  const records = new Map<string, ApprovalRecord>();
  const newest = (): ApprovalRecord[] => [...records.values()].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1));

  return {
    async ask(record, most) {
      const nowMs = record.createdMs;
      const open = newest().filter(({ expiresMs }) => expiresMs > nowMs);
      const same = open.find(({ binding, state }) => binding === record.binding && (state === 'pending' || state === 'denied'));
      if (same !== undefined) return same;
      if (open.filter(({ caller, state }) => caller === record.caller && state === 'pending').length >= most) throw tooManyApprovals(most);
      records.set(record.id, record);
      return record;
    },
    find: async (id) => records.get(id),
    list: async ({ live, nowMs, limit }) =>
      newest()
        .filter(({ state, expiresMs }) => !live || ((state === 'pending' || state === 'granted') && expiresMs > nowMs))
        .slice(0, limit),
    async answer(id, answer, from) {
      const found = records.get(id);
      if (found === undefined || !from.includes(found.state) || found.expiresMs <= answer.answeredMs) return false;
      records.set(id, { ...found, scope: undefined, prefix: undefined, note: undefined, ...answer });
      return true;
    },
    async take({ binding, frame, server, words, nowMs }) {
      const grants = newest().filter(({ state, expiresMs }) => state === 'granted' && expiresMs > nowMs);
      const found =
        grants.find((grant) => grant.scope === 'session' && grant.binding === binding && grant.server === server) ??
        grants.find((grant) => grant.scope === 'prefix' && grant.frame === frame && words !== undefined && coversWords(grant, words)) ??
        grants.find((grant) => grant.scope === 'once' && grant.binding === binding);
      if (found?.scope === 'once') records.set(found.id, { ...found, state: 'used' });
      return found;
    },
    async forget(expiredBeforeMs) {
      const old = newest().filter(({ expiresMs }) => expiresMs < expiredBeforeMs);
      for (const { id } of old) records.delete(id);
      return old.length;
    },
  };
};
