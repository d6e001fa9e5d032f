import type { Capabilities, SandboxSpec } from '../../../ports/sandbox.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { Cgroups, GroupSupport } from './cgroups.ts';

/** For a sandbox that needs no group: whether it could have one is not asked. */
export const NOT_LOOKED: GroupSupport = { class: 'C', source: 'proc', why: 'nothing asked for a control group', cpus: false };

/** Where the operator wants none, or a test does. */
export const NO_CGROUPS: Cgroups = {
  support: async () => ({ class: 'C', source: 'proc', why: 'control groups are not used', cpus: false }),
  make: async () => {
    throw new CorralError('internal', 'There are no control groups here.');
  },
  end: async () => {},
  sweep: async () => 0,
};

/** Is there a limit that only a group keeps? `counted`: the kernel counts the sandbox's processes without one. Joining a group costs milliseconds. */
export const wantsGroup = ({ limits }: SandboxSpec, counted: boolean): boolean =>
  limits.memoryBytes !== undefined || limits.cpus !== undefined || (limits.processes !== undefined && !counted);

/** What a driver that uses the supervisor can limit. `processes`: the kernel counts them without a group, too. */
export const limitsOf = (
  { cpus, ...support }: GroupSupport,
  without: { readonly processes: boolean },
): Pick<Capabilities, 'limits' | 'kept' | 'support'> => {
  const grouped = support.class !== 'C';
  const processes = grouped || without.processes ? (['processes'] as const) : [];
  const share = grouped && cpus ? (['cpus'] as const) : [];
  const alone = ['cpuSeconds', 'fileBytes', 'openFiles'] as const;
  return {
    limits: ['memoryBytes', ...processes, ...alone, ...share, 'diskBytes'],
    kept: [...(grouped ? (['memoryBytes'] as const) : []), ...processes, ...alone, ...share],
    support,
  };
};
