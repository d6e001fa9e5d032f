import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, writeFileSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BubblewrapArguments } from '../../src/drivers/sandbox/bubblewrap/arguments.ts';

export const FIRST_DATA_FD = 10;
export const INFO_FD = 8;
/** Owned by nobody: what a root test drops to, since bubblewrap as root is still root outside. */
export const UNPRIVILEGED = 61_001;

/** Why real bubblewrap tests cannot run here; undefined when they can. */
export const whyNoBubblewrap = (): string | undefined => {
  try {
    const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
    execFileSync('bwrap', ['--unshare-user', '--disable-userns', '--ro-bind', '/', '/', 'true'], {
      stdio: 'pipe',
      timeout: 10_000,
      ...identity,
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What bubblewrap wrote to the info descriptor. */
  readonly info: string;
}

/** A folder that an unprivileged user may pass through, gone when disposed. */
export const temporaryFolder = (): Disposable & { readonly path: string } => {
  const path = mkdtempSync(join(tmpdir(), 'corral-test-'));
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

export interface RunOptions {
  readonly uid?: number | undefined;
  /** The launcher's environment; the sandbox must not see it. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Starts bwrap as the launcher does: data in descriptors from FIRST_DATA_FD on, the info pipe at INFO_FD. */
export const runBubblewrap = async ({ args, data }: BubblewrapArguments, options: RunOptions = {}): Promise<Finished> => {
  using folder = temporaryFolder();
  const descriptors = data.map((blob, index) => {
    const file = join(folder.path, String(index));
    writeFileSync(file, blob);
    return openSync(file, 'r');
  });
  try {
    const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'];
    for (let fd = 3; fd < FIRST_DATA_FD; fd += 1) stdio[fd] = fd === INFO_FD ? 'pipe' : 'ignore';
    descriptors.forEach((fd, index) => (stdio[FIRST_DATA_FD + index] = fd));
    const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
    const child = spawn('bwrap', args, { stdio, cwd: '/', env: options.env ?? {}, ...identity });
    const collect = (fd: number): (() => string) => {
      const chunks: Buffer[] = [];
      child.stdio[fd]?.on('data', (chunk: Buffer) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString();
    };
    const [stdout, stderr, info] = [collect(1), collect(2), collect(INFO_FD)];
    // Killing bwrap ends nothing: pid 1 of the sandbox does.
    const late = setTimeout(() => {
      const inside = /"child-pid": (\d+)/.exec(info())?.[1];
      for (const pid of [inside, child.pid]) if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
    }, options.timeoutMs ?? 15_000);
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ending) => resolve(ending));
    }).finally(() => clearTimeout(late));
    return { code, signal, stdout: stdout(), stderr: stderr(), info: info() };
  } finally {
    descriptors.forEach((fd) => closeSync(fd));
  }
};
