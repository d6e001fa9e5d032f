import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSandboxId } from '../../lib/ids.ts';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { Capabilities, Sandbox, SandboxDriver, SandboxSpec } from '../../ports/sandbox.ts';
import { baseEnvironment, SYSTEM_PATH } from '../sandboxes/environment.ts';
import type { Check } from './checks/check.ts';
import { DRIVER_CHECKS } from './checks/drivers.ts';
import { MACHINE_CHECKS } from './checks/machine.ts';
import { STATE_CHECKS } from './checks/state.ts';
import { checkLanguages } from './checks/toolchains.ts';
import type { DoctorDeps } from './deps.ts';
import { probeArch } from './escapes/probe.ts';
import type { ProbeContext } from './escapes/probe.ts';
import { ESCAPE_PROBES } from './escapes/probes.ts';
import { runProbe, settleNeighbour } from './escapes/run-probes.ts';
import { attackLimits, doctorLimits, limitsUnproven } from './limits.ts';
import { openTargets, privateHomePaths } from './escapes/targets.ts';
import type { Targets } from './escapes/targets.ts';
import { createExecutionRunner } from './execution-runner.ts';
import type { ExecutionRunner } from './execution-runner.ts';
import { verdictOf } from './report.ts';
import type { CheckResult, DoctorReport, ProbeResult } from './report.ts';

const CHECKS: readonly Check[] = [...MACHINE_CHECKS, ...DRIVER_CHECKS, ...STATE_CHECKS];
const CHECK_MS = 30_000;
const SANDBOX_MS = 180_000;
const PROCESSES = 64;
const HOME = '/home/sandbox';
const WORKSPACE = '/workspace';

const throwIfCancelled = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw new CorralError('cancelled', 'The call was cancelled.');
};

const runCheck = async (check: Check, deps: DoctorDeps, signal: AbortSignal | undefined): Promise<CheckResult> => {
  const { id, title } = check;
  const late = AbortSignal.timeout(CHECK_MS);
  try {
    const overdue = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`no answer within ${CHECK_MS / 1000} s`)), { once: true });
      signal?.addEventListener('abort', () => reject(new CorralError('cancelled', 'The call was cancelled.')), { once: true });
    });
    return {
      id,
      title,
      ...(await Promise.race([check.run(deps, signal === undefined ? late : AbortSignal.any([signal, late])), overdue])),
    };
  } catch (error) {
    throwIfCancelled(signal);
    return { id, title, status: 'fail', found: `the check failed: ${toCorralError(error).message}` };
  }
};

/** The last uids of the range: the least likely to be those of a living sandbox. */
const uidOf = ({ uid, config }: DoctorDeps, index: number): number | undefined =>
  uid !== 0 || config.unsafeRoot ? undefined : config.uidFirst + config.uidCount - 1 - Math.min(index, config.uidCount - 1);

/** A sandbox like any other that this server would make, with limits that can be tried. */
const specOf = async (deps: DoctorDeps, base: string, index: number, limits: SandboxSpec['limits']): Promise<SandboxSpec> => {
  const id = newSandboxId();
  const [folder, work] = [join(base, id), join(base, `${id}-work`)];
  await Promise.all([folder, work].map((path) => mkdir(path, { mode: 0o700 })));
  const { toolchains } = deps;
  return {
    id,
    folder,
    workdir: WORKSPACE,
    workspaces: [{ source: work, target: WORKSPACE, mode: 'rw' }],
    mounts: toolchains.mounts,
    env: baseEnvironment({
      path: [...toolchains.path, ...SYSTEM_PATH, ...toolchains.fallbackPath],
      home: HOME,
      user: 'sandbox',
      sandbox: id,
      extra: toolchains.env,
    }),
    network: 'none',
    limits,
    leaseMs: SANDBOX_MS,
    lifetimeMs: SANDBOX_MS,
    uid: uidOf(deps, index),
  };
};

const contextOf = async (deps: DoctorDeps, spec: SandboxSpec, targets: Targets): Promise<ProbeContext> => {
  const arch = probeArch(process.arch);
  if (arch === undefined) throw new CorralError('unsupported', `There are no probes for the processor "${process.arch}".`);
  const mounted = [...spec.mounts, ...spec.workspaces].map(({ target }) => target);
  return {
    arch,
    outside: targets.outside,
    stateDir: deps.config.stateDir,
    homePaths: await privateHomePaths(deps.home, mounted),
    serverVariables: Object.keys(deps.env).filter(
      (name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !(name in spec.env) && !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name),
    ),
    readOnly: spec.mounts.map(({ target }) => target),
    port: targets.port,
    abstract: targets.abstract,
    neighbour: targets.neighbour,
    processes: spec.limits.processes ?? 0,
  };
};

