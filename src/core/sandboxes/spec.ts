import { join } from 'node:path';
import type { Capabilities, DriverName, Mount, NetworkMode, SandboxDriver, SandboxLimits, SandboxSpec } from '../../ports/sandbox.ts';
import type { Config } from '../config/schema.ts';
import { baseEnvironment, SYSTEM_PATH } from './environment.ts';
import type { CreateOptions, Toolchains } from './types.ts';

export const SANDBOX_HOME = '/home/sandbox';
export const PRIVATE_WORKSPACE = '/workspace';
const NO_TOOLCHAINS: Toolchains = { mounts: [], path: [], fallbackPath: [], env: {} };

export interface SpecDeps {
  readonly config: Config;
  readonly workspaces: readonly string[];
  readonly toolchains: () => Toolchains;
  readonly hostToolchains: Pick<Toolchains, 'fallbackPath'>;
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  folderOf(id: string): string;
  driverOf(name: DriverName): SandboxDriver;
}

/** From what the operator configured and the caller asked for to what a driver is told. */
export interface Specs {
  driverName(wanted: DriverName | undefined): DriverName;
  /** See `specOf`; undefined = the driver can do everything. */
  shortcomings(name: DriverName): Promise<Capabilities | undefined>;
  networkOf(options: CreateOptions, can: Capabilities | undefined): NetworkMode;
  /** What the configuration asks for, before a driver is asked. */
  configuredLimits(): SandboxLimits;
  specOf(id: string, driver: DriverName, options: CreateOptions, uid: number | undefined, can: Capabilities | undefined): SandboxSpec;
}

export const createSpecs = (deps: SpecDeps): Specs => {
  const { config, driverOf } = deps;

  const driverName = (wanted: DriverName | undefined): DriverName => wanted ?? (config.driver === 'auto' ? 'bubblewrap' : config.driver);

  const probed = new Map<DriverName, Promise<Capabilities | undefined>>();

  /**
   * What the configuration asks for and this driver cannot do is left out; what a caller asks for is not, so that the driver refuses it by
   * name. Undefined for the isolated form, which can do everything: making the sandbox proves it.
   */
  const shortcomings = (name: DriverName): Promise<Capabilities | undefined> => {
    if (name === 'bubblewrap' && !config.unsafeRoot) return Promise.resolve(undefined);
    const known =
      probed.get(name) ??
      driverOf(name)
        .probe()
        .then((probe) => (probe.available ? probe.capabilities : undefined));
    probed.set(name, known);
    return known;
  };

  const limitsOf = (wanted: SandboxLimits | undefined, can: Capabilities | undefined): SandboxLimits => {
    const cap = (ceiling: number, value: number | undefined): number | undefined =>
      value === undefined ? (ceiling === 0 ? undefined : ceiling) : ceiling === 0 ? value : Math.min(ceiling, value);
    // A limit that was set on purpose and cannot be had is refused by the driver; of the standard ones what it has is taken.
    const optional = (key: keyof SandboxLimits): boolean => key !== 'cpus' && !config.requireLimits;
    const limit = (key: keyof SandboxLimits): number | undefined =>
      can !== undefined && !can.limits.includes(key) && optional(key) ? wanted?.[key] : cap(config[key], wanted?.[key]);
    return {
      memoryBytes: limit('memoryBytes'),
      processes: limit('processes'),
      fileBytes: limit('fileBytes'),
      openFiles: limit('openFiles'),
      cpuSeconds: limit('cpuSeconds'),
      cpus: limit('cpus'),
      diskBytes: limit('diskBytes'),
    };
  };

  const networkOf = (options: CreateOptions, can: Capabilities | undefined): NetworkMode =>
    options.network ?? (can === undefined || can.network.includes(config.network) ? config.network : (can.network[0] ?? config.network));

  const specOf = (
    id: string,
    driver: DriverName,
    options: CreateOptions,
    uid: number | undefined,
    can: Capabilities | undefined,
  ): SandboxSpec => {
    const folder = deps.folderOf(id);
    const toolchains = driver === 'bubblewrap' && config.toolchains === 'auto' ? deps.toolchains() : NO_TOOLCHAINS;
    const onHost = driver !== 'bubblewrap';
    const ownFolder = join(folder, 'work');
    const folders = options.private === true ? [] : deps.workspaces;
    const workspaces: Mount[] =
      folders.length > 0
        ? folders.map((folder) => ({ source: folder, target: folder, mode: 'rw' as const }))
        : [{ source: ownFolder, target: onHost ? ownFolder : PRIVATE_WORKSPACE, mode: 'rw' as const }];
    const hostPath = deps.hostEnv['PATH']?.split(':').filter((part) => part.startsWith('/')) ?? [];
    return {
      id,
      folder,
      workdir: workspaces[0]?.target ?? PRIVATE_WORKSPACE,
      workspaces,
      mounts: toolchains.mounts,
      env: baseEnvironment({
        path: onHost
          ? [...(hostPath.length > 0 ? hostPath : SYSTEM_PATH), ...deps.hostToolchains.fallbackPath]
          : [...toolchains.path, ...SYSTEM_PATH, `${SANDBOX_HOME}/.local/bin`, ...toolchains.fallbackPath],
        home: onHost ? (deps.hostEnv['HOME'] ?? '/') : SANDBOX_HOME,
        user: onHost ? (deps.hostEnv['USER'] ?? 'root') : 'sandbox',
        sandbox: id,
        extra: { ...toolchains.env, ...options.env },
      }),
      network: networkOf(options, can),
      limits: limitsOf(options.limits, can),
      ...(config.requireLimits && { requireLimits: true }),
      leaseMs: config.leaseSeconds * 1000,
      lifetimeMs: options.lifetimeMs ?? config.lifetimeSeconds * 1000,
      trackChanges: config.trackChanges,
      uid,
    };
  };

  return { driverName, shortcomings, networkOf, specOf, configuredLimits: () => limitsOf(undefined, undefined) };
};
