import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App, OpenApp } from './core/app.ts';
import { createAuditor } from './core/audit/auditor.ts';
import { isSecretName } from './core/audit/redact/names.ts';
import { createRedactor } from './core/audit/redact/redactor.ts';
import { createCatalogue } from './core/catalogue.ts';
import { createContinuation } from './core/executions/continuation.ts';
import { createFollowTerminal } from './core/executions/follow-terminal.ts';
import { createAttend } from './core/executions/needs-input.ts';
import { createExecutions } from './core/executions/service.ts';
import { createTools } from './core/languages/tools.ts';
import { createLimits } from './core/limits/limits.ts';
import type { Log } from './core/log.ts';
import { type Call, createInvoke } from './core/operation.ts';
import { createOutput } from './core/output/output.ts';
import { createRecordedLogs } from './core/output/recorded-logs.ts';
import { createBlockList } from './core/policy/block-list.ts';
import type { Decision } from './core/policy/types.ts';
import { createReceipts } from './core/receipts/receipts.ts';
import { createSandboxes } from './core/sandboxes/service.ts';
import { createScreens } from './core/terminal/screens.ts';
import { usableWorkspace } from './core/sandboxes/workspace.ts';
import { createAuditLog } from './drivers/audit/audit-log.ts';
import { requireFreeNames, templateOperations } from './core/templates/operations.ts';
import { createFileLogs } from './drivers/logs/file-logs.ts';
import { createBubblewrapDriver } from './drivers/sandbox/bubblewrap/driver.ts';
import { createCgroups } from './drivers/sandbox/cgroups/cgroups.ts';
import { createGroupFiles } from './drivers/sandbox/cgroups/files.ts';
import { createHostDriver } from './drivers/sandbox/host/driver.ts';
import { createSupervisorLauncher } from './drivers/sandbox/supervisor/launcher.ts';
import { findBroughtAlong, withBroughtAlong } from './drivers/sandbox/brought-along.ts';
import { findToolchains } from './drivers/sandbox/toolchains.ts';
import { createLog } from './drivers/log.ts';
import { runCli } from './faces/cli/main.ts';
import { newServerId } from './lib/ids.ts';
import { quote } from './lib/quote.ts';
import { cached, late, once } from './lib/late.ts';
import { isAlive, startTicks } from './lib/process.ts';
import { toCorralError } from './ports/errors.ts';
import type { DriverName, SandboxDriver } from './ports/sandbox.ts';
import type { ServerRecord, Store } from './ports/store.ts';

declare const CORRAL_VERSION: string | undefined;
const VERSION = typeof CORRAL_VERSION === 'string' ? CORRAL_VERSION : '0.0.0';

/** Between two looks for what is to be forgotten, and for sandboxes whose server died. */
const SWEEP_MS = 60_000;
const ADOPT_MS = 15_000;
/** What dead sandboxes left is removed when the first calls have had their answers. */
const FIRST_SWEEP_MS = 2000;
/** How long questions and grants that expired are still listed. */
const APPROVALS_KEPT_MS = 7 * 86_400_000;

const here = dirname(fileURLToPath(import.meta.url));

interface Services {
  readonly server: ServerRecord;
  readonly store: Store;
  readonly sandboxes: ReturnType<typeof createSandboxes>;
  readonly executions: ReturnType<typeof createExecutions>;
  readonly timers: readonly NodeJS.Timeout[];
  readonly sweepAudit: () => Promise<number>;
  /** Absent where no rules are configured. */
  readonly gate: ((call: Call) => Promise<Decision>) | undefined;
}

