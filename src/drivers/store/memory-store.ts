import type { BlockedCommand, ExecutionRecord, RecordedOutput, SandboxRecord, ServerRecord, Store } from '../../ports/store.ts';
import { createMemoryApprovals } from './memory-approvals.ts';
import {
  applyChange,
  chooseUid,
  endOf,
  goneCursor,
  isLiving,
  matches,
  newestFirst,
  sandboxExists,
  sandboxMissing,
  sandboxTaken,
  storableExecution,
  uidTaken,
} from './records.ts';

type Kept = ExecutionRecord & { readonly endedMs: number | undefined; readonly output?: RecordedOutput | undefined };

const recordOf = ({ endedMs: _, output: __, ...record }: Kept): ExecutionRecord => record;

/** Newest first, as the file store sorts them. */
const byCreation = (a: SandboxRecord, b: SandboxRecord): number => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1);

/** The records of one process, gone with it: for tests, and for a server that must leave no trace. */
export const createMemoryStore = ({ now = Date.now }: { readonly now?: () => number } = {}): Store => {
  const servers = new Map<string, ServerRecord>();
  const sandboxes = new Map<string, SandboxRecord>();
  const blocked = new Map<string, BlockedCommand>();
  const executions = new Map<string, Kept>();

  const allExecutions = (): Kept[] => [...executions.values()];

  const logBytes = async (sandbox?: string): Promise<number> =>
    allExecutions()
      .filter((one) => sandbox === undefined || one.sandbox === sandbox)
      .reduce((sum, { stdout, stderr }) => sum + (stdout?.bytes ?? 0) + (stderr?.bytes ?? 0), 0);

  return {
    approvals: createMemoryApprovals(),

    async putServer(server) {
      servers.set(server.id, server);
    },
    async removeServer(id) {
      servers.delete(id);
    },
    servers: async () => [...servers.values()].sort((a, b) => a.startedMs - b.startedMs || (a.id < b.id ? -1 : 1)),

    async insertSandbox(record, uidRange) {
      if (sandboxes.has(record.id)) throw sandboxExists(record.id);
      const withUid = [...sandboxes.values()].filter(({ uid }) => uid !== undefined).sort(byCreation);
      const taken = new Set(withUid.filter(isLiving).flatMap(({ uid }) => uid ?? []));
      if (uidRange === undefined && record.uid !== undefined && taken.has(record.uid)) throw uidTaken(record.uid);
      const kept = uidRange === undefined ? record : { ...record, uid: chooseUid(uidRange, taken, withUid[0]?.uid) };
      sandboxes.set(kept.id, kept);
      return kept;
    },
    async updateSandbox(id, change, expectedOwner) {
      const found = sandboxes.get(id);
      if (found === undefined) throw sandboxMissing(id);
      if (expectedOwner !== undefined && found.owner !== expectedOwner) throw sandboxTaken(id, found.owner);
      sandboxes.set(id, applyChange(found, change));
    },
    sandbox: async (id) => sandboxes.get(id),
    blockCommand: async (command) => {
      if (blocked.has(command.name)) return false;
      blocked.set(command.name, command);
      return true;
    },
    unblockCommand: async (name) => blocked.delete(name),
    blockedCommands: async () => [...blocked.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),

    deleteEmptySandboxes: async (endedBeforeMs) => {
      const used = new Set([...executions.values()].map(({ sandbox }) => sandbox));
      const empty = [...sandboxes.values()]
        .filter(
          ({ id, state, endedMs }) =>
            (state === 'ended' || state === 'failed') && endedMs !== undefined && endedMs < endedBeforeMs && !used.has(id),
        )
        .slice(0, 100);
      for (const { id } of empty) sandboxes.delete(id);
      return empty.map(({ id }) => id);
    },
    sandboxes: async ({ living, owner } = {}) =>
      [...sandboxes.values()]
        .filter((record) => (living === undefined || isLiving(record) === living) && (owner === undefined || record.owner === owner))
        .sort(byCreation),

    insertExecution(record) {
      if (!executions.has(record.id)) executions.set(record.id, { ...storableExecution(record), endedMs: endOf(record, now) });
    },
    finishExecution(id, change, output) {
      const found = executions.get(id);
      if (found === undefined) return;
      const changed = applyChange<ExecutionRecord>(recordOf(found), storableExecution(change));
      executions.set(id, {
        ...changed,
        endedMs: change.status === 'finished' ? endOf(changed, now) : found.endedMs,
        output: output ?? found.output,
      });
    },
    executionOutput: async (id) => executions.get(id)?.output,
    async execution(id) {
      const found = executions.get(id);
      return found && recordOf(found);
    },
    async executions(query) {
      const before = query.before === undefined ? undefined : executions.get(query.before);
      if (query.before !== undefined && before === undefined) throw goneCursor(query.before);
      return allExecutions()
        .map(recordOf)
        .filter((record) => matches(record, query, before))
        .sort(newestFirst)
        .slice(0, query.limit);
    },
    finishedBefore: async (ms, limit, sandbox) =>
      allExecutions()
        .filter((one) => one.endedMs !== undefined && one.endedMs < ms && (sandbox === undefined || one.sandbox === sandbox))
        .sort((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0) || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(recordOf),
    logBytes,
    sandboxesOver: async (bytes) => {
      const names = [...new Set(allExecutions().map(({ sandbox }) => sandbox))];
      const kept = await Promise.all(names.map(async (name) => ({ name, bytes: await logBytes(name) })));
      return kept.filter((one) => one.bytes > bytes).map(({ name }) => name);
    },
    async deleteExecutions(ids) {
      for (const id of ids) executions.delete(id);
    },
    flush: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
};
