import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { DriverName, Sandbox, SandboxSpec } from '../../../ports/sandbox.ts';
import type { Cgroups } from '../cgroups/cgroups.ts';
import type { Group } from '../cgroups/group.ts';
import { isCancelled, throwIfCancelled } from './cancellation.ts';
import { encodeConfiguration } from './configuration.ts';
import { ImpostorError, openConnection, SOCKET_NAME } from './connection.ts';
import type { Connection } from './connection.ts';
import { createDeferred } from './deferred.ts';
import { ProtocolViolation } from './frames.ts';
import { HANDLE_NAME, protocolOf, readHandle, writeHandle } from './handle.ts';
import type { Form, SupervisedHandle } from './handle.ts';
import { measureIsolation } from './isolation.ts';
import { JOURNAL_NAME, readJournal } from './journal.ts';
import type { Launched, LaunchOptions } from './launch-options.ts';
import type { SupervisorLauncher } from './launcher.ts';
import { identify, pidNamespace, waitUntilGone } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION, REPLY, REQUEST } from './protocol.ts';
import { endRemains, MARKER } from './remains.ts';
import { openSupervisedSandbox } from './sandbox.ts';
import { createSecrets, readSecrets, readSmallFile } from './secrets.ts';
import type { Secrets } from './secrets.ts';
import { within } from './within.ts';

/** What a driver decides about one sandbox; the rest is the same for all that use a supervisor. */
export interface Placement extends Pick<LaunchOptions, 'argv' | 'data' | 'uid' | 'gid' | 'stagingFolder' | 'staged'> {
  readonly form: Form;
  /** Writable file systems of the sandbox's own, in memory, as seen inside. */
  readonly scratch: readonly string[];
  /** The sandbox gets a control group with its limits. */
  readonly grouped: boolean;
  /** Folders, as seen inside, that the file operations may touch. */
  readonly roots: readonly string[];
}

export interface LifecycleOptions {
  readonly driver: DriverName;
  readonly launcher: SupervisorLauncher;
  readonly cgroups: Cgroups;
  /** The supervisor's program, as seen inside. */
  readonly planRunner: string;
  /** Executions a sandbox may hold, running or ended and not yet acknowledged. */
  readonly maxExecutions: number;
  /** Turns what was said before the failure, by the launched program or else by the launcher, into an error; undefined when it is not understood. */
  explain(said: string): Promise<CorralError | undefined>;
}

export interface Lifecycle {
  create(spec: SandboxSpec, place: () => Promise<Placement>, signal?: AbortSignal): Promise<Sandbox>;
  open(id: string, folder: string, signal?: AbortSignal): Promise<Sandbox | undefined>;
}

const LOG_FOLDER = 'log';
const BOOT_LOG = 'boot.log';
const BOOT_LOG_BYTES = 64 * 1024;
const TAIL_CHARACTERS = 2000;
/** A loaded machine takes its time to answer; one that takes longer is broken. */
const HELLO_MS = 10_000;
/** After its program failed, the end is heard within this time. */
const ENDED_MS = 2000;
/** A supervisor that closes a connection because it ends, ends within this time. */
const GONE_MS = 500;

/** Nobody listens at the socket, or there is none. */
const NOBODY_THERE = new Set(['ENOENT', 'ECONNREFUSED']);

/** Does this failure to connect mean that the sandbox is gone, or is no longer what it was? */
const isOver = async (error: unknown, { supervisor }: SupervisedHandle): Promise<boolean> => {
  if (error instanceof CorralError) return error.code === 'internal';
  if (error instanceof ImpostorError || error instanceof ProtocolViolation) return true;
  return NOBODY_THERE.has((error as NodeJS.ErrnoException).code ?? '') || (await waitUntilGone(supervisor, GONE_MS));
};

const asUnavailable = (id: string, error: unknown): CorralError =>
  error instanceof CorralError
    ? error
    : new CorralError(
        'unavailable',
        `Sandbox ${id} lives but could not be reached: ${error instanceof Error ? error.message : String(error)}.`,
        {
          hint: 'Try again; its lease ends it when nobody reaches it.',
          cause: error,
        },
      );

const writableOf = ({ workspaces }: SandboxSpec): readonly string[] =>
  workspaces.filter(({ mode }) => mode === 'rw').map(({ target }) => target);

const watchedOf = (spec: SandboxSpec): readonly string[] => (spec.trackChanges === false ? [] : writableOf(spec));

