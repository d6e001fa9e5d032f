import { CorralError } from '../../../ports/errors.ts';
import type {
  DriverName,
  Exit,
  Sandbox,
  SandboxCommand,
  SandboxEvents,
  SandboxExecution,
  SandboxHandle,
  SandboxLimits,
} from '../../../ports/sandbox.ts';
import { isCancelled, throwIfCancelled } from './cancellation.ts';
import type { Connection, Disconnection } from './connection.ts';
import type { ErrorContext } from './errors.ts';
import { decodeActivity, decodeInputWait } from './activity.ts';
import { decodeExit } from './exit.ts';
import { createSupervisedFiles } from './files.ts';
import type { Send } from './files.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader } from './frames.ts';
import {
  checkExecutionId,
  checkSignal,
  decodeClosed,
  decodeList,
  decodeOutput,
  decodeStats,
  decodeTermination,
  encodeSpawn,
  milliseconds,
  outcomeNumber,
} from './messages.ts';
import { CHUNK_BYTES, EVENT, KILL_MODE, REPLY, REQUEST } from './protocol.ts';
import { createWaits } from './waits.ts';
import { within } from './within.ts';

/** The supervisor gives up on survivors this long after its last SIGKILL. */
const AFTER_KILL_MS = 5000;
/** Pauses before each further attempt to get a broken connection back. */
const RECONNECT_MS = [0, 50, 200, 1000, 3000, 10_000] as const;
/** Beyond the grace, for the last SIGKILL and the ends it brings. */
const SLACK_MS = 5000;
/** A supervisor that does not take the order to end within this time is ended by force. */
const SHUTDOWN_MS = 2000;

export interface ConnectionEvents {
  onEvent(type: number, payload: FrameReader): void;
  onDisconnect(disconnection: Disconnection): void;
}

export interface SupervisedOptions {
  readonly id: string;
  readonly driver: DriverName;
  readonly handle: SandboxHandle;
  /** Of the protocol that its supervisor speaks. */
  readonly version: number;
  /** The supervisor's program, as seen inside. */
  readonly planRunner: string;
  /** Folders that the file operations may touch; for messages. */
  readonly roots: readonly string[];
  /** Defaults of the executions' limits. */
  readonly limits: SandboxLimits;
  /** Added to the environment of every execution, and stronger than its own. */
  readonly environment: Readonly<Record<string, string>>;
  connect(events: ConnectionEvents, signal?: AbortSignal): Promise<Connection>;
  /** Waits up to `waitMs` for the sandbox to end by itself, then ends it by force. Throws when something of it is left. */
  destroy(waitMs: number): Promise<void>;
  /** What the journal tells, when the supervisor cannot. */
  journal(): Promise<readonly SandboxExecution[]>;
}

const nothing = (): void => {};

const gone = (reason: string): CorralError => new CorralError('lost', `The sandbox is gone: ${reason}`);

/** A listener that throws is a defect of the listener: it surfaces as an uncaught error and harms no connection. */
const tell = (call: () => void): void => {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};

/**
 * A sandbox whose supervisor answers on a connection. A connection that breaks while the supervisor lives is made anew; exits that happened
 * meanwhile are told. Rejects when the first connection cannot be made.
 */
