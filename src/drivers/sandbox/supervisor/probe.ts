import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toCorralError } from '../../../ports/errors.ts';
import type { Capabilities, DriverProbe, Exit, Sandbox, SandboxSpec } from '../../../ports/sandbox.ts';
import { createDeferred } from './deferred.ts';

/** Long enough for a loaded machine; so short that a probe which is killed leaves nothing for long. */
const PROBE_MS = 10_000;

export interface ProbeOptions {
  readonly version: (folder: string) => Promise<string>;
  readonly capabilities: () => Promise<Capabilities>;
  readonly create: (spec: SandboxSpec, signal?: AbortSignal) => Promise<Sandbox>;
  readonly network: SandboxSpec['network'];
  readonly uid?: number | undefined;
}

const runTrue = async (sandbox: Sandbox): Promise<Exit> => {
  const ended = createDeferred<Exit>();
  sandbox.listen({
    exit: ended.resolve,
    output: () => {},
    input: () => {},
    closed: () => {},
    lost: (reason) => ended.reject(new Error(reason)),
  });
  await sandbox.start({ execution: 'probe', steps: [['true']], cwd: '/', env: { PATH: '/usr/bin:/bin' }, wallMs: PROBE_MS });
  return ended.promise;
};

/** Proves a driver by making a sandbox, running a program in it and ending it. Leaves nothing behind and never throws. */
export const probeBySandbox = async (options: ProbeOptions, signal?: AbortSignal): Promise<DriverProbe> => {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), 'corral-driver-probe-'));
    const version = await options.version(folder);
    const sandbox = await options.create(
      {
        id: 'probe',
        folder,
        workdir: '/',
        workspaces: [],
        mounts: [],
        env: {},
        network: options.network,
        limits: {},
        leaseMs: PROBE_MS,
        lifetimeMs: PROBE_MS * 2,
        uid: options.uid,
      },
      signal,
    );
    let exit: Exit;
    try {
      exit = await runTrue(sandbox);
    } finally {
      await sandbox.end(0);
    }
    if (exit.outcome.kind !== 'exited' || exit.outcome.code !== 0)
      return {
        available: false,
        reason: `The program "true" ended as ${JSON.stringify(exit.outcome)}.`,
        fix: 'Run `corral doctor` for the details.',
      };
    return { available: true, version, capabilities: await options.capabilities() };
  } catch (error) {
    const { message, hint } = toCorralError(error);
    return { available: false, reason: message, fix: hint };
  } finally {
    // Its own folder under the temporary one: what cannot be removed there is left to the system's cleaning.
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
};