/** Settles with the promise, or rejects when the call is cancelled. */
const orCancelled = async <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return promise;
  throwIfCancelled(signal);
  let cancel!: () => void;
  const cancelled = new Promise<never>((_, reject) => {
    cancel = () => reject(new CorralError('cancelled', 'The call was cancelled.'));
    signal.addEventListener('abort', cancel, { once: true });
  });
  try {
    return await Promise.race([promise, cancelled]);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/** The child that bubblewrap reports: the supervisor. */
const childPid = (info: string): number | undefined => {
  const pid = /"child-pid":\s*(\d{1,10})/.exec(info)?.[1];
  return pid === undefined ? undefined : Number(pid);
};

const bootLogOf = async (folder: string): Promise<string> => {
  const bytes = await readSmallFile(join(folder, BOOT_LOG), BOOT_LOG_BYTES);
  return (bytes?.toString('utf8') ?? '').trim();
};

/** Makes and finds sandboxes whose supervisor was put in place by a driver. */
export const createLifecycle = ({ driver, launcher, cgroups, planRunner, maxExecutions, explain }: LifecycleOptions): Lifecycle => {
  /** The namespace ends with its first process; what is in the group all the same, and in the plain form there may be such, ends with it. */
  const endAll = async (id: string, handle: SupervisedHandle, waitMs: number): Promise<void> => {
    await endRemains(launcher, id, handle, waitMs);
    if (handle.groups !== undefined) await cgroups.end(handle.groups);
  };

  const attach = (id: string, folder: string, handle: SupervisedHandle, secrets: Secrets, signal?: AbortSignal): Promise<Sandbox> =>
    openSupervisedSandbox(
      {
        id,
        driver,
        handle,
        version: protocolOf(handle),
        planRunner,
        roots: handle.roots,
        limits: handle.limits,
        environment: handle.environment,
        connect: async (events, abort): Promise<Connection> => {
          const connection = await openConnection({ folder, secrets, version: protocolOf(handle), helloMs: HELLO_MS, ...events }, abort);
          if (handle.form === 'plain' || connection.hello.isPid1) return connection;
          connection.close();
          throw new CorralError(
            'internal',
            'The supervisor is not the first process of its pid namespace: its end would not end the sandbox.',
          );
        },
        destroy: (waitMs) => endAll(id, handle, waitMs),
        journal: () => readJournal(folder, protocolOf(handle)),
      },
      signal,
    );

  /** Learns which processes make up what was launched. */
  const identifyAll = async (launched: Launched, form: Form, signal?: AbortSignal) => {
    const info = await orCancelled(launched.info, signal);
    const launchedIdentity = await identify(launched.pid);
    const pid = form === 'plain' ? launched.pid : childPid(info);
    const supervisor = pid === undefined ? undefined : await identify(pid);
    if (launchedIdentity === undefined || supervisor === undefined) throw new Error('it ended while it was started');
    const inode = form === 'plain' ? undefined : await pidNamespace(supervisor.pid);
    return { launched: launchedIdentity, supervisor, ...(inode !== undefined && { pidNamespace: inode }) };
  };

  /** Kills whatever a failed creation left, as far as it became known. */
  const undo = async (
    id: string,
    folder: string,
    launched: Launched | undefined,
    handle: SupervisedHandle | undefined,
    group: Group | undefined,
  ): Promise<void> => {
    if (handle !== undefined) await endAll(id, handle, 0);
    else if (launched !== undefined) {
      const parts: (ProcessIdentity | undefined)[] = [await identify(launched.pid)];
      const pid = childPid(await within(launched.info, ENDED_MS, ''));
      if (pid !== undefined) parts.unshift(await identify(pid));
      for (const part of parts) if (part !== undefined) await launcher.kill(part);
    }
    if (handle === undefined && group !== undefined) await cgroups.end(group.folders);
    await Promise.all(
      ['secret', HANDLE_NAME, SOCKET_NAME, JOURNAL_NAME, BOOT_LOG, LOG_FOLDER].map((name) =>
        rm(join(folder, name), { recursive: true, force: true }),
      ),
    );
  };

  /** Undefined when nobody is there. Which version it speaks was not recorded; one that does not understand a greeting closes. */
  const greet = async (folder: string, secrets: Secrets, onDisconnect: () => void, signal?: AbortSignal) => {
    for (let version = PROTOCOL_VERSION; ; version -= 1) {
      try {
        return await openConnection({ folder, secrets, version, helloMs: HELLO_MS, onEvent: () => {}, onDisconnect }, signal);
      } catch (error) {
        if (NOBODY_THERE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        if (version === OLDEST_PROTOCOL_VERSION || isCancelled(signal)) throw error;
      }
    }
  };

  /** A server died between the launch and the record of it: the supervisor itself is asked to end everything. */
  const endHalfMade = async (folder: string, secrets: Secrets, signal?: AbortSignal): Promise<void> => {
    const ended = createDeferred<void>();
    const connection = await greet(folder, secrets, () => ended.resolve(), signal);
    if (connection === undefined) return;
    const request = connection.begin(REQUEST.shutdown);
    request.payload.u32(0);
    await connection.call(request, REPLY.ok, { action: 'end the sandbox' }, () => {});
    await ended.promise;
  };

  const failure = async (error: unknown, folder: string, launched: Launched | undefined): Promise<CorralError> => {
    if (error instanceof CorralError && error.code === 'cancelled') return error;
    // The program's last words are in the log only after it ended.
    if (launched !== undefined) await within(launched.ended, ENDED_MS, 0).catch(() => {}); // a launcher that died tells nothing
    const bootLog = await bootLogOf(folder);
    const reason = error instanceof Error ? error.message : String(error);
    const explained = await explain(bootLog === '' ? reason : bootLog);
    if (explained !== undefined) return explained;
    if (error instanceof CorralError && error.code !== 'failed_to_start' && bootLog === '') return error;
    const said = bootLog === '' ? '' : ` Its log ends with: ${bootLog.slice(-TAIL_CHARACTERS)}`;
    return new CorralError('unavailable', `The sandbox did not start: ${reason}.${said}`, { cause: error });
  };

  return {
    create: async (spec, place, signal) => {
      throwIfCancelled(signal);
      const { id, folder } = spec;
      const secrets = await createSecrets(folder);
      let launched: Launched | undefined;
      let handle: SupervisedHandle | undefined;
      let group: Group | undefined;
      try {
        const placement = await place();
        if (placement.grouped) group = await cgroups.make(id, spec.limits);
        await mkdir(join(folder, LOG_FOLDER), { recursive: true, mode: 0o700 });
        launched = await launcher.launch({
          ...placement,
          sandbox: id,
          socketPath: join(folder, SOCKET_NAME),
          logFolder: join(folder, LOG_FOLDER),
          journalPath: join(folder, JOURNAL_NAME),
          bootLogPath: join(folder, BOOT_LOG),
          configuration: encodeConfiguration({
            spec,
            secrets,
            roots: placement.roots,
            maxExecutions,
            watched: watchedOf(spec),
            walked: writableOf(spec),
            scratch: placement.scratch,
          }),
          cgroups: group?.joins ?? [],
          figures: group?.figures ?? [],
          env: [],
        });
        const parts = await identifyAll(launched, placement.form, signal);
        handle = {
          version: 1,
          protocol: PROTOCOL_VERSION,
          form: placement.form,
          ...parts,
          ...(group !== undefined && { groups: group.folders }),
          deadlineMs: spec.lifetimeMs === 0 ? 0 : Date.now() + spec.lifetimeMs,
          roots: placement.roots,
          limits: spec.limits,
          environment: placement.form === 'plain' ? { [MARKER]: id } : {},
        };
        await writeHandle(folder, handle);
        const sandbox = await attach(id, folder, handle, secrets, signal);
        // Not before it has answered: until then it may be on its way into its namespaces.
        const isolation = await measureIsolation(handle.supervisor.pid, await launched.info);
        return isolation === undefined ? sandbox : { ...sandbox, isolation };
      } catch (error) {
        const told = isCancelled(signal)
          ? new CorralError('cancelled', 'The call was cancelled; the sandbox was not made.')
          : await failure(error, folder, launched);
        await undo(id, folder, launched, handle, group);
        throw told;
      }
    },

    open: async (id, folder, signal) => {
      throwIfCancelled(signal);
      const [handle, secrets] = await Promise.all([readHandle(folder), readSecrets(folder)]);
      if (handle !== undefined && secrets !== undefined) {
        try {
          return await attach(id, folder, handle, secrets, signal);
        } catch (error) {
          // What may well be alive is not ended because this server is out of descriptors, slow, or was told to stop.
          if (!(await isOver(error, handle))) throw asUnavailable(id, error);
        }
      }
      if (handle !== undefined) await endAll(id, handle, 0);
      else if (secrets !== undefined) await endHalfMade(folder, secrets, signal);
      return undefined;
    },
  };
};
