import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../../src/core/config/schema.ts';
import type { DoctorDeps } from '../../../src/core/doctor/deps.ts';
import { runDoctor } from '../../../src/core/doctor/doctor.ts';
import { ESCAPE_PROBES } from '../../../src/core/doctor/escapes/probes.ts';
import { renderDoctor } from '../../../src/core/doctor/render.ts';
import { verdictOf } from '../../../src/core/doctor/report.ts';
import type { CheckResult, DoctorReport, ProbeResult } from '../../../src/core/doctor/report.ts';
import { createBubblewrapDriver } from '../../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createSupervisorLauncher } from '../../../src/drivers/sandbox/supervisor/launcher.ts';
import { findToolchains } from '../../../src/drivers/sandbox/toolchains.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import type { SandboxDriver } from '../../../src/ports/sandbox.ts';
import { temporaryFolder, whyNoBubblewrap } from '../../support/run-bubblewrap.ts';
import { realGroups } from '../../support/real-groups.ts';
import { supervisorPath } from '../../support/supervisor.ts';
import { whyNoGroups } from '../../support/why-no-groups.ts';

const depsOf = (stateDir: string, driver: SandboxDriver, change: Partial<DoctorDeps> = {}): DoctorDeps => ({
  version: '1.2.3',
  config: configSchema.parse({ stateDir }),
  drivers: new Map([['bubblewrap', driver]]),
  toolchains: { mounts: [], path: [], fallbackPath: [], env: {} },
  env: { PATH: '/usr/bin', HOME: '/root', A_SECRET: 'x' },
  home: homedir(),
  uid: process.getuid?.() ?? -1,
  describeStore: () => Promise.resolve('an engine'),
  ...change,
});

const failing: SandboxDriver = {
  name: 'bubblewrap',
  probe: () => Promise.resolve({ available: false, reason: 'namespaces are forbidden', fix: 'sudo sysctl -w x=1' }),
  create: () => Promise.reject(new CorralError('unavailable', 'namespaces are forbidden')),
  open: () => Promise.resolve(undefined),
  recall: () => Promise.resolve([]),
};

const check = (report: DoctorReport, id: string): CheckResult | undefined => report.checks.find((one) => one.id === id);

