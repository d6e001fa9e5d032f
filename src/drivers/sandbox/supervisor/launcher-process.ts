import { spawn } from 'node:child_process';
import { CorralError } from '../../../ports/errors.ts';
import { createChannel } from './channel.ts';
import { createDeferred } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader, FrameWriter } from './frames.ts';
import type { Launched, LaunchOptions } from './launch-options.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { EVENT, KEEP_ID, REPLY, REQUEST } from './protocol.ts';

/** One running launcher. */
export interface LauncherProcess {
  readonly pid: number | undefined;
  launch(options: LaunchOptions): Promise<Launched>;
  kill(process: ProcessIdentity): Promise<void>;
  /** Ends its input, and kills it when it does not end. */
  end(): Promise<void>;
}

interface Waiting {
  readonly info: Deferred<string>;
  readonly ended: Deferred<number>;
}

const HINT =
  'Check that the supervisor program exists and can be executed (`corral doctor`), then call again: the launcher is started anew.';
/** The launcher ends at the end of its input; this long after, it is killed. */
const END_MS = 2000;

const nothing = (): void => {};

const encodeLaunch = (to: FrameWriter, options: LaunchOptions): void => {
  to.str(options.sandbox).str(options.socketPath).str(options.logFolder).str(options.journalPath).str(options.bootLogPath);
  to.str(options.configuration)
    .u32(options.uid ?? KEEP_ID)
    .u32(options.gid ?? KEEP_ID);
  to.list(options.cgroups)
    .list(options.figures ?? [])
    .str(options.stagingFolder)
    .u32(options.staged.length);
  for (const { source, name, flags } of options.staged) to.str(source).str(name).u8(flags);
  to.list(options.argv).list(options.env).list(options.data);
};

/** Starts it: in a session of its own, with an empty environment, away from any folder. `onEnd` is called once. */
export const startLauncher = (supervisorPath: string, onEnd: () => void): LauncherProcess => {
  const launched = new Map<number, Waiting>();
  const exited = createDeferred<void>();
  const child = spawn(supervisorPath, ['launch'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env: {}, cwd: '/' });

  const onEvent = (type: number, payload: FrameReader): void => {
    const pid = payload.i32();
    const waiting = launched.get(pid);
    switch (type) {
      case EVENT.launched:
        return waiting?.info.resolve(payload.str());
      case EVENT.ended:
        launched.delete(pid);
        waiting?.info.resolve('');
        return waiting?.ended.resolve(payload.i32());
      default:
        throw new ProtocolViolation(`an event of unknown type ${type}`);
    }
  };
  const channel = createChannel({ write: (frame) => void child.stdin.write(frame), onEvent });

  const fail = (reason: string, cause?: unknown): void => {
    const error = new CorralError('unavailable', `The launcher of sandboxes ended: ${reason}.`, { hint: HINT, cause });
    channel.fail(error);
    for (const { info, ended } of launched.values()) {
      info.reject(error);
      ended.reject(error);
    }
    launched.clear();
    exited.resolve();
    onEnd();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      channel.feed(chunk, chunk.length);
    } catch (error) {
      child.kill('SIGKILL');
      fail('it broke the protocol', error);
    }
  });
  child.stdin.on('error', nothing); // the exit says more
  child.once('error', (error) => fail(error.message, error));
  child.once('exit', (code, signal) => fail(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`));

  return {
    pid: child.pid,
    launch: async (options) => {
      const request = channel.begin(REQUEST.launch, 4096);
      encodeLaunch(request.payload, options);
      return channel.call(request, REPLY.launch, { action: 'launch a sandbox', program: options.argv[0] ?? '' }, (reply) => {
        const pid = reply.i32();
        const waiting: Waiting = { info: createDeferred(), ended: createDeferred() };
        launched.set(pid, waiting); // now, while the reply is read: its events may stand right behind it
        return { pid, info: waiting.info.promise, ended: waiting.ended.promise };
      });
    },
    kill: async ({ pid, startTicks }) => {
      const request = channel.begin(REQUEST.end, 32);
      request.payload.i32(pid).u64(startTicks);
      try {
        await channel.call(request, REPLY.ok, { action: 'end a process' }, nothing);
      } catch (error) {
        if (!(error instanceof CorralError && error.code === 'not_found')) throw error;
      }
    },
    end: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await exited.promise;
      clearTimeout(timer);
    },
  };
};
