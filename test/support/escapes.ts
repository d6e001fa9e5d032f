import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attacksOf, compileProbe, readAnswers } from '../../src/core/doctor/escapes/compile.ts';
import type { Answers } from '../../src/core/doctor/escapes/compile.ts';
import { probeArch } from '../../src/core/doctor/escapes/probe.ts';
import type { EscapeProbe, ProbeContext } from '../../src/core/doctor/escapes/probe.ts';
import { openTargets } from '../../src/core/doctor/escapes/targets.ts';
import { buildBubblewrapArguments } from '../../src/drivers/sandbox/bubblewrap/arguments.ts';
import { describeHostLayout } from '../../src/drivers/sandbox/bubblewrap/host-layout.ts';
import { createBubblewrapDriver } from '../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createSupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import { createExecutionRunner } from '../../src/core/doctor/execution-runner.ts';
import type { ExecutionRunner } from '../../src/core/doctor/execution-runner.ts';
import type { Sandbox, SandboxLimits, SandboxSpec } from '../../src/ports/sandbox.ts';
import { aSpec, temporaryState } from './sandboxes.ts';
import { supervisorPath } from './supervisor.ts';
import { FIRST_DATA_FD, INFO_FD, runBubblewrap, temporaryFolder, UNPRIVILEGED } from './run-bubblewrap.ts';

/** A variable that only the "server" has; its value must not matter. */
export const SERVER_VARIABLE = 'CORRAL_ESCAPE_MARKER';
export const PROCESSES = 64;

export interface Range extends AsyncDisposable {
  readonly context: ProbeContext;
}

/** What attacks are aimed at; beside the doctor's own, a state folder and a home, both outside. */
export const openRange = async (): Promise<Range> => {
  const targets = await openTargets();
  const home = join(targets.outside, 'home');
  const stateDir = join(targets.outside, 'state');
  for (const folder of [home, stateDir]) mkdirSync(folder);
  writeFileSync(join(home, '.netrc'), 'secret');
  const arch = probeArch(process.arch);
  if (arch === undefined) throw new Error(`no probes for ${process.arch}`);
  return {
    context: {
      arch,
      outside: targets.outside,
      stateDir,
      homePaths: [join(home, '.netrc')],
      serverVariables: [SERVER_VARIABLE],
      readOnly: [],
      port: targets.port,
      abstract: targets.abstract,
      neighbour: targets.neighbour,
      processes: PROCESSES,
    },
    [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose](),
  };
};

const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};

/** A process as the server is one: with a secret in its environment, the state folder in its arguments; and what a neighbour would leave. */
const startVictim = (context: ProbeContext): Disposable => {
  const files = ['/tmp', '/dev/shm'].map((folder) => join(folder, context.neighbour));
  for (const file of files) writeFileSync(file, '');
  const child = spawn('/bin/sh', ['-c', 'sleep "$1" & wait', 'sh', '60', context.stateDir, context.neighbour], {
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', [SERVER_VARIABLE]: 'secret' },
    detached: true,
    ...identity,
  });
  return {
    [Symbol.dispose]: () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      for (const file of files) rmSync(file, { force: true });
    },
  };
};

/** The attacks of a probe by an ordinary user of the machine (or by oneself), with a descriptor too many, and no sandbox at all. */
export const attackInTheOpen = async (probe: EscapeProbe, context: ProbeContext, asMyself = false): Promise<Answers> => {
  using _victim = startVictim(context);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const attacks = attacksOf(probe, context);
  const leaked = openSync('/dev/null', 'r');
  try {
    const child = spawn('/bin/sh', ['-c', compileProbe(attacks, context.arch)], {
      stdio: ['ignore', 'pipe', 'ignore', leaked],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      cwd: '/',
      timeout: 30_000,
      killSignal: 'SIGKILL',
      ...(asMyself ? {} : identity),
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return readAnswers(attacks, Buffer.concat(chunks).toString());
  } finally {
    closeSync(leaked);
  }
};

/** They win so thoroughly against a shell that the probe never ends: the shell is traced, then stopped for good. */
const FATAL = ['trace', 'stop', 'kill', 'end'];

/** The same where pid 1 is a shell of the same user: neither a filter nor a supervisor that protects itself. */
export const attackBesideShell = async (probe: EscapeProbe, context: ProbeContext): Promise<Answers> => {
  const attacks = attacksOf(probe, context).filter(({ name }) => !FATAL.includes(name));
  using folder = temporaryFolder();
  const payload = join(folder.path, 'payload');
  writeFileSync(join(folder.path, 'probe'), compileProbe(attacks, context.arch));
  writeFileSync(
    payload,
    `#!/bin/sh\nexport PATH=/usr/local/bin:/usr/bin:/bin MARK=1\n/bin/sh ${join(folder.path, 'probe')} 2>/dev/null\n`,
    { mode: 0o755 },
  );
  const uid = 'uid' in identity ? identity.uid : undefined;
  const built = buildBubblewrapArguments({
    spec: {
      id: 'x',
      folder: '/',
      workdir: '/',
      workspaces: [],
      mounts: [],
      env: {},
      network: 'host',
      limits: {},
      leaseMs: 1,
      lifetimeMs: 0,
      uid,
    },
    host: await describeHostLayout(),
    supervisorPath: payload,
    supervisorInside: payload,
    form: 'pid-namespace',
    firstDataFd: FIRST_DATA_FD,
    infoFd: INFO_FD,
    readableSources: (source) => source,
  });
  const { stdout } = await runBubblewrap(built, { uid, timeoutMs: 30_000 });
  return readAnswers(attacks, stdout);
};

export interface Arena extends AsyncDisposable {
  /** One more real sandbox, of its own uid where the server is root. */
  enter(limits?: SandboxLimits): Promise<{ readonly spec: SandboxSpec; readonly sandbox: Sandbox; readonly runner: ExecutionRunner }>;
}

/** Real sandboxes of the default driver, made by a launcher whose server has a secret in its environment. */
export const openArena = (): Arena => {
  const path = supervisorPath();
  process.env[SERVER_VARIABLE] = 'secret';
  const launcher = createSupervisorLauncher({ supervisorPath: path });
  launcher.warm();
  const driver = createBubblewrapDriver({ launcher, supervisorPath: path, probeUid: UNPRIVILEGED });
  const state = temporaryState();
  const sandboxes: Sandbox[] = [];
  return {
    enter: async (limits = {}) => {
      const uid = process.getuid?.() === 0 ? UNPRIVILEGED + 1 + sandboxes.length : undefined;
      const spec = aSpec(state, { limits, uid });
      const sandbox = await driver.create(spec);
      sandboxes.push(sandbox);
      return { spec, sandbox, runner: createExecutionRunner(sandbox, spec) };
    },
    [Symbol.asyncDispose]: async () => {
      delete process.env[SERVER_VARIABLE];
      await Promise.allSettled(sandboxes.map((sandbox) => sandbox.end(0)));
      await launcher[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    },
  };
};