const openApp: OpenApp = (loaded, { role, face }) => {
  const { config } = loaded;
  const log: Log = createLog(config.logLevel);
  const isRoot = process.getuid?.() === 0;
  const supervisorPath = join(here, 'corral-supervisor');
  const launcher = createSupervisorLauncher({ supervisorPath });
  const cgroups = createCgroups({ files: createGroupFiles(), launcher, supervisorPath, isRoot, stateDir: config.stateDir });
  const shared = { launcher, cgroups, supervisorPath, maxExecutions: config.maxExecutions };
  const drivers: ReadonlyMap<DriverName, SandboxDriver> = new Map<DriverName, SandboxDriver>([
    [
      'bubblewrap',
      createBubblewrapDriver({ ...shared, bwrapPath: config.bwrapPath, unsafeRoot: config.unsafeRoot, probeUid: config.uidFirst }),
    ],
    ['host', createHostDriver(shared)],
  ]);
  const logs = createRecordedLogs(
    createFileLogs({ stateFolder: config.stateDir }),
    (execution) => opened().store.executionOutput(execution),
    async (execution) => (await opened().store.execution(execution))?.durationMs,
  );
  const output = createOutput({ logs, summaries: config.summaries === 'auto' });
  const screens = createScreens(logs);
  const broughtAlong = findBroughtAlong();
  /** Looked for once: what is installed later is there after the next start. */
  const toolchains = cached(() => withBroughtAlong(findToolchains(process.env, homedir()), broughtAlong));
  const shells = { sh: '/bin/sh', bash: ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path)) };

  const serverId = newServerId();
  const audit = createAuditLog({
    stateDir: config.stateDir,
    chain: serverId,
    keyFile: config.auditKeyFile,
    retentionMs: config.auditRetentionSeconds * 1000,
    bytes: config.auditBytes,
    anchor: role === 'server',
    onNotice: (message, fields) => log.warn({ ...fields }, message),
  });
  const redactor = createRedactor();
  for (const [name, value] of Object.entries({ ...process.env, authToken: config.authToken }))
    if (value !== undefined && isSecretName(name)) redactor.know(value);
  const auditor = createAuditor({ sink: audit, redactor, required: config.auditRequired });
  /** Where the operator asked for it, nothing runs unrecorded; elsewhere the log says what is wrong, and it is tried again. */
  const openAudit = async (): Promise<void> => {
    try {
      await audit.open();
    } catch (error) {
      if (config.auditRequired || config.auditKeyFile !== undefined) throw error;
      log.warn({ error: toCorralError(error).message, hint: toCorralError(error).hint }, 'calls are not recorded');
    }
  };
  const limits = createLimits(config);

  let services: Services | undefined;
  const opened = (): Services => {
    if (services === undefined) throw new Error('the services are not open');
    return services;
  };

  const blockList = createBlockList(() => opened().store);
  const openGate = async (): Promise<Services['gate']> => {
    if (config.rules === undefined) return undefined;
    const [{ loadConfiguredPolicy }, { createGate }] = await Promise.all([
      import('./core/policy/configured.ts'),
      import('./core/policy/gate.ts'),
    ]);
    const policy = loadConfiguredPolicy(config);
    return policy === undefined ? undefined : createGate({ policy, isBlocked: blockList.isBlocked });
  };

  const ready = once(async () => {
    if (role !== 'reader') launcher.warm();
    const workspaces = config.workspaces.map((folder) => usableWorkspace(folder, config));
    const { openStore } = await import('./drivers/store/open-store.ts');
    const store = await openStore({ folder: config.stateDir, onNotice: (notice) => log.warn({ ...notice }, 'state') });
    await openAudit();
    const gate = await openGate();
    const server: ServerRecord = { id: serverId, pid: process.pid, startTicks: startTicks(process.pid) ?? 0, startedMs: Date.now(), face };
    // A sandbox whose owner is not in the records counts as abandoned: whoever makes one has to be there first.
    if (role !== 'reader') await store.putServer(server);
    const executions = createExecutions({
      store,
      logs,
      config,
      log,
      watch: auditor,
      attend: createAttend(logs, screens),
      followTerminal: createFollowTerminal(screens, log),
      sandboxes: () => sandboxes,
    });
    const sandboxes = createSandboxes({
      store,
      drivers,
      server,
      config,
      workspaces,
      toolchains,
      hostToolchains: { fallbackPath: broughtAlong === undefined ? [] : [broughtAlong] },
      hostEnv: process.env,
      isRoot,
      log,
      news: executions.news,
    });
    const every = (ms: number, what: string, work: () => Promise<unknown>): NodeJS.Timeout =>
      setInterval(() => {
        work().catch((error: unknown) => log.error({ error: String(error) }, what));
      }, ms).unref();
    const after = (ms: number, what: string, work: () => Promise<unknown>): NodeJS.Timeout =>
      setTimeout(() => {
        work().catch((error: unknown) => log.error({ error: String(error) }, what));
      }, ms).unref();
    const sweepAudit = async (): Promise<number> => {
      await openAudit();
      const servers = new Set((await store.servers()).map(({ id }) => id));
      return audit.retain((chain) => servers.has(chain));
    };
    const timers =
      role === 'server'
        ? [
            after(FIRST_SWEEP_MS, 'leftovers of ended sandboxes were not removed', sandboxes.sweep),
            every(SWEEP_MS, 'old executions were not forgotten', async () => {
              await executions.sweep();
              await sandboxes.sweep();
            }),
            every(ADOPT_MS, 'dead servers were not looked for', sandboxes.adopt),
            every(SWEEP_MS, 'old audit segments were not removed', sweepAudit),
            every(SWEEP_MS, 'old approvals were not forgotten', () => store.approvals.forget(Date.now() - APPROVALS_KEPT_MS)),
          ]
        : [];
    if (config.requireLimits && role !== 'reader') await sandboxes.requireLimits();
    services = { server, store, sandboxes, executions, timers, gate, sweepAudit };
    if (role !== 'server') return;
    const found = await sandboxes.adopt();
    if (found.alive + found.gone > 0) log.info(found, 'took over from a server that died');
  });

  const executions = late(() => opened().executions);
  const sandboxes = late(() => opened().sandboxes);
  const catalogue = createCatalogue({
    executions,
    sandboxes,
    presenter: output.presenter,
    watch: output.watch,
    search: output.textSearch,
    receipts: createReceipts({ executions, logs, hash: output.hash, sandbox: (id) => opened().store.sandbox(id) }),
    screens,
    tools: createTools(() => opened().executions),
    logs,
    config,
    drivers,
    shells,
    blockList: config.rules === undefined ? undefined : blockList,
  });
  requireFreeNames(loaded.templates, catalogue);
  const operations = [...catalogue, ...templateOperations(loaded.templates, { executions, presenter: output.presenter, config })];
  const continuation = createContinuation({ executions, logs, config, operations });
  const approvals: App['approvals'] = once(async () => {
    await ready();
    const [{ createApprovals }, { createPlaceOf }] = await Promise.all([
      import('./core/approvals/approvals.ts'),
      import('./core/approvals/place-of.ts'),
    ]);
    const { driver, network, workspaces } = config;
    const folder = loaded.sources['stateDir'] === 'default' ? '' : ` --state-dir ${quote(config.stateDir)}`;
    return createApprovals({
      store: opened().store.approvals,
      server: serverId,
      at: { driver, network, workspaces: workspaces.map((path) => usableWorkspace(path, config)) },
      placeOf: createPlaceOf(sandboxes, workspaces.length > 0),
      waitMs: config.approvalWaitSeconds * 1000,
      pendingMs: config.approvalPendingSeconds * 1000,
      grantMs: config.approvalGrantSeconds * 1000,
      grantLine: (id) => `corral approvals grant ${id}${folder}`,
      log,
      watch: auditor,
    });
  });
  const invoke = createInvoke({
    ready,
    approve: config.rules === undefined ? undefined : async (call, decision) => (await approvals()).approve(call, decision),
    decide:
      config.rules === undefined
        ? undefined
        : async (call) => {
            const { gate } = opened();
            if (gate === undefined) throw new Error('rules are configured and not in force');
            return gate(call);
          },
    audit: auditor,
    admit: limits?.admit,
    ended: (operation, caller, durationMs, error) => {
      const fields = {
        operation,
        caller: caller.id,
        ms: Math.round(durationMs),
        ...(error !== undefined && { code: error.code, error: error.message }),
      };
      if (error?.code === 'internal')
        log.error({ ...fields, stack: (error.cause as Error | undefined)?.stack ?? error.stack }, 'an operation failed');
      else log.debug(fields, 'operation');
    },
  });

  const close = once(async () => {
    for (const timer of services?.timers ?? []) clearInterval(timer);
    if (services !== undefined) {
      await services.sandboxes.close();
      await services.executions.close();
    }
    await output[Symbol.asyncDispose]();
    await screens[Symbol.asyncDispose]();
    try {
      await audit[Symbol.asyncDispose]();
    } catch (error) {
      log.error({ error: toCorralError(error).message }, 'the end of the audit log was not written');
    }
    if (services !== undefined) {
      const { store, server } = services;
      await store.flush();
      if (role !== 'reader') await store.removeServer(server.id);
      await store[Symbol.asyncDispose]();
    }
    await launcher[Symbol.asyncDispose]();
  });

  const doctor: App['doctor'] = async (signal) => {
    const [{ runDoctor }, { openStore }] = await Promise.all([import('./core/doctor/doctor.ts'), import('./drivers/store/open-store.ts')]);
    return runDoctor(
      {
        version: VERSION,
        config,
        drivers,
        toolchains: toolchains(),
        env: process.env,
        home: homedir(),
        uid: process.getuid?.() ?? -1,
        describeStore: async (stop) => {
          await using store = await openStore({
            folder: config.stateDir,
            onNotice: (notice) => log.warn({ ...notice }, 'state'),
            ...(stop !== undefined && { signal: stop }),
          });
          return `${process.getBuiltinModule('node:sqlite') === undefined ? 'libsql' : 'node:sqlite'}, ${store.path}`;
        },
      },
      signal,
    );
  };

  const requestStateKey: App['requestStateKey'] = async () => {
    await ready();
    const { loadKey } = await import('./drivers/audit/key.ts');
    return (await loadKey({ path: join(config.stateDir, 'request-state.key'), make: true, what: 'key of request states' })).export();
  };

  const gc: App['gc'] = async (dryRun) => {
    await ready();
    const [{ collectGarbage }, { createLeftovers }] = await Promise.all([
      import('./core/housekeeping/gc.ts'),
      import('./drivers/leftovers/leftovers.ts'),
    ]);
    const { store, sandboxes: ours, executions: known, sweepAudit } = opened();
    return collectGarbage(
      {
        store,
        logs,
        leftovers: createLeftovers({ stateFolder: config.stateDir }),
        isAlive: ({ pid, startTicks: ticks }) => isAlive(pid, ticks),
        bury: ours.bury,
        endUnknown: ours.endUnknown,
        sweepExecutions: (dry) => known.sweep({ dryRun: dry }),
        sweepSandboxes: (dry) => ours.sweep({ dryRun: dry }),
        sweepAudit,
        sweepApprovals: () => store.approvals.forget(Date.now() - APPROVALS_KEPT_MS),
      },
      dryRun,
    );
  };

  const auditTrail: App['audit'] = async () => {
    const { createAuditTrail } = await import('./drivers/audit/trail.ts');
    return createAuditTrail({ stateDir: config.stateDir, keyFile: config.auditKeyFile });
  };

  return {
    version: VERSION,
    loaded,
    log,
    operations,
    invoke,
    drivers,
    executions,
    sandboxes,
    presenter: output.presenter,
    logs,
    blockList,
    approvals,
    continuation,
    requestStateKey,
    doctor,
    gc,
    audit: auditTrail,
    ready,
    close,
  };
};

void runCli(process.argv.slice(2), { version: VERSION, openApp, env: process.env, cwd: process.cwd() });