/** Whatever the uid inside: a file that a command makes in a workspace belongs to the workspace's owner. */
const checkOwner = async (spec: SandboxSpec, runner: ExecutionRunner, signal: AbortSignal | undefined): Promise<CheckResult> => {
  const about = { id: 'workspace', title: 'Files in a workspace' };
  const { exit } = await runner.run(['/bin/sh', '-c', 'echo made >made'], 10_000, signal);
  const source = spec.workspaces[0]?.source ?? '';
  if (exit.outcome.kind !== 'exited' || exit.outcome.code !== 0)
    return { ...about, status: 'fail', found: 'a command cannot write into its workspace' };
  const [owner, made] = await Promise.all([stat(source), stat(join(source, 'made'))]);
  return owner.uid === made.uid && owner.gid === made.gid
    ? {
        ...about,
        status: 'ok',
        found: `written from inside${spec.uid === undefined ? '' : ` as uid ${spec.uid}`}, owned outside by the folder's owner, ${owner.uid}`,
      }
    : { ...about, status: 'fail', found: `a file made inside belongs to ${made.uid}, not to the folder's owner ${owner.uid}` };
};

const unproven = (seen: string): ProbeResult[] =>
  ESCAPE_PROBES.map(({ id, title, expected }) => ({ id, title, expected, tried: [], seen, held: 'unproven' as const }));

const nothingSeen = (checks: readonly CheckResult[], why: string): Inside => ({
  checks,
  probes: unproven(why),
  limits: limitsUnproven(why),
});

interface Inside {
  readonly checks: readonly CheckResult[];
  readonly probes: readonly ProbeResult[];
  readonly limits: readonly ProbeResult[];
}

/** What can only be found out from inside. Three sandboxes, gone afterwards. */
const lookInside = async (
  deps: DoctorDeps,
  driver: SandboxDriver,
  capabilities: Capabilities,
  signal: AbortSignal | undefined,
): Promise<Inside> => {
  const base = await mkdtemp(join(tmpdir(), 'corral-doctor-'));
  const made: Sandbox[] = [];
  try {
    await using targets = await openTargets();
    const enter = async (index: number, limits: SandboxSpec['limits']) => {
      const spec = await specOf(deps, base, index, limits);
      const sandbox = await driver.create(spec, signal);
      made.push(sandbox);
      return { spec, sandbox, runner: createExecutionRunner(sandbox, spec) };
    };
    const counted = capabilities.limits.includes('processes') ? { processes: PROCESSES } : {};
    const [{ spec, runner }, neighbour] = [await enter(0, counted), await enter(1, {})];
    await settleNeighbour(neighbour.runner, targets.neighbour, neighbour.spec);
    const context = await contextOf(deps, spec, targets);
    const checks = [await checkOwner(spec, runner, signal), await checkLanguages(deps, neighbour.runner, signal)];
    const probes: ProbeResult[] = [];
    for (const probe of ESCAPE_PROBES) probes.push(await runProbe(probe, runner, context, signal));
    const victim = await enter(2, doctorLimits(capabilities));
    const limits = await attackLimits(victim.sandbox, victim.runner, capabilities, signal);
    return { checks, probes, limits };
  } finally {
    await Promise.allSettled(made.map((sandbox) => sandbox.end(0)));
    await rm(base, { recursive: true, force: true });
  }
};

/**
 * Looks at everything Corral depends on, and attacks a sandbox as a hostile command would. Says only what it saw: what could not be tried
 * is `unproven`. Throws only when cancelled.
 */
export const runDoctor = async (deps: DoctorDeps, signal?: AbortSignal): Promise<DoctorReport> => {
  throwIfCancelled(signal);
  const checks = await Promise.all(CHECKS.map((check) => runCheck(check, deps, signal)));
  const driver = deps.drivers.get('bubblewrap');
  const probe = await driver?.probe(signal);
  throwIfCancelled(signal);
  let inside: Inside;
  if (driver === undefined || probe?.available !== true) inside = nothingSeen([], 'there is no sandbox to try it in');
  else
    try {
      inside = await lookInside(deps, driver, probe.capabilities, signal);
    } catch (error) {
      throwIfCancelled(signal);
      const { message } = toCorralError(error);
      inside = nothingSeen([{ id: 'inside', title: 'A look from inside', status: 'fail', found: message }], message);
    }
  const all = [...checks, ...inside.checks];
  const { probes, limits } = inside;
  return { version: deps.version, verdict: verdictOf(all, [...probes, ...limits]), checks: all, probes, limits };
};