export const openSupervisedSandbox = async (options: SupervisedOptions, signal?: AbortSignal): Promise<Sandbox> => {
  const { id, version } = options;
  /** Started or listed here, and not known to have ended. */
  const running = new Set<string>();
  let listener: SandboxEvents | undefined;
  let lostReason: string | undefined;
  let state: 'open' | 'ending' | 'disposed' | 'gone' = 'open';
  let recovering: Promise<Connection> | undefined;

  const onExit = (exit: Exit): void => {
    running.delete(exit.execution);
    if (listener !== undefined) tell(() => listener?.exit(exit));
  };

  const onEvent = (type: number, payload: FrameReader): void => {
    switch (type) {
      case EVENT.exit:
        return onExit(decodeExit(payload, version));
      case EVENT.output: {
        const { execution, stdoutBytes, stderrBytes } = decodeOutput(payload);
        return tell(() => listener?.output(execution, stdoutBytes, stderrBytes));
      }
      case EVENT.inputWait: {
        const { execution, wait } = decodeInputWait(payload);
        return tell(() => listener?.input(execution, wait));
      }
      case EVENT.closed: {
        const { execution, stdout, stderr } = decodeClosed(payload);
        return tell(() => listener?.closed(execution, stdout, stderr));
      }
      default:
        throw new ProtocolViolation(`an event of unknown type ${type}`);
    }
  };

  const becomeGone = (reason: string): void => {
    if (state === 'gone') return;
    if (state !== 'disposed') {
      lostReason = reason;
      tell(() => listener?.lost(reason));
    }
    state = 'gone';
    running.clear();
  };

  /** A list that is full leaves out streams; those that have no files are in the journal. */
  const complete = async (listed: readonly SandboxExecution[]): Promise<readonly SandboxExecution[]> => {
    const lacks = ({ exit }: SandboxExecution): boolean => exit?.unfiled === true && exit.inline === undefined;
    if (!listed.some(lacks)) return listed;
    const journal = new Map((await options.journal()).map((one) => [one.execution, one.exit]));
    return listed.map((one) => (lacks(one) ? { ...one, exit: journal.get(one.execution) ?? one.exit } : one));
  };

  const fetchList = async (from: Connection): Promise<readonly SandboxExecution[]> =>
    complete(await from.call(from.begin(REQUEST.list), REPLY.list, { action: 'list executions' }, decodeList(version)));

  /** Tells the exits that were missed. */
  const catchUp = (executions: readonly SandboxExecution[]): void => {
    for (const { execution, exit } of executions) if (exit !== undefined && running.has(execution)) onExit(exit);
  };

  /** The list forgets what another server acknowledged meanwhile; the journal tells that too. */
  const catchUpAll = async (listed: readonly SandboxExecution[]): Promise<void> => {
    const known = new Set(listed.map(({ execution }) => execution));
    const missing = [...running].some((execution) => !known.has(execution));
    const journal = missing ? await options.journal() : [];
    catchUp(listed);
    catchUp(journal.filter(({ execution }) => !known.has(execution)));
  };

  const reconnect = async ({ violated, reason }: Disconnection): Promise<Connection> => {
    let last = reason;
    for (const pause of violated ? [] : RECONNECT_MS) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      if (state !== 'open') break;
      try {
        // Without the signal of the call that opened it: that call is long over, and its caller gone.
        const next = await options.connect({ onEvent, onDisconnect });
        if (state !== 'open') {
          next.close();
          break;
        }
        connection = next;
        await catchUpAll(await fetchList(next));
        recovering = undefined;
        return next;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Nobody listens any more: that says nothing beyond the end itself.
        if (code === 'ECONNREFUSED' || code === 'ENOENT') {
          last = reason;
          break;
        }
        last = error instanceof Error ? error.message : String(error);
      }
    }
    if (state !== 'open') throw gone('it is being ended.');
    let ending = violated ? `its supervisor broke the protocol (${reason}) and was ended` : 'its supervisor ended';
    try {
      await options.destroy(0);
      catchUp(await options.journal());
    } catch (error) {
      ending += `; ${error instanceof Error ? error.message : String(error)}`;
    }
    becomeGone(`${ending}${last === reason || violated ? '' : ` (${last})`}.`);
    throw gone(lostReason ?? ending);
  };

  const onDisconnect = (disconnection: Disconnection): void => {
    if (state !== 'open' || recovering !== undefined) return;
    recovering = reconnect(disconnection);
    recovering.catch(nothing); // told by `lost`, and to whoever asks meanwhile
  };

  let connection = await options.connect({ onEvent, onDisconnect }, signal);

  const unusable = (): CorralError | undefined =>
    state === 'gone'
      ? gone(lostReason ?? 'it ended.')
      : state === 'disposed'
        ? new CorralError('unavailable', `The connection to sandbox ${id} was closed by this server.`, { hint: 'Open the sandbox again.' })
        : undefined;

  const send: Send = (type, encode, reply, context, decode, { capacity, mayTakeMs } = {}) => {
    const error = unusable();
    if (error !== undefined) return Promise.reject(error);
    const on = (target: Connection) => {
      const request = target.begin(type, capacity);
      encode(request);
      return target.call(request, reply, context, decode, mayTakeMs);
    };
    return recovering === undefined ? on(connection) : recovering.then(on);
  };

  const plain = (type: number, encode: Parameters<Send>[1], context: ErrorContext): Promise<void> =>
    send(type, encode, REPLY.ok, context, nothing);

  /** What came with a later version of the protocol is not asked of a supervisor that an older server started. */
  const requireVersion = (least: number, what: string): void => {
    if (version < least)
      throw new CorralError('unsupported', `This sandbox was made by an older version of Corral, which cannot ${what}.`, {
        hint: 'Start the program in a new sandbox; what runs in this one goes on.',
      });
  };

  const waits = createWaits({
    send,
    roots: options.roots,
    cancel: (asked) => {
      if (state !== 'open' || recovering !== undefined) return;
      const request = connection.begin(REQUEST.cancel);
      request.payload.u32(asked);
      connection.tell(request);
    },
  });

  const terminate: Sandbox['terminate'] = async (execution, { graceMs, cause, signal: first = 15 }) =>
    send(
      REQUEST.kill,
      ({ payload }) =>
        payload
          .str(checkExecutionId(execution))
          .u8(KILL_MODE.tree)
          .u8(checkSignal(first))
          .u32(milliseconds(graceMs))
          .u8(outcomeNumber(cause)),
      REPLY.kill,
      { action: 'terminate', execution },
      decodeTermination,
      { mayTakeMs: graceMs + AFTER_KILL_MS },
    );

  return {
    id,
    driver: options.driver,
    handle: options.handle,
    planRunner: options.planRunner,
    files: createSupervisedFiles(send, options.roots),

    listen: (events) => {
      listener = events;
      const reason = lostReason;
      if (reason !== undefined) queueMicrotask(() => tell(() => events.lost(reason)));
    },

    start: async (command: SandboxCommand, abort?: AbortSignal) => {
      throwIfCancelled(abort, 'The call was cancelled before the program was started.');
      const { execution } = command;
      running.add(execution);
      try {
        const started = await send(
          REQUEST.spawn,
          ({ payload }) => encodeSpawn(payload, command, options.limits, options.environment),
          REPLY.spawn,
          { action: 'start', execution, program: command.steps[0]?.[0] ?? '', searchPath: command.env['PATH'] ?? '', cwd: command.cwd },
          (reply) => ({ pid: reply.u32(), startedMs: reply.u64() }),
          { capacity: 2048 },
        );
        if (!isCancelled(abort)) return started;
      } catch (error) {
        // A lost connection leaves it open whether the program runs: the reconnection tells.
        if (!(error instanceof CorralError && error.code === 'lost')) running.delete(execution);
        throw error;
      }
      await terminate(execution, { graceMs: 0, cause: 'cancelled' });
      throw new CorralError('cancelled', 'The call was cancelled while the program was being started; it was ended.');
    },

    write: async (execution, data, end) => {
      let at = 0;
      do {
        const piece = data.subarray(at, at + CHUNK_BYTES / 2);
        at += piece.length;
        const last = at >= data.length;
        await plain(
          REQUEST.input,
          ({ payload }) =>
            payload
              .str(checkExecutionId(execution))
              .u8(end && last ? 1 : 0)
              .str(piece),
          {
            action: 'send input',
            execution,
          },
        );
      } while (at < data.length);
    },

    signal: async (execution, number) => {
      await send(
        REQUEST.kill,
        ({ payload }) => payload.str(checkExecutionId(execution)).u8(KILL_MODE.group).u8(checkSignal(number)).u32(0).u8(0),
        REPLY.kill,
        { action: 'signal', execution },
        decodeTermination,
      );
    },

    terminate,

    resize: async (execution, cols, rows) =>
      plain(REQUEST.resize, ({ payload }) => payload.str(checkExecutionId(execution)).u16(cols).u16(rows), { action: 'resize', execution }),

    watch: async (execution, on) =>
      plain(REQUEST.watch, ({ payload }) => payload.str(checkExecutionId(execution)).u8(on ? 1 : 0), { action: 'watch', execution }),

    inspect: async (execution) => {
      requireVersion(2, 'tell what an execution does');
      return send(
        REQUEST.inspect,
        ({ payload }) => payload.str(checkExecutionId(execution)),
        REPLY.inspect,
        { action: 'inspect', execution },
        decodeActivity,
      );
    },

    waitPort: waits.waitPort,
    waitFile: async (path, timeoutMs, abort) => {
      requireVersion(2, 'wait for a file');
      return waits.waitFile(path, timeoutMs, abort);
    },

    list: async () => {
      const executions = await complete(await send(REQUEST.list, nothing, REPLY.list, { action: 'list executions' }, decodeList(version)));
      for (const { execution, exit } of executions) if (exit === undefined) running.add(execution);
      return executions;
    },

    acknowledge: (execution) => {
      // Unsent while the connection is away: the supervisor lists the exit again, and it is acknowledged then.
      if (state !== 'open' || recovering !== undefined) return;
      const request = connection.begin(REQUEST.acknowledge, 96);
      request.payload.str(checkExecutionId(execution));
      connection.tell(request);
    },

    renew: async (leaseMs) => plain(REQUEST.lease, ({ payload }) => payload.u32(milliseconds(leaseMs)), { action: 'renew the lease' }),

    stats: async () => send(REQUEST.stats, nothing, REPLY.stats, { action: 'ask for figures' }, decodeStats),

    end: async (graceMs) => {
      if (state === 'gone') return;
      const asked =
        state === 'open'
          ? plain(REQUEST.shutdown, ({ payload }) => payload.u32(milliseconds(graceMs)), { action: 'end the sandbox' })
          : undefined;
      state = 'ending';
      // Whatever becomes of the request, `destroy` sees to the end and says whether it was reached.
      const heard = asked?.then(
        () => true,
        () => false,
      );
      const obeys = heard !== undefined && (await within(heard, SHUTDOWN_MS, false));
      await options.destroy(obeys ? graceMs + SLACK_MS : 0);
      connection.close();
      becomeGone('it was ended by this server.');
    },

    [Symbol.asyncDispose]: async () => {
      if (state !== 'open') return;
      state = 'disposed';
      connection.close();
    },
  };
};
