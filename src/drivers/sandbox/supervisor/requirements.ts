import { CorralError } from '../../../ports/errors.ts';
import { requireKept, wantedLimits } from '../../../ports/limits.ts';
import type { Capabilities, DriverName, SandboxSpec } from '../../../ports/sandbox.ts';

/** Refuses a specification that asks for what the driver cannot enforce. */
export const requireCapabilities = (driver: DriverName, spec: SandboxSpec, { network, limits, kept, support }: Capabilities): void => {
  if (!network.includes(spec.network))
    throw new CorralError('unsupported', `The driver "${driver}" cannot give a sandbox the network mode "${spec.network}".`, {
      hint: `It offers: ${network.join(', ')}.`,
    });
  for (const name of wantedLimits(spec.limits))
    if (!limits.includes(name))
      throw new CorralError('unsupported', `The driver "${driver}" cannot enforce the limit "${name}" here.`, {
        hint: `Leave it out, or use the driver "bubblewrap". It enforces: ${limits.join(', ')}.`,
      });
  if (spec.requireLimits === true) requireKept(driver, spec.limits, { kept, support });
};
