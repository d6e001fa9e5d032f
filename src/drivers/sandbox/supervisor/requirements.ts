import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, DriverName, SandboxLimits, SandboxSpec } from '../../../ports/sandbox.ts';

/** Refuses a specification that asks for what the driver cannot enforce. */
export const requireCapabilities = (driver: DriverName, spec: SandboxSpec, { network, limits }: Capabilities): void => {
  if (!network.includes(spec.network))
    throw new CorralError('unsupported', `The driver "${driver}" cannot give a sandbox the network mode "${spec.network}".`, {
      hint: `It offers: ${network.join(', ')}.`,
    });
  for (const [name, value] of Object.entries(spec.limits) as [keyof SandboxLimits, number | undefined][])
    if (value !== undefined && !limits.includes(name))
      throw new CorralError('unsupported', `The driver "${driver}" cannot enforce the limit "${name}" here.`, {
        hint: `Leave it out, or use the driver "bubblewrap". It enforces: ${limits.join(', ')}.`,
      });
};
