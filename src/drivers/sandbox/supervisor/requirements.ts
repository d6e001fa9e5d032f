import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, DriverName, LimitSupport, SandboxLimits, SandboxSpec } from '../../../ports/sandbox.ts';

/** What no control group changes. */
const ALWAYS_WATCHED: readonly (keyof SandboxLimits)[] = ['diskBytes'];

/** With --require-limits: a limit that a program can be over for a moment is none. */
const limitsNotKept = (driver: DriverName, watched: readonly (keyof SandboxLimits)[], support: LimitSupport): CorralError =>
  new CorralError(
    'unsupported',
    `Limits are required, and the driver "${driver}" can only watch ${watched.join(', ')} here (class ${support.class}` +
      `${support.why === undefined ? '' : `: ${support.why}`}).`,
    {
      hint: watched.every((name) => ALWAYS_WATCHED.includes(name))
        ? 'Put the workspace on a file system with a quota of its own and leave --disk-bytes out.'
        : `Start it as: ${support.fix ?? 'see `corral doctor`'}. Or leave out ${watched.join(', ')}, or --require-limits.`,
    },
  );

/** Refuses a specification that asks for what the driver cannot enforce. */
export const requireCapabilities = (driver: DriverName, spec: SandboxSpec, { network, limits, kept, support }: Capabilities): void => {
  if (!network.includes(spec.network))
    throw new CorralError('unsupported', `The driver "${driver}" cannot give a sandbox the network mode "${spec.network}".`, {
      hint: `It offers: ${network.join(', ')}.`,
    });
  const wanted = (Object.keys(spec.limits) as (keyof SandboxLimits)[]).filter((name) => spec.limits[name] !== undefined);
  for (const name of wanted)
    if (!limits.includes(name))
      throw new CorralError('unsupported', `The driver "${driver}" cannot enforce the limit "${name}" here.`, {
        hint: `Leave it out, or use the driver "bubblewrap". It enforces: ${limits.join(', ')}.`,
      });
  const watched = wanted.filter((name) => !kept.includes(name));
  if (spec.requireLimits === true && watched.length > 0) throw limitsNotKept(driver, watched, support);
};
