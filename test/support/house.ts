import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema, type Config } from '../../src/core/config/schema.ts';
import type { WaitServices } from '../../src/core/executions/conditions.ts';
import { createAttend } from '../../src/core/executions/needs-input.ts';
import { createExecutions } from '../../src/core/executions/service.ts';
import { createShared } from '../../src/core/executions/shared.ts';
import type { Executions, StartRequest } from '../../src/core/executions/types.ts';
import { createOutput, type Output } from '../../src/core/output/output.ts';
import { createRecordedLogs } from '../../src/core/output/recorded-logs.ts';
import { createSandboxes } from '../../src/core/sandboxes/service.ts';
import type { Sandboxes } from '../../src/core/sandboxes/types.ts';
import { createScreens } from '../../src/core/terminal/screens.ts';
import { createFileLogs } from '../../src/drivers/logs/file-logs.ts';
import { createMemoryDriver, type MemoryDriver } from '../../src/drivers/sandbox/memory/driver.ts';
import { createMemoryStore } from '../../src/drivers/store/memory-store.ts';
import { newServerId } from '../../src/lib/ids.ts';
import { startTicks } from '../../src/lib/process.ts';
import { CorralError } from '../../src/ports/errors.ts';
import type { Sandbox, SandboxDriver } from '../../src/ports/sandbox.ts';
import type { Store } from '../../src/ports/store.ts';
import { temporaryState } from './sandboxes.ts';

/** The two services of the core, put together as the server does, on sandboxes and records in memory. */
export interface House extends AsyncDisposable {
  readonly executions: Executions;
  readonly sandboxes: Sandboxes;
  readonly store: Store;
  readonly memory: MemoryDriver;
  readonly serverId: string;
  readonly config: Config;
  /** What was logged as an error or a warning. */
  readonly complaints: readonly string[];
  /** What waits need. */
  readonly waits: WaitServices;
  readonly output: Output;
}

export interface HouseOptions {
  readonly config?: Partial<Config>;
  /** Changes what a sandbox does, such as making one of its methods fail. */
  readonly change?: (sandbox: Sandbox) => Sandbox;
  /** Shared with another house: the same machine, another server. */
  readonly beside?: House;
  readonly store?: (store: Store) => Store;
  /** This server counts as dead for the others. */
  readonly dead?: boolean;
}

const NOBODY = 2 ** 22 + 1; // above every pid of Linux

export const openHouse = async (options: HouseOptions = {}): Promise<House> => {
  const { beside, change = (sandbox) => sandbox } = options;
  const state = beside === undefined ? temporaryState() : undefined;
  const stateDir = beside?.config.stateDir ?? state?.path ?? '';
  const config = configSchema.parse({ stateDir, driver: 'bubblewrap', toolchains: 'none', ...options.config });
  const memory = beside?.memory ?? createMemoryDriver();
  const driver: SandboxDriver = {
    ...memory,
    name: 'bubblewrap',
    create: async (spec, signal) => {
      mkdirSync(join(spec.folder, 'log'), { recursive: true });
      return change(await memory.create(spec, signal));
    },
    open: async (id, folder, signal) => {
      const found = await memory.open(id, folder, signal);
      if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled.');
      return found === undefined ? undefined : change(found);
    },
  };
  const store = beside?.store ?? (options.store ?? ((same) => same))(createMemoryStore());
  const server = {
    id: newServerId(),
    pid: options.dead === true ? NOBODY : process.pid,
    startTicks: startTicks(process.pid) ?? 0,
    startedMs: Date.now(),
    face: 'test',
  };
  await store.putServer(server);
  const complaints: string[] = [];
  const complain = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void complaints.push(`${message}: ${JSON.stringify(fields)}`);
  const log = { debug: () => undefined, info: () => undefined, warn: complain, error: complain };
  const logs = createRecordedLogs(createFileLogs({ stateFolder: stateDir }), (id) => store.executionOutput(id));
  const screens = createScreens(logs);
  const output = createOutput({ logs, searchTimes: { stallMs: 500 } });
  const executions = createExecutions({ store, logs, config, log, attend: createAttend(logs, screens), sandboxes: () => sandboxes });
  const sandboxes: Sandboxes = createSandboxes({
    store,
    drivers: new Map([['bubblewrap', driver]]),
    server,
    config,
    workspaces: [],
    toolchains: () => ({ mounts: [], path: [], fallbackPath: [], env: {} }),
    hostToolchains: { fallbackPath: [] },
    hostEnv: {},
    isRoot: false,
    log,
    news: executions.news,
  });
  return {
    executions,
    sandboxes,
    store,
    memory,
    serverId: server.id,
    config,
    complaints,
    output,
    waits: { watch: output.watch, search: output.textSearch, screens, shared: createShared() },
    [Symbol.asyncDispose]: async () => {
      await sandboxes.close();
      await executions.close();
      await output[Symbol.asyncDispose]();
      await screens[Symbol.asyncDispose]();
      state?.[Symbol.dispose]();
    },
  };
};

/** A request to run one program of the memory driver. */
export const aRequest = (argv: readonly string[], change: Partial<StartRequest> = {}): StartRequest => ({
  title: argv.join(' '),
  plan: async () => ({ steps: [argv] }),
  keepStdinOpen: false,
  timeoutMs: 0,
  labels: {},
  detach: false,
  caller: 'test',
  ...change,
});

export const never = (): AbortSignal => new AbortController().signal;