describe('where there is no sandbox', () => {
  test('it says why and how to mend it, and claims nothing', async () => {
    using folder = temporaryFolder();
    const report = await runDoctor(depsOf(join(folder.path, 'state'), failing));
    expect(report.verdict).toBe('fail');
    expect(check(report, 'bubblewrap')).toMatchObject({ status: 'fail', found: 'namespaces are forbidden', fix: 'sudo sysctl -w x=1' });
    expect(report.probes.map(({ held }) => held)).toEqual(ESCAPE_PROBES.map(() => 'unproven'));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('a driver that says it works and cannot make a sandbox is found out', async () => {
    using folder = temporaryFolder();
    const liar: SandboxDriver = {
      ...failing,
      probe: () =>
        Promise.resolve({
          available: true,
          version: '1',
          capabilities: {
            isolation: 'namespace',
            network: ['none'],
            limits: [],
            kept: [],
            support: { class: 'C', source: 'proc' },
            pty: true,
            survivesServer: true,
          },
        }),
    };
    const report = await runDoctor(depsOf(join(folder.path, 'state'), liar));
    expect(check(report, 'inside')).toMatchObject({ status: 'fail', found: 'namespaces are forbidden' });
    expect(report.probes.every(({ held }) => held === 'unproven')).toBe(true);
  });

  test('the records, the state folder and the rights are told as they are', async () => {
    using folder = temporaryFolder();
    const state = join(folder.path, 'state');
    mkdirSync(state);
    chmodSync(state, 0o755);
    const report = await runDoctor(
      depsOf(state, failing, {
        uid: 4711,
        describeStore: () => Promise.reject(new CorralError('unavailable', 'no engine', { hint: 'npm install' })),
      }),
    );
    expect(check(report, 'store')).toMatchObject({ status: 'fail', found: 'no engine', fix: 'npm install' });
    expect(check(report, 'state')).toMatchObject({ status: 'fail', found: expect.stringContaining('belongs to uid') });
    expect(check(report, 'identity')).toMatchObject({ status: 'warn', found: expect.stringContaining('uid 4711') });
    const mine = await runDoctor(depsOf(state, failing));
    expect(check(mine, 'state')).toMatchObject({ status: 'fail', fix: `chmod 700 ${state}` });
    chmodSync(state, 0o700);
    expect(check(await runDoctor(depsOf(state, failing)), 'state')).toMatchObject({ status: 'ok' });
  });

  test('the host driver and the network of the host are warned of', async () => {
    using folder = temporaryFolder();
    const config = configSchema.parse({ stateDir: join(folder.path, 'state'), driver: 'host', network: 'host' });
    const report = await runDoctor(depsOf(config.stateDir, failing, { config }));
    expect(check(report, 'driver')).toMatchObject({ status: 'warn', found: expect.stringContaining('no isolation at all') });
    expect(check(report, 'network')).toMatchObject({ status: 'warn' });
    expect(check(report, 'bubblewrap')).toMatchObject({ status: 'warn' });
  });

  test('a cancelled call ends as cancelled', async () => {
    using folder = temporaryFolder();
    await expect(runDoctor(depsOf(join(folder.path, 'state'), failing), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('the verdict is that of the worst, and an unproven escape is no good news', () => {
  const checks = (status: CheckResult['status']): CheckResult[] => [{ id: 'a', title: 'A', status, found: '' }];
  const probes = (held: ProbeResult['held']): ProbeResult[] => [{ id: 'a', title: 'A', tried: [], expected: '', seen: '', held }];
  expect(verdictOf(checks('ok'), probes('yes'))).toBe('ok');
  expect(verdictOf(checks('skipped'), probes('yes'))).toBe('ok');
  expect(verdictOf(checks('warn'), probes('yes'))).toBe('warn');
  expect(verdictOf(checks('ok'), probes('unproven'))).toBe('warn');
  expect(verdictOf(checks('fail'), probes('yes'))).toBe('fail');
  expect(verdictOf(checks('ok'), probes('no'))).toBe('fail');
});

test('the report as text shows what is wrong, and what mends it', () => {
  const text = renderDoctor({
    version: '1.2.3',
    verdict: 'fail',
    checks: [
      { id: 'a', title: 'Short', status: 'ok', found: 'fine', fix: 'not shown' },
      { id: 'b', title: 'A longer title', status: 'fail', found: 'broken', fix: 'sudo mend' },
    ],
    probes: [
      { id: 'p', title: 'Held', tried: ['x'], expected: 'all refused', seen: '1 of 1 refused', held: 'yes' },
      { id: 'q', title: 'Open', tried: ['x'], expected: 'all refused', seen: 'succeeded: x', held: 'no' },
      { id: 'r', title: 'Unknown', tried: ['x'], expected: 'all refused', seen: 'no python3', held: 'unproven' },
    ],
    limits: [
      { id: 'l', title: 'Memory', tried: ['memoryBytes'], expected: 'ends as memory_limit', seen: 'memory_limit after 0.3 s', held: 'yes' },
      { id: 'm', title: 'Disk', tried: ['diskBytes'], expected: 'ends as disk_limit', seen: 'nothing stopped it after 1.0 s', held: 'no' },
    ],
  });
  expect(text).toBe(`Corral 1.2.3

ok       Short           fine
FAILED   A longer title  broken
                         -> sudo mend

Escapes, tried in a real sandbox:
held     Held            all refused (1 of 1 refused)
ESCAPED  Open            succeeded: x
unproven Unknown         no python3

Limits, run into in a real sandbox:
held     Memory          ends as memory_limit (memory_limit after 0.3 s)
FAILED   Disk            nothing stopped it after 1.0 s

Something is missing or does not hold: see what is marked FAILED or ESCAPED.
`);
});

const missing = whyNoBubblewrap();
test.skipIf(missing !== undefined)(
  `in real bubblewrap every escape is held and languages start${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder();
    const path = supervisorPath();
    await using launcher = createSupervisorLauncher({ supervisorPath: path });
    const groups = await whyNoGroups();
    using real = realGroups(launcher);
    const { cgroups } = real;
    const deps = depsOf(join(folder.path, 'state'), createBubblewrapDriver({ launcher, supervisorPath: path, cgroups }), {
      env: process.env,
      toolchains: { ...findToolchains(process.env, homedir()), fallbackPath: [] },
    });
    const report = await runDoctor(deps);
    expect(report.probes.filter(({ held }) => held !== 'yes')).toEqual([]);
    expect(report.probes).toHaveLength(ESCAPE_PROBES.length);
    expect(report.limits.map(({ held }) => held)).toEqual(report.limits.map(() => 'yes'));
    expect(report.limits.map(({ seen }) => seen.split(' ')[0])).toEqual([
      'cpu_limit',
      'process_limit',
      'memory_limit',
      groups === undefined ? 'memory_limit' : 'refused',
      'file_size_limit',
      'disk_limit',
    ]);
    expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(check(report, 'languages')?.found).toMatch(/bash \d/);
    expect(check(report, 'workspace')).toMatchObject({ status: 'ok' });
  },
);
