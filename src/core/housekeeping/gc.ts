import type { Leftovers, LivingSupervisor } from '../../ports/leftovers.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { SandboxRecord, ServerRecord, Store } from '../../ports/store.ts';
import type { Swept } from '../executions/types.ts';

/** What one round of cleaning removed, or would remove. Bytes are of files. */
export interface GcReport {
  readonly dry_run: boolean;
  /** Finished executions that were over their time or a quota. */
  readonly executions: { readonly count: number; readonly bytes: number };
  /** Output of executions that no record names. */
  readonly logs: { readonly count: number; readonly bytes: number };
  /** Folders of sandboxes that no record names. */
  readonly folders: { readonly count: number; readonly bytes: number };
  /** Records of sandboxes that ended with their servers, and of ended ones of which nothing is kept. */
  readonly sandboxes: number;
  readonly servers: number;
  /** Supervisors that were ended: no record names their sandbox. */
  readonly supervisors: number;
  readonly probes: number;
  /** Absent in a dry run. */
  readonly audit_segments?: number;
  readonly approvals?: number;
  /** Sandboxes of dead servers that live on: a server takes them over, or their lease ends them. */
  readonly waiting: number;
}

export interface GcDeps {
  readonly store: Store;
  readonly logs: LogStore;
  readonly leftovers: Leftovers;
  readonly isAlive: (server: ServerRecord) => boolean;
  /** Records the end of a sandbox whose server is dead, if it has ended. False when it lives. */
  readonly bury: (record: SandboxRecord) => Promise<boolean>;
  /** Ends a sandbox of which only the folder is known, if somebody is there. */
  readonly endUnknown: (sandbox: string) => Promise<void>;
  readonly sweepExecutions: (dryRun: boolean) => Promise<Swept>;
  readonly sweepSandboxes: (dryRun: boolean) => Promise<number>;
  readonly sweepAudit: () => Promise<number>;
  readonly sweepApprovals: () => Promise<number>;
}

const LIVING = new Set<SandboxRecord['state']>(['creating', 'running', 'ending']);

/**
 * Removes what nobody will ask for again, beside servers that run: what has a living owner is never touched. What lies about is listed before
 * the records are read, and whoever makes something records it first; so what has no record then is nobody's.
 */
export const collectGarbage = async (deps: GcDeps, dryRun: boolean): Promise<GcReport> => {
  const { store, leftovers } = deps;
  const folders = await leftovers.folders();
  const supervisors = await leftovers.supervisors();
  const listening = new Map(supervisors.map((one) => [one.sandbox, one]));
  const servers = await store.servers();
  const dead = servers.filter((server) => !deps.isAlive(server));
  const alive = new Set(servers.filter((server) => deps.isAlive(server)).map(({ id }) => id));
  const abandoned = (await store.sandboxes({ living: true })).filter(({ owner }) => !alive.has(owner));

  let buried = 0;
  let waiting = 0;
  for (const record of abandoned) {
    const isGone = dryRun ? !listening.has(record.id) : await deps.bury(record);
    if (isGone) buried += 1;
    else waiting += 1;
  }
  if (!dryRun) for (const { id } of dead) await store.removeServer(id);

  const executions = await deps.sweepExecutions(dryRun);
  const ended = await deps.sweepSandboxes(dryRun);
  const records = new Map((await store.sandboxes()).map((record) => [record.id, record]));

  const orphans = { count: 0, bytes: 0 };
  const strays = new Map<string, LivingSupervisor>();
  for (const one of supervisors) if (!records.has(one.sandbox)) strays.set(one.sandbox, one);
  for (const sandbox of folders) {
    if (records.has(sandbox)) continue;
    if (!dryRun && strays.has(sandbox)) await deps.endUnknown(sandbox);
    orphans.count += 1;
    orphans.bytes += dryRun ? await leftovers.size(sandbox) : await leftovers.removeFolder(sandbox);
  }
  // Those that could not be asked: their folder, or what proves who asks, is gone.
  const left = dryRun ? [] : (await leftovers.supervisors()).filter(({ sandbox }) => strays.has(sandbox));
  for (const one of left) await leftovers.end(one);

  const unnamed = { count: 0, bytes: 0 };
  for (const sandbox of folders) {
    const record = records.get(sandbox);
    // A living sandbox may know executions that are not recorded yet.
    if (record === undefined || LIVING.has(record.state)) continue;
    for (const { execution, bytes } of await leftovers.logs(sandbox)) {
      if ((await store.execution(execution)) !== undefined) continue;
      unnamed.count += 1;
      unnamed.bytes += bytes;
      if (!dryRun) await deps.logs.remove({ sandbox, execution });
    }
  }

  return {
    dry_run: dryRun,
    executions: { count: executions.executions, bytes: executions.bytes },
    logs: unnamed,
    folders: orphans,
    sandboxes: buried + ended,
    servers: dead.length,
    supervisors: strays.size,
    probes: await leftovers.removeProbes(dryRun),
    ...(!dryRun && { audit_segments: await deps.sweepAudit(), approvals: await deps.sweepApprovals() }),
    waiting,
  };
};
