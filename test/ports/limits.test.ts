import { expect, test } from 'vitest';
import { requireCapabilities } from '../../src/drivers/sandbox/supervisor/requirements.ts';
import { limitsOf, NO_CGROUPS } from '../../src/drivers/sandbox/cgroups/limits.ts';
import type { GroupSupport } from '../../src/drivers/sandbox/cgroups/cgroups.ts';
import { CorralError } from '../../src/ports/errors.ts';
import type { Capabilities, SandboxLimits } from '../../src/ports/sandbox.ts';
import { aSpec, temporaryState } from '../support/sandboxes.ts';

const GROUPS: GroupSupport = { class: 'B', source: 'cgroup1', cpus: true };
const WATCHED: GroupSupport = { class: 'C', source: 'proc', why: 'not delegated', fix: 'systemd-run --user --scope', cpus: false };

const refusal = (limits: SandboxLimits, support: GroupSupport, change: { requireLimits?: boolean; processes?: boolean } = {}) => {
  using state = temporaryState();
  const capabilities: Capabilities = {
    isolation: 'namespace',
    network: ['none'],
    ...limitsOf(support, { processes: change.processes ?? true }),
    pty: true,
    survivesServer: true,
  };
  try {
    requireCapabilities('bubblewrap', aSpec(state, { limits, requireLimits: change.requireLimits ?? true }), capabilities);
    return undefined;
  } catch (error) {
    if (error instanceof CorralError) return `${error.code}: ${error.message} ${error.hint ?? ''}`;
    throw error;
  }
};

test('in a group everything is kept but the disk', () => {
  expect(refusal({ memoryBytes: 1e8, processes: 9, cpus: 0.5, cpuSeconds: 1, fileBytes: 1, openFiles: 99 }, GROUPS)).toBeUndefined();
  const said = refusal({ memoryBytes: 1e8, diskBytes: 1e8 }, GROUPS);
  expect(said).toContain('does not keep diskBytes here (class B)');
  expect(said).toContain('file system with a quota');
});

test('watched, memory is refused where limits are required, and taken where not', () => {
  const said = refusal({ memoryBytes: 1e8, cpuSeconds: 1 }, WATCHED);
  expect(said).toMatch(/^unsupported: .*does not keep memoryBytes here \(class C: not delegated\)/);
  expect(said).toContain('systemd-run --user --scope');
  expect(refusal({ memoryBytes: 1e8 }, WATCHED, { requireLimits: false })).toBeUndefined();
});

test('a limit that the driver cannot even watch is refused in any case', () => {
  expect(refusal({ cpus: 0.5 }, WATCHED, { requireLimits: false })).toMatch(/cannot enforce the limit "cpus"/);
  expect(refusal({ processes: 9 }, WATCHED, { requireLimits: false, processes: false })).toMatch(/cannot enforce the limit "processes"/);
  expect(refusal({ processes: 9 }, GROUPS, { processes: false })).toBeUndefined();
});

test('where no groups are used, that is said', async () => {
  expect(await NO_CGROUPS.support()).toMatchObject({ class: 'C', why: expect.any(String) });
});
