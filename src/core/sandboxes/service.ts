import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newSandboxId } from '../../lib/ids.ts';
import { createMutex } from '../../lib/mutex.ts';
import { isAlive } from '../../lib/process.ts';
import { CorralError } from '../../ports/errors.ts';
import type { DriverName, Sandbox, SandboxDriver, SandboxSpec } from '../../ports/sandbox.ts';
import type { SandboxRecord } from '../../ports/store.ts';
import { countEmpty, createBurial } from './burial.ts';
import { createIdleWatch } from './idle.ts';
import { requireKept } from '../../ports/limits.ts';
import { createSpecs } from './spec.ts';
import type { CreateOptions, LiveSandbox, Purpose, Sandboxes, SandboxesDeps } from './types.ts';

const LIVING_FILES = ['work', 'secret', 'sock', 'handle.json', 'journal', 'boot.log'] as const;
/** An ended sandbox without executions is shown for so long. */
const FOLDER_KEPT_MS = 3_600_000;
const LOST_HINT = 'Start again: the next call without a sandbox gets a new one. Files in the workspaces are still there.';

export const createSandboxes = (deps: SandboxesDeps): Sandboxes => {
  const { store, config, server, log, news } = deps;
  const live = new Map<string, LiveSandbox>();
  /** Why sandboxes are being brought to their end by this server: their loss is no news. */
  const ending = new Map<string, string>();
  const attaching = new Map<string, Promise<LiveSandbox>>();
  /** Ends that are being recorded. */
  const losing = new Map<string, Promise<void>>();
  /** Taken over, and of no further use once nothing runs in them. */
  const leftovers = new Set<string>();
  const entering = createMutex();
  /** Being made; they end with the server too. */
  const making = new Set<Promise<LiveSandbox>>();
  let primary: Promise<LiveSandbox> | undefined;
  let closed = false;

  const folderOf = (id: string): string => join(config.stateDir, 'sandboxes', id);

  const driverOf = (name: DriverName): SandboxDriver => {
    const driver = deps.drivers.get(name);
    if (driver === undefined) throw new CorralError('unsupported', `There is no driver "${name}" in this server.`);
    return driver;
  };

  const { driverName, shortcomings, networkOf, specOf, configuredLimits } = createSpecs({ ...deps, folderOf, driverOf });

  const forget = async (id: string, state: 'ended' | 'failed', reason: string): Promise<void> => {
    live.delete(id);
    await store.updateSandbox(id, { state, endedMs: Date.now(), reason });
    // Output stays for its readers; what only a living sandbox needs goes.
    await Promise.all(LIVING_FILES.map((name) => rm(join(folderOf(id), name), { recursive: true, force: true })));
  };

  /** Records an end, once, whoever hears of it first; whoever asks again waits until it is recorded. */
  const onLost = (found: LiveSandbox, reason: string): Promise<void> => {
    const id = found.record.id;
    const running = losing.get(id);
    if (running !== undefined) return running;
    if (!live.delete(id)) return Promise.resolve();
    const task = recordLoss(found, reason).finally(() => losing.delete(id));
    losing.set(id, task);
    return task;
  };

  const recordLoss = async (found: LiveSandbox, seen: string): Promise<void> => {
    const id = found.record.id;
    const reason = ending.get(id) ?? seen;
    if (primary !== undefined && (await primary.catch(() => undefined))?.record.id === id) primary = undefined;
    const recalled = await driverOf(found.record.driver).recall(folderOf(id));
    await news.lost(id, reason, recalled);
    if (!ending.has(id)) log.warn({ sandbox: id, reason }, 'sandbox lost');
    await forget(id, 'ended', reason);
  };

  const attach = (record: SandboxRecord, purpose: Purpose, spec: SandboxSpec, sandbox: Sandbox): LiveSandbox => {
    const found: LiveSandbox = { record, purpose, spec, sandbox };
    live.set(record.id, found);
    sandbox.listen({
      exit: (exit) => news.exit(found, exit),
      output: (execution, out, err) => news.output(execution, out, err),
      input: (execution, wait) => news.input(execution, wait),
      closed: (execution, out, err) => news.closed(execution, out, err),
      lost: (reason) => {
        onLost(found, reason).catch((error: unknown) =>
          log.error({ sandbox: record.id, error: String(error) }, 'the end of a sandbox was not recorded'),
        );
      },
    });
    return found;
  };

  const closing = (): CorralError => new CorralError('unavailable', 'The server is ending.');

  /** Records a sandbox that is about to be made, unless there are as many as may be. One at a time: a count is only true until the next. */
  const enter = async (record: SandboxRecord): Promise<SandboxRecord> => {
    const range =
      deps.isRoot && record.driver === 'bubblewrap' && !config.unsafeRoot ? { first: config.uidFirst, count: config.uidCount } : undefined;
    const leave = await entering.lock();
    try {
      const mine = await store.sandboxes({ living: true, owner: server.id });
      if (mine.length >= config.maxSandboxes)
        throw new CorralError('limit_exceeded', `There are ${String(mine.length)} sandboxes already, the most this server may have.`, {
          hint: 'Delete one with sandbox action "delete".',
        });
      return await store.insertSandbox(record, range);
    } finally {
      leave();
    }
  };

  const create = (options: CreateOptions, signal?: AbortSignal): Promise<LiveSandbox> => {
    const task = make(options, signal).finally(() => making.delete(task));
    making.add(task);
    return task;
  };

  const make = async (options: CreateOptions, signal?: AbortSignal): Promise<LiveSandbox> => {
    if (closed) throw closing();
    const name = driverName(options.driver);
    if (options.driver === 'host' && config.driver !== 'host')
      throw new CorralError('denied', 'This server does not run commands on the host.', {
        hint: 'Only the operator can allow it, by starting the server with --driver host.',
      });
    if (options.network === 'host' && name !== 'host' && config.network !== 'host' && !config.allowHostNetwork)
      throw new CorralError('denied', 'This server does not give sandboxes the network of the host.', {
        hint: 'Only the operator can allow it, with --allow-host-network; inside, 127.0.0.1 is shared by all executions of a sandbox.',
      });
    const driver = driverOf(name);
    const can = await shortcomings(name);
    const id = newSandboxId();
    const record = await enter({
      id,
      driver: name,
      owner: server.id,
      state: 'creating',
      createdMs: Date.now(),
      workdir: '',
      network: networkOf(options, can),
      spec: '{}',
      handle: '{}',
    });
    const spec = specOf(id, name, options, record.uid, can);
    const purpose = options.purpose ?? 'named';
    let sandbox: Sandbox | undefined;
    try {
      await mkdir(join(spec.folder, 'log'), { recursive: true, mode: 0o700 });
      await mkdir(join(spec.folder, 'work'), { recursive: true, mode: 0o700 });
      sandbox = await driver.create(spec, signal);
      const change = {
        state: 'running',
        workdir: spec.workdir,
        spec: JSON.stringify({ ...spec, purpose, isolation: sandbox.isolation }),
        handle: JSON.stringify(sandbox.handle),
      } as const;
      await store.updateSandbox(id, change);
      // The server's end ends what it finds: not what comes after it has looked.
      if (closed) throw closing();
      return attach({ ...record, ...change }, purpose, spec, sandbox);
    } catch (error) {
      await sandbox?.end(0);
      await store.updateSandbox(id, {
        state: 'failed',
        endedMs: Date.now(),
        reason: error instanceof Error ? error.message : String(error),
      });
      await rm(spec.folder, { recursive: true, force: true });
      throw error;
    }
  };

  /** Takes no signal: all who ask for it meanwhile share it. */
  const connect = async (record: SandboxRecord): Promise<LiveSandbox | undefined> => {
    const sandbox = await driverOf(record.driver).open(record.id, folderOf(record.id));
    if (sandbox === undefined) return undefined;
    const {
      purpose,
      isolation: _,
      ...spec
    } = JSON.parse(record.spec) as SandboxSpec & { readonly purpose: Purpose; readonly isolation?: unknown };
    return attach(record, purpose, spec, sandbox);
  };

  const lostError = (id: string, reason: string | undefined): CorralError =>
    new CorralError('lost', `Sandbox ${id} has ended${reason === undefined ? '' : `: ${reason.replace(/\.$/, '')}`}.`, { hint: LOST_HINT });

  const get = async (id: string, signal?: AbortSignal): Promise<LiveSandbox> => {
    if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled before it began.');
    const known = live.get(id);
    if (known !== undefined) return known;
    const running = attaching.get(id);
    if (running !== undefined) return running;
    const task = (async () => {
      const record = await store.sandbox(id);
      if (record === undefined)
        throw new CorralError('not_found', `There is no sandbox "${id}".`, {
          hint: 'List them with sandbox action "list", or leave `sandbox` out.',
        });
      if (record.state !== 'running') throw lostError(id, record.reason);
      const found = await connect(record);
      if (found !== undefined) return found;
      const recalled = await driverOf(record.driver).recall(folderOf(id));
      await news.lost(id, 'it was gone when this server looked for it', recalled);
      await forget(id, 'ended', 'it was gone when this server looked for it');
      throw lostError(id, 'it was gone');
    })();
    attaching.set(id, task);
    try {
      return await task;
    } finally {
      attaching.delete(id);
    }
  };

  const end = async (id: string, graceMs: number, reason: string): Promise<void> => {
    const found = await get(id);
    ending.set(id, reason);
    try {
      // A record that cannot be written, as on a full disk, must not keep alive what is to end.
      const noted = store.updateSandbox(id, { state: 'ending' });
      await noted.catch((error: unknown) =>
        log.error({ sandbox: id, error: error instanceof Error ? error.message : String(error) }, 'the end of a sandbox was not recorded'),
      );
      await found.sandbox.end(graceMs);
      await onLost(found, reason);
      await found.sandbox[Symbol.asyncDispose]();
    } finally {
      ending.delete(id);
    }
  };

  /** Would this server have made it so for its own calls? */
  const isAsOurs = async ({ record, spec }: LiveSandbox): Promise<boolean> =>
    record.driver === driverName(undefined) &&
    JSON.stringify(spec) === JSON.stringify(specOf(record.id, record.driver, {}, record.uid, await shortcomings(record.driver)));

  const placeAdopted = async (found: LiveSandbox): Promise<void> => {
    if (found.purpose === 'named') return;
    if (found.purpose === 'shared' && (await isAsOurs(found)) && primary === undefined) primary = Promise.resolve(found);
    else leftovers.add(found.record.id);
  };

  const endIfIdle = async (id: string): Promise<void> => {
    const found = live.get(id);
    if (found !== undefined) {
      const { running, processes } = await found.sandbox.stats();
      if (running > 0 || processes > 0) return;
      await end(id, 0, 'its server died and nothing ran in it any more');
    }
    leftovers.delete(id);
  };

  const endLeftovers = async (): Promise<void> => {
    for (const id of leftovers)
      await endIfIdle(id).catch((error: unknown) =>
        log.warn(
          { sandbox: id, error: error instanceof Error ? error.message : String(error) },
          'a sandbox that was taken over did not end',
        ),
      );
  };

  const adoptOne = async (record: SandboxRecord): Promise<'alive' | 'gone' | 'taken'> => {
    try {
      await store.updateSandbox(record.id, { owner: server.id }, record.owner);
    } catch (error) {
      if (error instanceof CorralError && error.code === 'conflict') return 'taken';
      throw error;
    }
    try {
      return await takeOver(record);
    } catch (error) {
      // Given back, so that the next look tries again.
      await store.updateSandbox(record.id, { owner: record.owner }, server.id);
      throw error;
    }
  };

  const { recordGone, bury, endUnknown } = createBurial({ store, server, driverOf, folderOf, news, forget });

  const takeOver = async (record: SandboxRecord): Promise<'alive' | 'gone'> => {
    const mine: SandboxRecord = { ...record, owner: server.id };
    const already = live.get(record.id);
    if (already !== undefined) live.set(record.id, { ...already, record: mine });
    const found = live.get(record.id) ?? (record.state === 'running' ? await connect(mine) : undefined);
    if (found !== undefined) {
      await found.sandbox.renew(config.leaseSeconds * 1000);
      await placeAdopted(found);
      await news.adopted(found, await found.sandbox.list());
      return 'alive';
    }
    await recordGone(record);
    return 'gone';
  };

  const adopt = async (): Promise<{ alive: number; gone: number }> => {
    // Sandboxes first: a server is in the records before it makes one, so none of these belongs to a server that came later.
    const newestFirst = [...(await store.sandboxes({ living: true }))].sort((a, b) => b.createdMs - a.createdMs);
    const servers = await store.servers();
    const dead = new Set<string>();
    const known = new Set(servers.map((one) => one.id));
    for (const one of servers) if (!isAlive(one.pid, one.startTicks)) dead.add(one.id);
    const count = { alive: 0, gone: 0 };
    for (const record of newestFirst) {
      if (record.owner === server.id || (known.has(record.owner) && !dead.has(record.owner))) continue;
      if (closed) break;
      try {
        const result = await adoptOne(record);
        if (result !== 'taken') count[result] += 1;
      } catch (error) {
        log.error(
          { sandbox: record.id, error: error instanceof Error ? error.message : String(error) },
          'a sandbox of a dead server was not adopted',
        );
      }
    }
    for (const id of dead) await store.removeServer(id);
    await endLeftovers();
    return count;
  };

  const renewal = setInterval(
    () => {
      for (const [id, found] of live)
        if (found.record.owner === server.id)
          found.sandbox
            .renew(config.leaseSeconds * 1000)
            .catch((error: unknown) => log.warn({ sandbox: id, error: String(error) }, 'lease not renewed'));
    },
    Math.max(1000, (config.leaseSeconds * 1000) / 3),
  );
  renewal.unref();

  const idle = createIdleWatch({
    idleMs: config.idleSeconds * 1000,
    candidates: () => [...live.values()].filter(({ record, purpose }) => record.owner === server.id && purpose !== 'ephemeral'),
    end: async (id) => {
      // From here on a call that names none gets a new one.
      if (primary !== undefined && (await primary.catch(() => undefined))?.record.id === id) primary = undefined;
      await end(id, 0, `nothing ran in it for ${String(config.idleSeconds)} s`);
    },
    log,
  });
  const taken = (found: LiveSandbox): LiveSandbox => {
    idle.touch(found.record.id);
    return found;
  };

  return {
    primary: (signal) => {
      // Shared by concurrent first calls: the one that gave up must not take it from the others, so its signal is not passed on.
      primary ??= create({ purpose: 'shared' }).catch((error: unknown) => {
        primary = undefined;
        throw error;
      });
      if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled before it began.');
      return primary.then(taken);
    },
    get: async (id, signal) => taken(await get(id, signal)),
    create: async (options, signal) => taken(await create(options, signal)),
    requireLimits: async (signal) => {
      const name = driverName(undefined);
      const probe = await driverOf(name).probe(signal);
      if (!probe.available) throw new CorralError('unavailable', probe.reason, { hint: probe.fix });
      requireKept(name, configuredLimits(), probe.capabilities);
    },
    records: () => store.sandboxes(),
    end,
    adopt,
    bury,
    endUnknown,
    sweep: async ({ dryRun = false } = {}) => {
      if (dryRun) return countEmpty(store, Date.now() - FOLDER_KEPT_MS);
      const gone = await store.deleteEmptySandboxes(Date.now() - FOLDER_KEPT_MS);
      for (const id of gone) await rm(folderOf(id), { recursive: true, force: true });
      const living = async () => new Set((await store.sandboxes({ living: true })).map(({ id }) => id));
      for (const work of new Set([...deps.drivers.values()].map((driver) => driver.sweep))) await work?.(living);
      return gone.length;
    },
    close: async () => {
      closed = true;
      clearInterval(renewal);
      idle[Symbol.dispose]();
      await Promise.allSettled([...making, ...attaching.values()]);
      await Promise.allSettled(
        [...live.values()].map(async (found) => {
          if (found.record.owner !== server.id) return found.sandbox[Symbol.asyncDispose]();
          if (!config.keep) return end(found.record.id, 0, 'its server ended');
          await found.sandbox.renew(config.leaseSeconds * 1000);
          return found.sandbox[Symbol.asyncDispose]();
        }),
      );
      await Promise.allSettled(losing.values());
    },
  };
};
